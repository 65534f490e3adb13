"""Messages as the JSON that programs read: keys are the names of figures, lengths are seconds with the unit in the key.

Undefined figures are null. Nothing is rounded. Only messages come in here, so that whoever has one can use it.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.metrics.v1 import figure_pb2
from holdfast.metrics.v1 import metrics_service_pb2 as pb

SECOND_US: Final = 1_000_000
LEVELS: Final = ("offered", "answered", "excluding_short", "short_met", "genesys")
QUEUE_FIGURES: Final = (
    "asa",
    "abandon_rate",
    *(f"service_level.{level}" for level in LEVELS),
    "aht",
    "aht.all",
    "csat",
    "csat.in_agents_hands",
)
"""What a queue's row needs to have been asked for."""
FLOW_FIGURES: Final = ("containment_rate",)
"""What a flow's row needs to have been asked for."""
AGENT_FIGURES: Final = ("aht", "aht.all")
"""What an agent's row needs to have been asked for."""
Json = dict[str, Any]


def as_of(found: figure_pb2.AsOf) -> Json:
    """Return how current an answer is; `complete_to` by log, positions 0 where the caller may not see them."""
    logs = {
        name: {"incarnation": cursor.incarnation, "position": cursor.position} for name, cursor in found.logs.items()
    }
    return {
        "logs": logs,
        "time": instant(found.time) if found.HasField("time") else None,
        "complete_to": {name: cursor["position"] for name, cursor in logs.items()},
        "parked": found.parked,
        "behind": found.behind,
        "heard_time": instant(found.heard_time) if found.HasField("heard_time") else None,
        "current": found.current,
    }


def queue_report(found: pb.GetQueueReportResponse, extra: Iterable[str] = ()) -> Json:
    """Return the queue report; `extra` are references of figures (name or name@version) to give in full."""
    return {
        "as_of": as_of(found.as_of),
        "interval": interval(found.interval),
        "threshold_seconds": found.threshold.ToTimedelta().total_seconds(),
        "short_abandon_seconds": found.short_abandon.ToTimedelta().total_seconds(),
        "rows": [queue_row(row, extra) for row in found.rows],
        "total": queue_row(found.total, extra),
    }


def agent_report(found: pb.GetAgentReportResponse, extra: Iterable[str] = ()) -> Json:
    """Return the agent report."""
    rows = [agent_row(row, extra) for row in found.rows]
    return {"as_of": as_of(found.as_of), "interval": interval(found.interval), "rows": rows}


def flow_report(found: pb.GetFlowReportResponse, extra: Iterable[str] = ()) -> Json:
    """Return the flow report."""
    return {
        "as_of": as_of(found.as_of),
        "interval": interval(found.interval),
        "rows": [flow_row(row, extra) for row in found.rows],
        "total": flow_row(found.total, extra),
    }


def scorecard(found: pb.GetScorecardResponse) -> Json:
    """Return a scorecard."""
    return {
        "as_of": as_of(found.as_of),
        "agent": found.agent,
        "interval": interval(found.interval),
        "figures": [
            {
                "name": one.all.name,
                "all": figure(one.all),
                "in_agents_hands": figure(one.in_agents_hands),
                "left_out": dict(one.left_out),
            }
            for one in found.figures
        ],
        "marks": [
            {
                "mark": one.mark,
                "contact_id": one.contact_id,
                "assignment_id": one.assignment_id,
                "reason": one.reason,
                "event_ids": list(one.event_ids),
            }
            for one in found.marks
        ],
        "notes": list(found.notes),
    }


def explanation(found: pb.ExplainFigureResponse) -> Json:
    """Return a figure explained; `recomputed` is null where it was not computed again: `not_recomputed` says why."""
    return {
        "as_of": as_of(found.as_of),
        "figure": figure(found.figure),
        "definition": definition(found.definition),
        "facts": [_explained(one) for one in found.facts],
        "fact_count": found.fact_count,
        "next_page_token": found.next_page_token,
        "recomputed": figure(found.recomputed) if found.HasField("recomputed") else None,
        "not_recomputed": found.not_recomputed,
    }


def status(found: pb.GetFactsStatusResponse) -> Json:
    """Return how far the facts are."""
    return {
        "as_of": as_of(found.as_of),
        "rows": dict(sorted(found.rows.items())),
        "estimated": list(found.estimated),
        "following": found.following,
        "live_schema": found.live_schema,
    }


def _explained(one: pb.ExplainedFact) -> Json:
    return {
        "fact": one.fact,
        "fact_id": one.fact_id,
        "contact_id": one.contact_id,
        "numerator": one.numerator,
        "denominator": one.denominator,
        "reason": one.reason,
        "credited_time": instant(one.credited_time),
        "events": [
            {
                "log_id": event.log_id,
                "event_id": event.event_id,
                "position": event.position,
                "type": event.type,
                "event_time": instant(event.event_time),
            }
            for event in one.events
        ],
    }


def definitions(found: pb.ListFigureDefinitionsResponse) -> Json:
    """Return what figures mean."""
    return {"definitions": [definition(one) for one in found.definitions]}


