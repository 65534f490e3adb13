"""The flow report: what became of contacts in IVR flows, by flow, version, way through it and part of an interval."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from metrics.connection import Connection
from metrics.evidence.evidence import Evidence
from metrics.evidence.flow import FLOW, SEPARATOR
from metrics.figure import flows
from metrics.figure.definition import Definition, Figure, Sums, figure
from metrics.interval.calendar import Granularity, Part
from metrics.report.grouped import columns_of, grouped, sums_of
from metrics.report.question import Question

COLUMNS: Final[dict[Evidence[Any], dict[str, str]]] = {
    FLOW: sums_of(flows.ENTERED, flows.CONTAINED, flows.ABANDONED_IVR)
}
"""What every row has, whichever figures are asked for."""


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One version of one flow, or one way through it: sums by name, and figures.

    No part in a total or where nothing is cut; no way where ways are not asked for.
    """

    flow: str
    version: str
    node_path: str
    part: Part | None
    sums: Sums
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class FlowReport:
    """Rows in order of flow, version and time, and all of them together."""

    rows: tuple[FlowRow, ...]
    total: FlowRow


async def flow_report(connection: Connection, question: Question, definitions: Iterable[Definition]) -> FlowReport:
    """Return the report; TooManyRows where it would be too long."""
    wanted = tuple(definitions)
    groups = await grouped(connection, question, columns_of(wanted, COLUMNS))
    cut = question.interval.granularity is not Granularity.WHOLE

    def row(subject: str, part: Part | None, sums: Sums) -> FlowRow:
        flow, version, node_path = (*subject.split(SEPARATOR), "", "")[:3]
        figures = tuple(figure(definition, sums, question.minimum_n) for definition in wanted)
        return FlowRow(flow, version, node_path, part if cut else None, sums, figures)

    rows = tuple(row(group.subject, group.part, group.sums) for group in groups.rows)
    return FlowReport(rows, row("", None, groups.total))
