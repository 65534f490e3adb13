"""The fact of what customers said when they were asked: one row for each question answered about a contact.

Their own words never become facts; of a cause only the words that all surveys share are kept.
"""

from typing import Final

from metrics.fact.declaration import CONTACT_ID, OWN_ID, Column, Fact, Kind, Reducer, Told, at, of

ANSWERED: Final = "SurveyAnswered"
CAUSES: Final = ("wait", "answer", "agent", "product")

SURVEY: Final = Fact(
    name="survey",
    sentence="What a customer answered to one question of a survey about a contact, as told last.",
    category="contact",
    entity="answer_id",
    key=(CONTACT_ID, Column("answer_id", Kind.ID, "The answer: one for each survey, question and spell told of.")),
    columns=(
        Column(
            "survey",
            Kind.TEXT,
            "Survey, as the tenant names it.",
            Reducer.AGREED,
            of("survey", ANSWERED),
        ),
        Column("question", Kind.TEXT, "The question.", Reducer.AGREED, of("question", ANSWERED)),
        Column("rating", Kind.NUMBER, "Rating on the survey's scale; 0: none.", Reducer.ONCE, of("rating", ANSWERED)),
        Column(
            "best_rating",
            Kind.NUMBER,
            "Best rating of that scale; 0: not told.",
            Reducer.ONCE,
            of("best_rating", ANSWERED),
        ),
        Column(
            "cause",
            Kind.WORD,
            f"What the customer says caused the rating: {', '.join(CAUSES)}; empty for anything else.",
            Reducer.ONCE,
            (Told(ANSWERED, "cause", among=CAUSES),),
        ),
        Column(
            "told_assignment_id",
            Kind.ID,
            "Agent's spell that the answer is about, as told; empty: the contact as a whole.",
            Reducer.AGREED,
            of("assignment_id", ANSWERED),
        ),
        Column("source_id", Kind.TEXT, "Source that told it.", Reducer.ONCE, of("@source_id", ANSWERED)),
        Column("answered_time", Kind.MOMENT, "When it was answered.", Reducer.ONCE, at(ANSWERED)),
        Column(
            "assignment_id",
            Kind.ID,
            "Bridged spell that it counts for: that one, or the contact's last; empty: there is none.",
        ),
        Column(
            "agent",
            Kind.TEXT,
            "Agent it counts for: of that spell, and about a contact as a whole only if they alone served it.",
            personal=True,
        ),
        Column("position", Kind.NUMBER, "Position of the event that told it.", Reducer.LAST, of("@position", ANSWERED)),
    ),
    ids={ANSWERED: OWN_ID},
    indexes=(("tenant", "answered_time"),),
)
