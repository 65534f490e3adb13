"""Answers as messages; no I/O. Lengths are seconds where the message says so, else microseconds."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.log.v1 import event_pb2
from holdfast.metrics.v1 import figure_pb2, metrics_service_pb2
from metrics.answer.asking import CREDITS, GRANULARITIES
from metrics.as_of import AsOf
from metrics.evidence.evidence import SECOND_US, Measure
from metrics.explain.explanation import Explained
from metrics.explain.reference import Reference
from metrics.figure.definition import Definition, Figure, Sums
from metrics.interval.calendar import Part
from metrics.interval.interval import Interval
from metrics.report.agent_report import AgentRow
from metrics.report.flow_report import FlowReport, FlowRow
from metrics.report.marks import Mark
from metrics.report.question import Question
from metrics.report.queue_report import QueueReport, QueueRow
from metrics.report.scorecard import Scorecard

_GRANULARITY_NUMBERS: Final = {granularity: number for number, granularity in GRANULARITIES.items()}
_CREDIT_NUMBERS: Final = {credit: number for number, credit in CREDITS.items()}
_QUEUE_SUMS: Final = (
    "offered",
    "answered",
    "abandoned",
    "abandoned_ringing",
    "short_abandoned",
    "abandoned_ivr",
    "flow_outs",
    "answered_within",
    "abandoned_within",
    "wait_answered_us",
    "wait_abandoned_us",
    "handle_us",
    "assignments",
    "assignments_handled",
    "talk_us",
    "hold_us",
    "wrap_up_us",
    "contacts",
    "waiting",
    "elsewhere",
)


def as_of(found: AsOf, now_us: int, *, positions: bool) -> figure_pb2.AsOf:
    """Return how current an answer given now is; positions only to those who may see them."""
    logs = {
        log.log_id: event_pb2.Cursor(
            log_id=log.log_id, incarnation=log.incarnation, position=log.position if positions else 0
        )
        for log in found.logs
    }
    behind = found.behind if positions else min(found.behind, 1)
    return figure_pb2.AsOf(
        logs=logs,
        time=_time(found.time_us),
        parked=found.parked,
        behind=behind,
        heard_time=_time(found.heard_us),
        current=found.is_current(now_us),
    )


def interval(found: Interval) -> figure_pb2.ReportInterval:
    """Return the interval as understood."""
    return figure_pb2.ReportInterval(
        from_time=timestamp(found.from_us),
        to_time=timestamp(found.to_us),
        time_zone=found.zone.key,
        granularity=_GRANULARITY_NUMBERS[found.granularity],
        week_start=found.week_start,
        credit=_CREDIT_NUMBERS[found.credit],
    )


def figure(found: Figure) -> figure_pb2.Figure:
    """Return a figure; what is undefined stays unset."""
    reading = found.reading
    return figure_pb2.Figure(
        name=found.name,
        formula_version=found.definition.version,
        unit=found.definition.formula.unit,
        value=reading.value,
        numerator=reading.numerator,
        denominator=reading.denominator,
        n=reading.n,
        interval_low=reading.span.low if reading.span else None,
        interval_high=reading.span.high if reading.span else None,
        insufficient_evidence=found.insufficient_evidence,
        provisional=found.provisional,
    )


def definition(found: Definition) -> figure_pb2.FigureDefinition:
    """Return what a figure means."""
    divisor = found.denominator
    return figure_pb2.FigureDefinition(
        name=found.name,
        formula_version=found.version,
        unit=found.formula.unit,
        formula=found.words,
        numerator=_meaning(found.numerator),
        denominator=_meaning(divisor) if divisor else "",
        subjects=sorted(found.subjects),
        superseded=found.superseded,
        interval=found.formula.interval,
        fact=found.evidence.name,
    )


def queue_report(asked: Question, found: QueueReport) -> metrics_service_pb2.GetQueueReportResponse:
    """Return the queue report; how current it is comes from elsewhere."""
    return metrics_service_pb2.GetQueueReportResponse(
        rows=[queue_row(row) for row in found.rows],
        total=queue_row(found.total),
        interval=interval(asked.interval),
        threshold=duration(asked.terms.threshold_us),
        short_abandon=duration(asked.terms.short_abandon_us),
    )


def agent_report(asked: Question, rows: Iterable[AgentRow]) -> metrics_service_pb2.GetAgentReportResponse:
    """Return the agent report; how current it is comes from elsewhere."""
    return metrics_service_pb2.GetAgentReportResponse(
        rows=[agent_row(row) for row in rows], interval=interval(asked.interval)
    )


def flow_report(asked: Question, found: FlowReport) -> metrics_service_pb2.GetFlowReportResponse:
    """Return the flow report; how current it is comes from elsewhere."""
    return metrics_service_pb2.GetFlowReportResponse(
        rows=[flow_row(row) for row in found.rows], total=flow_row(found.total), interval=interval(asked.interval)
    )


def queue_row(row: QueueRow) -> metrics_service_pb2.QueueRow:
    """Return a row of the queue report."""
    sums: dict[str, Any] = {name: _sum(row.sums, name) for name in _QUEUE_SUMS}
    return metrics_service_pb2.QueueRow(
        queue=row.queue,
        interval_start=start_of(row.part),
        utc_offset_seconds=row.part.utc_offset_seconds if row.part else 0,
        **sums,
        figures=_figures(row.figures),
        wait_clock=row.sums.get("wait_clock") or "",
        provisional=bool(row.sums.get("waiting")),
    )


def agent_row(row: AgentRow) -> metrics_service_pb2.AgentRow:
    """Return a row of the agent report."""
    return metrics_service_pb2.AgentRow(
        agent=row.agent,
        interval_start=start_of(row.part),
        utc_offset_seconds=row.part.utc_offset_seconds if row.part else 0,
        contacts=_sum(row.sums, "assignments"),
        contacts_handled=_sum(row.sums, "assignments_handled"),
        handle_us=_sum(row.sums, "handle_us"),
        talk_us=_sum(row.sums, "talk_us"),
        hold_us=_sum(row.sums, "hold_us"),
        wrap_up_us=_sum(row.sums, "wrap_up_us"),
        figures=_figures(row.figures),
    )


def flow_row(row: FlowRow) -> metrics_service_pb2.FlowRow:
    """Return a row of the flow report."""
    return metrics_service_pb2.FlowRow(
        flow=row.flow,
        flow_version=row.version,
        interval_start=start_of(row.part),
        utc_offset_seconds=row.part.utc_offset_seconds if row.part else 0,
        entered=_sum(row.sums, "flow_entered"),
        contained=_sum(row.sums, "contained"),
        abandoned_ivr=_sum(row.sums, "abandoned_ivr"),
        node_path=row.node_path,
        figures=_figures(row.figures),
    )


def explained(found: Definition, one: Explained, *, positions: bool) -> metrics_service_pb2.ExplainedFact:
    """Return one fact behind a figure; lengths it adds are seconds, positions 0 unless they may be seen."""
    divisor = found.denominator
    return metrics_service_pb2.ExplainedFact(
        fact=found.evidence.name,
        fact_id=one.row.fact_id,
        contact_id=one.row.contact_id,
        numerator=_added(found.numerator, one.row.numerator),
        denominator=_added(divisor, one.row.denominator) if divisor else one.row.denominator,
        reason=one.reason,
        events=[_event(event, positions=positions) for event in one.events],
        credited_time=timestamp(one.row.credited_us),
    )


def _event(event: Reference, *, positions: bool) -> metrics_service_pb2.EventReference:
    return metrics_service_pb2.EventReference(
        event_id=event.event_id,
        position=event.position if positions else 0,
        type=event.type,
        event_time=timestamp(event.event_time_us),
        log_id=event.log_id,
    )


def _added(measure: Measure[Any], amount: int) -> float:
    return amount / SECOND_US if measure.name.endswith(("_us", "_millionths")) else float(amount)


def scorecard(
    asked: Interval, agent: str, found: Scorecard, behind: Mapping[Mark, tuple[str, ...]]
) -> metrics_service_pb2.GetScorecardResponse:
    """Return a scorecard; `behind` are the ids of the events that show each mark."""
    return metrics_service_pb2.GetScorecardResponse(
        agent=agent,
        interval=interval(asked),
        figures=[
            metrics_service_pb2.ScorecardFigure(
                all=figure(one.all), in_agents_hands=figure(one.in_agents_hands), left_out=one.left_out
            )
            for one in found.figures
        ],
        marks=[
            metrics_service_pb2.ContextMark(
                mark=one.mark,
                contact_id=one.contact_id,
                assignment_id=one.assignment_id,
                reason=one.reason,
                event_ids=behind.get(one, ()),
            )
            for one in found.marks
        ],
        notes=found.notes,
    )


def timestamp(instant_us: int) -> Timestamp:
    """Return an instant."""
    return Timestamp(seconds=instant_us // 1_000_000, nanos=instant_us % 1_000_000 * 1000)


def start_of(part: Part | None) -> Timestamp | None:
    """Return where a part begins; None where the interval is not cut."""
    return None if part is None else timestamp(part.start_us)


def duration(length_us: int) -> Duration:
    """Return a length."""
    return Duration(seconds=length_us // 1_000_000, nanos=length_us % 1_000_000 * 1000)


def _time(instant_us: int | None) -> Timestamp | None:
    return None if instant_us is None else timestamp(instant_us)


def _meaning(measure: Measure[object]) -> str:
    return f"{measure.symbol}: {measure.words}" if measure.symbol else measure.words


def _figures(found: Iterable[Figure]) -> list[figure_pb2.Figure]:
    return [figure(one) for one in found]


def _sum(sums: Sums, name: str) -> int:
    return int(sums.get(name) or 0)
