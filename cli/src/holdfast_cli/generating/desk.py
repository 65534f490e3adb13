"""The second source of the made-up centre: the agents' desk. It tells late, and not in the order of what happened."""

from typing import Final

from holdfast.call_events.v1 import after_pb2
from holdfast_cli.generating import plan
from holdfast_cli.generating.chance import Chance
from holdfast_cli.generating.facts import OBSERVED, Contact, Facts

_NOTES: Final = 180
_SURVEYS: Final = 130
_BEST_RATING: Final = 5
_RATINGS: Final = ((5, 46), (4, 24), (3, 12), (2, 7), (1, 11))
_CAUSES: Final = (("answer", 45), ("wait", 25), ("agent", 20), ("product", 10))


class Desk:
    """What the desk tells of one agent's spell on a contact."""

    def __init__(self, facts: Facts, chance: Chance, contact: Contact, spell: str) -> None:
        """Begin; nothing is told before `after_talk`."""
        self._facts = facts
        self._chance = chance
        self._contact = contact
        self._spell = spell

    def after_talk(self, ended_ms: int) -> None:
        """Tell the outcome, for some a note, and hours later what the customer says."""
        disposition = self._chance.one_of(plan.DISPOSITIONS)
        chosen = after_pb2.DispositionSet(observation=OBSERVED, assignment_id=self._spell, disposition=disposition)
        self._tell(ended_ms + 4_000, 900, disposition_set=chosen)
        if self._chance.happens(_NOTES):
            note = after_pb2.NoteAdded(observation=OBSERVED, assignment_id=self._spell, text="called about the usual")
            self._tell(ended_ms + 6_000, 3_600, note_added=note)
        if self._chance.happens(_SURVEYS):
            said = after_pb2.SurveyAnswered(
                observation=OBSERVED,
                survey="after_call",
                question="satisfied",
                rating=self._chance.weighted(_RATINGS),
                best_rating=_BEST_RATING,
                assignment_id=self._spell,
                cause=self._chance.weighted(_CAUSES),
            )
            self._tell(ended_ms + self._chance.between(60, 20_000) * 1_000, 7_200, survey_answered=said)

    def _tell(self, at_ms: int, latest_seconds: int, **body: object) -> None:
        late_ms = self._chance.between(1, latest_seconds) * 1_000
        self._facts.tell_late(self._contact, plan.DESK_SOURCE, at_ms, late_ms, **body)
