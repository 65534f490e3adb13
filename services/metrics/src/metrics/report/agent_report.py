"""The agent report: what agents handled in an interval, in order of agent; no order by a figure is offered."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from metrics.connection import Connection
from metrics.evidence.assignment import ASSIGNMENT
from metrics.evidence.evidence import Evidence
from metrics.figure import handling
from metrics.figure.definition import Definition, Figure, Sums, figure
from metrics.interval.calendar import Granularity, Part
from metrics.report.grouped import columns_of, grouped, sums_of
from metrics.report.question import Question

COLUMNS: Final[dict[Evidence[Any], dict[str, str]]] = {
    ASSIGNMENT: sums_of(
        handling.ASSIGNMENTS, handling.HANDLED, handling.HANDLE, handling.TALK, handling.HOLD, handling.WRAP_UP
    )
}
"""What every row has, whichever figures are asked for."""


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent (empty: those nobody named) in one part (None where the interval is not cut)."""

    agent: str
    part: Part | None
    sums: Sums
    figures: tuple[Figure, ...]


async def agent_report(
    connection: Connection, question: Question, definitions: Iterable[Definition]
) -> tuple[AgentRow, ...]:
    """Return a row for each agent and part, in order of both; TooManyRows where there would be too many."""
    wanted = tuple(definitions)
    groups = await grouped(connection, question, columns_of(wanted, COLUMNS))
    cut = question.interval.granularity is not Granularity.WHOLE
    return tuple(
        AgentRow(
            group.subject,
            group.part if cut else None,
            group.sums,
            tuple(figure(definition, group.sums, question.minimum_n) for definition in wanted),
        )
        for group in groups.rows
    )
