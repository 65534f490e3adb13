"""The fact that two contacts are one."""

from typing import Final

from metrics.fact.declaration import CONTACT_ID, Column, Fact, Kind, Reducer, at, of

CONTACT_LINK: Final = Fact(
    name="contact_link",
    sentence="That one contact belongs to another: a reconnect, a consult, the same call under two ids.",
    category="contact",
    entity="to_contact_id",
    key=(CONTACT_ID, Column("to_contact_id", Kind.ID, "Contact that it belongs to.")),
    columns=(
        Column(
            "reason",
            Kind.WORD,
            "Why they belong together: reconnect, consult, duplicate.",
            Reducer.ONCE,
            of("reason", "ContactLinked", words="ContactLinkReason"),
        ),
        Column("linked_time", Kind.MOMENT, "When they were linked.", Reducer.ONCE, at("ContactLinked")),
        Column("unlinked_time", Kind.MOMENT, "When the link was taken back.", Reducer.ONCE, at("ContactUnlinked")),
        Column("linked", Kind.FLAG, "Whether the link stands."),
        Column(
            "position",
            Kind.NUMBER,
            "Position of the last event about the link.",
            Reducer.LAST,
            of("@position", "ContactLinked", "ContactUnlinked"),
        ),
    ),
    ids={"ContactLinked": "to_contact_id", "ContactUnlinked": "to_contact_id"},
    indexes=(("tenant", "to_contact_id"),),
)
