"""The queue report: counts, sums and figures of queues by part of an interval, and their total."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from metrics.connection import Connection
from metrics.evidence.assignment import ASSIGNMENT
from metrics.evidence.evidence import Evidence
from metrics.evidence.flow import FLOW
from metrics.evidence.visit import VISIT, VISITED
from metrics.figure import flows, handling, service_level, waiting
from metrics.figure.definition import Definition, Figure, Sums, figure
from metrics.interval.calendar import Granularity, Part
from metrics.report.grouped import Groups, columns_of, grouped, sums_of
from metrics.report.question import Question

_CLOCK: Final = """case when min(nullif(wait_clock, '')) = max(nullif(wait_clock, '')) then max(wait_clock)
    when max(wait_clock) <> '' then 'mixed' else '' end"""


COLUMNS: Final[dict[Evidence[Any], dict[str, str]]] = {
    VISIT: {
        **sums_of(
            waiting.OFFERED,
            waiting.ANSWERED,
            waiting.ABANDONED,
            waiting.RINGING,
            waiting.SHORT,
            waiting.FLOW_OUTS,
            waiting.ELSEWHERE,
            waiting.WAITING,
            waiting.WAIT_ANSWERED,
            waiting.WAIT_ABANDONED,
            service_level.ANSWERED_WITHIN,
            service_level.ABANDONED_WITHIN,
        ),
        "wait_clock": _CLOCK,
    },
    VISITED: {"contacts": "count(distinct root_contact_id)"},
    ASSIGNMENT: sums_of(
        handling.ASSIGNMENTS, handling.HANDLED, handling.HANDLE, handling.TALK, handling.HOLD, handling.WRAP_UP
    ),
    FLOW: sums_of(flows.ABANDONED_IVR),
}
"""What every row has, whichever figures are asked for."""


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One queue (empty: all together): sums by name, and figures. No part in a total or where nothing is cut."""

    queue: str
    part: Part | None
    sums: Sums
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class QueueReport:
    """Rows in order of queue and time, and all of them together; ratios of the total are pooled."""

    rows: tuple[QueueRow, ...]
    total: QueueRow


async def queue_report(connection: Connection, question: Question, definitions: Iterable[Definition]) -> QueueReport:
    """Return the report; TooManyRows where it would be too long."""
    wanted = tuple(definitions)
    groups = await grouped(connection, question, columns_of(wanted, COLUMNS))
    return await asyncio.to_thread(_report, groups, question, wanted)


def _report(groups: Groups, question: Question, wanted: tuple[Definition, ...]) -> QueueReport:
    cut = question.interval.granularity is not Granularity.WHOLE
    rows = tuple(
        QueueRow(
            group.subject,
            group.part if cut else None,
            group.sums,
            _figures(wanted, group.sums, question.minimum_n),
        )
        for group in groups.rows
    )
    return QueueReport(rows, QueueRow("", None, groups.total, _figures(wanted, groups.total, question.minimum_n)))


def _figures(definitions: tuple[Definition, ...], sums: Sums, minimum_n: int) -> tuple[Figure, ...]:
    return tuple(figure(definition, sums, minimum_n) for definition in definitions)