def queue_row(row: pb.QueueRow, extra: Iterable[str] = ()) -> Json:
    """Return a queue's row."""
    values = _values(row.figures)
    start = {"interval_start": local(row.interval_start, row.utc_offset_seconds)} if _cut(row) else {}
    return {
        "queue": row.queue,
        **start,
        "offered": row.offered,
        "answered": row.answered,
        "abandoned": row.abandoned,
        "abandoned_ivr": row.abandoned_ivr,
        "short_abandoned": row.short_abandoned,
        "wait_answered_seconds": row.wait_answered_us / SECOND_US,
        "wait_abandoned_seconds": row.wait_abandoned_us / SECOND_US,
        "asa_seconds": values.get("asa"),
        "abandon_rate": values.get("abandon_rate"),
        "service_level": {level: values.get(f"service_level.{level}") for level in LEVELS},
        "handle_seconds": row.handle_us / SECOND_US,
        "aht_seconds": values.get("aht"),
        "aht_all_seconds": values.get("aht.all"),
        "csat": _ratings(row.figures),
        **_in_full(row.figures, extra),
    }


def agent_row(row: pb.AgentRow, extra: Iterable[str] = ()) -> Json:
    """Return an agent's row."""
    values = _values(row.figures)
    start = {"interval_start": instant(row.interval_start)} if row.HasField("interval_start") else {}
    return {
        "agent": row.agent,
        **start,
        "contacts": row.contacts,
        "handle_seconds": row.handle_us / SECOND_US,
        "aht_seconds": values.get("aht"),
        "aht_all_seconds": values.get("aht.all"),
        **_in_full(row.figures, extra),
    }


def flow_row(row: pb.FlowRow, extra: Iterable[str] = ()) -> Json:
    """Return a flow's row."""
    values = _values(row.figures)
    start = {"interval_start": local(row.interval_start, row.utc_offset_seconds)} if _cut(row) else {}
    return {
        "flow": row.flow,
        "flow_version": row.flow_version,
        "node_path": row.node_path,
        **start,
        "entered": row.entered,
        "contained": row.contained,
        "abandoned_ivr": row.abandoned_ivr,
        "containment_rate": values.get("containment_rate"),
        **_in_full(row.figures, extra),
    }


def figure(found: figure_pb2.Figure) -> Json:
    """Return a figure with what is needed to judge it."""
    return {
        "name": found.name,
        "formula_version": found.formula_version,
        "unit": found.unit,
        "value": found.value if found.HasField("value") else None,
        "numerator": found.numerator,
        "denominator": found.denominator,
        "n": found.n,
        "interval_low": found.interval_low if found.HasField("interval_low") else None,
        "interval_high": found.interval_high if found.HasField("interval_high") else None,
        "insufficient_evidence": found.insufficient_evidence,
        "provisional": found.provisional,
    }


def definition(found: figure_pb2.FigureDefinition) -> Json:
    """Return what a figure means."""
    return {
        "name": found.name,
        "formula_version": found.formula_version,
        "unit": found.unit,
        "formula": found.formula,
        "numerator": found.numerator,
        "denominator": found.denominator,
        "subjects": list(found.subjects),
        "superseded": found.superseded,
        "interval": found.interval,
        "fact": found.fact,
    }


def interval(found: figure_pb2.ReportInterval) -> Json:
    """Return an interval as understood; `by` is null where it is not cut."""
    granularity = figure_pb2.Granularity.Name(found.granularity).removeprefix("GRANULARITY_").lower()
    return {
        "from": instant(found.from_time),
        "to": instant(found.to_time),
        "time_zone": found.time_zone,
        "by": None if granularity == "unspecified" else granularity,
        "week_start": found.week_start,
        "credit": figure_pb2.Credit.Name(found.credit).removeprefix("CREDIT_").lower(),
    }


def instant(told: Timestamp) -> str:
    """Return an instant in UTC, ISO 8601."""
    return _text(told, UTC)


def local(told: Timestamp, offset_seconds: int) -> str:
    """Return an instant by the clock of its zone, ISO 8601 with the offset."""
    return _text(told, timezone(timedelta(seconds=offset_seconds)))


def _text(told: Timestamp, zone: timezone) -> str:
    whole = datetime.fromtimestamp(told.seconds, zone) + timedelta(microseconds=told.nanos // 1000)
    return whole.isoformat().replace("+00:00", "Z")


def _cut(row: pb.QueueRow | pb.FlowRow) -> bool:
    return row.HasField("interval_start")


def _values(figures: Iterable[figure_pb2.Figure]) -> Mapping[str, float | None]:
    """Return values by name; of two versions the later."""
    ordered = sorted(figures, key=lambda found: found.formula_version)
    return {found.name: found.value if found.HasField("value") else None for found in ordered}


def _ratings(figures: Iterable[figure_pb2.Figure]) -> Json:
    """Return the mean rating of all ratings and of those in the agents' hands, each null where there is none."""
    sides = {"csat": "all", "csat.in_agents_hands": "in_agents_hands"}
    shown = ("value", "n", "interval_low", "interval_high", "insufficient_evidence")
    full = {sides[found.name]: figure(found) for found in figures if found.name in sides}
    return {side: {key: one[key] for key in shown} if one["n"] else None for side, one in full.items()}


def _in_full(figures: Iterable[figure_pb2.Figure], extra: Iterable[str]) -> Json:
    wanted = set(extra)
    if not wanted:
        return {}
    latest = {found.name: found.formula_version for found in sorted(figures, key=lambda found: found.formula_version)}
    names = {
        **{f"{found.name}@{found.formula_version}": found for found in figures},
        **{found.name: found for found in figures if found.formula_version == latest[found.name]},
    }
    return {"figures": [figure(names[reference]) for reference in sorted(wanted) if reference in names]}
