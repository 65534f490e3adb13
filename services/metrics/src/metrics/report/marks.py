"""The marks of one agent's evidence: what lay outside their hands, spell by spell and rating by rating.

What is a mark is told by `metrics.evidence`; here they are found and put into words.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from metrics.connection import Connection
from metrics.evidence.assignment import LENGTHS, spells
from metrics.evidence.bridged import first_of, passed_on_by
from metrics.evidence.evidence import Credit, Subject
from metrics.evidence.outside import CONTEXT, OF_SPELLS, Circumstance, context_of
from metrics.evidence.survey import OF_SURVEYS, SURVEY
from metrics.report.question import Question
from metrics.report.statement import bind, values_of

NOT_ABOUT_AGENT: Final = "not_about_agent"
NAMES: Final = tuple(one.name for one in OF_SURVEYS)
AT_MOST: Final = 200
"""Marked pieces of evidence of one kind that one answer names; all of them count."""


def _marked(rows: str, circumstances: Iterable[Circumstance]) -> str:
    columns = ", ".join(f"{one.sql} as {one.name}" for one in circumstances)
    return f"select found.*, {columns} from ({rows}) found"  # noqa: S608  # texts of this package; every value is a parameter


MARKED_SPELLS: Final = _marked(
    spells(
        Subject.AGENT,
        Credit.ENQUEUE,
        f"{LENGTHS}, a.visit_id, {CONTEXT}, {first_of(Subject.AGENT)}",
        context_of(Subject.AGENT) + passed_on_by(Subject.AGENT),
    ),
    OF_SPELLS,
)
"""SQL of an agent's spells: all columns of ASSIGNMENT, PASSED_ON and BRIDGED, and every mark as a column."""
MARKED_RATINGS: Final = _marked(SURVEY.source(Subject.AGENT, Credit.ENQUEUE), OF_SURVEYS)
"""SQL of the answers that count for an agent, with their columns and every mark."""
ANY_OF_SPELL: Final = " or ".join(one.name for one in OF_SPELLS)


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark of one spell, with its measure in a sentence."""

    mark: str
    contact_id: str
    assignment_id: str
    visit_id: str
    reason: str


async def marks(connection: Connection, question: Question) -> tuple[Mark, ...]:
    """Return the marks of the latest AT_MOST marked spells and ratings, each in order of time, spells first.

    Of ratings only what spells do not have stands here: that the customer says it was not about the agent.
    """
    of_spells = await _latest(connection, question, MARKED_SPELLS, ANY_OF_SPELL)
    of_ratings = await _latest(connection, question, MARKED_RATINGS, NOT_ABOUT_AGENT)
    return (
        *(mark for record in of_spells for mark in _of(record, question)),
        *(_of_rating(record) for record in of_ratings),
    )


async def _latest(connection: Connection, question: Question, rows: str, condition: str) -> list[Any]:
    text = f"select * from ({rows}) marked where {condition} order by credited desc, fact_id limit {AT_MOST}"  # noqa: S608
    asked = bind(text, values_of(question))
    return list(reversed(await connection.fetch(asked.text, *asked.values)))


def _of(record: Any, question: Question) -> list[Mark]:
    return [
        Mark(one.name, record["contact_id"], record["fact_id"], record["visit_id"], _reason(one.name, record, question))
        for one in OF_SPELLS
        if record[one.name]
    ]


def _of_rating(record: Any) -> Mark:
    reason = f"the customer puts the rating down to the {record['cause']}"
    return Mark(NOT_ABOUT_AGENT, record["contact_id"], record["assignment_id"], "", reason)


def _reason(name: str, record: Any, question: Question) -> str:
    match name:
        case "long_wait":
            limit = question.terms.long_wait_us // 1_000_000
            return f"waited {record['wait_us'] // 1_000_000} s, the threshold is {limit} s"
        case "misrouted" if record["received_misrouted"]:
            return "reached this agent after a transfer told as a misroute"
        case "misrouted":
            return "had reached the wrong place: passed on as a misroute, or within 60 s elsewhere"
        case "supervisor_intervention":
            return "a supervisor took part"
        case _:
            return "something the contact needed did not work"
