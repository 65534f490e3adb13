"""What customers answered as evidence: ratings, each about an agent's spell on a contact, and what it depended on.

A rating belongs where its spell belongs. About a contact as a whole it is its last spell's; for an agent it counts only
if no other agent served the contact.
"""

from dataclasses import dataclass
from typing import Any, Final

from metrics.evidence.assignment import spells
from metrics.evidence.evidence import Credit, Evidence, Subject, Terms
from metrics.evidence.outside import CONTEXT, OF_SPELLS, Circumstance, Context, context_of

ELSEWHERE: Final = ("wait", "product")
"""Causes, as the customer names them, that are nothing of an agent's; written as SQL writes such a list."""


@dataclass(frozen=True, slots=True)
class SurveyRow(Context):
    """One answer: its rating, the best of its scale (0: not told), and what the customer says caused it."""

    rating: int
    best_rating: int
    cause: str


OF_SURVEYS: Final = (
    *OF_SPELLS,
    Circumstance(
        "not_about_agent",
        f"cause in {ELSEWHERE}",
        lambda row, _: row.cause in ELSEWHERE,
    ),
)
OUTSIDE_SQL: Final = f"({' or '.join(one.sql for one in OF_SURVEYS)})"


def is_outside(row: SurveyRow, terms: Terms) -> bool:
    """Whether anything that the rating depended on lay outside the agent's hands."""
    return any(one.of(row, terms) for one in OF_SURVEYS)


def _source(subject: Subject, credit: Credit) -> str:
    theirs = " and s.agent = a.agent" if subject is Subject.AGENT else ""
    joined = f"""
    join metrics.survey s
      on s.tenant = a.tenant and s.contact_id = a.contact_id and s.assignment_id = a.assignment_id{theirs}
    {context_of(subject)}"""
    columns = f"a.assignment_id, s.rating, s.best_rating, s.cause, {CONTEXT}"
    return spells(subject, credit, columns, joined, key="s.answer_id")


SURVEY: Final[Evidence[Any]] = Evidence(
    "survey", "What customers answered.", frozenset({Subject.QUEUE, Subject.AGENT}), _source, SurveyRow
)
