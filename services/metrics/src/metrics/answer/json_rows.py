"""Reports as the JSON that programs read: keys are the names of figures, lengths are seconds with the unit in the key.

Undefined figures are null. Nothing is rounded. A row gives its figures as plain values; what is needed to judge each
(version, n, interval) stands beside them under `evidence`, and in full under `figures` where it was asked for.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from holdfast.metrics.v1 import figure_pb2
from holdfast.metrics.v1 import metrics_service_pb2 as pb
from metrics.answer.json_parts import Json, as_of, figure, interval, local

SECOND_US: Final = 1_000_000
LEVELS: Final = ("offered", "answered", "excluding_short", "short_met", "genesys")
QUEUE_VALUES: Final = ("asa", "abandon_rate", *(f"service_level.{level}" for level in LEVELS), "aht", "aht.all")
QUEUE_FIGURES: Final = (*QUEUE_VALUES, "csat", "csat.in_agents_hands")
"""What a queue's row needs to have been asked for; csat brings its own evidence."""
FLOW_FIGURES: Final = ("containment_rate",)
"""What a flow's row needs to have been asked for."""
AGENT_FIGURES: Final = ("aht", "aht.all")
"""What an agent's row needs to have been asked for."""
JUDGED_BY: Final = ("formula_version", "n", "interval_low", "interval_high", "insufficient_evidence", "provisional")
"""What stands beside each value of a row."""


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


def queue_row(row: pb.QueueRow, extra: Iterable[str] = ()) -> Json:
    """Return a queue's row."""
    values = _values(row.figures)
    return {
        "queue": row.queue,
        **_start(row),
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
        "contacts": row.contacts,
        "abandoned_ringing": row.abandoned_ringing,
        "flow_outs": row.flow_outs,
        "elsewhere": row.elsewhere,
        "waiting": row.waiting,
        "wait_clock": row.wait_clock,
        "provisional": row.provisional,
        "evidence": _evidence(row.figures, QUEUE_VALUES),
        **_in_full(row.figures, extra),
    }


def agent_row(row: pb.AgentRow, extra: Iterable[str] = ()) -> Json:
    """Return an agent's row."""
    values = _values(row.figures)
    return {
        "agent": row.agent,
        **_start(row),
        "contacts": row.contacts,
        "handle_seconds": row.handle_us / SECOND_US,
        "aht_seconds": values.get("aht"),
        "aht_all_seconds": values.get("aht.all"),
        "evidence": _evidence(row.figures, AGENT_FIGURES),
        **_in_full(row.figures, extra),
    }


def flow_row(row: pb.FlowRow, extra: Iterable[str] = ()) -> Json:
    """Return a flow's row."""
    values = _values(row.figures)
    return {
        "flow": row.flow,
        "flow_version": row.flow_version,
        "node_path": row.node_path,
        **_start(row),
        "entered": row.entered,
        "contained": row.contained,
        "abandoned_ivr": row.abandoned_ivr,
        "containment_rate": values.get("containment_rate"),
        "evidence": _evidence(row.figures, FLOW_FIGURES),
        **_in_full(row.figures, extra),
    }


def _start(row: pb.QueueRow | pb.AgentRow | pb.FlowRow) -> Json:
    """Return where a row's part begins, by the clock of its zone; nothing where the interval is not cut."""
    cut = row.HasField("interval_start")
    return {"interval_start": local(row.interval_start, row.utc_offset_seconds)} if cut else {}


def _latest(figures: Iterable[figure_pb2.Figure]) -> Mapping[str, figure_pb2.Figure]:
    """Return figures by name; of two versions the later."""
    return {found.name: found for found in sorted(figures, key=lambda found: found.formula_version)}


def _values(figures: Iterable[figure_pb2.Figure]) -> Mapping[str, float | None]:
    """Return values by name; of two versions the later."""
    return {name: found.value if found.HasField("value") else None for name, found in _latest(figures).items()}


def _evidence(figures: Iterable[figure_pb2.Figure], names: Collection[str]) -> Json:
    """Return by name what is needed to judge the values of a row."""
    full = {name: figure(found) for name, found in _latest(figures).items() if name in names}
    return {name: {key: full[name][key] for key in JUDGED_BY} for name in names if name in full}


def _ratings(figures: Iterable[figure_pb2.Figure]) -> Json:
    """Return the mean rating of all ratings and of those in the agents' hands, each null where there is none."""
    sides = {"csat": "all", "csat.in_agents_hands": "in_agents_hands"}
    full = {sides[found.name]: figure(found) for found in figures if found.name in sides}
    return {side: {key: one[key] for key in ("value", *JUDGED_BY)} if one["n"] else None for side, one in full.items()}


def _in_full(figures: Iterable[figure_pb2.Figure], extra: Iterable[str]) -> Json:
    wanted = set(extra)
    if not wanted:
        return {}
    names = {**{f"{found.name}@{found.formula_version}": found for found in figures}, **_latest(figures)}
    return {"figures": [figure(names[reference]) for reference in sorted(wanted) if reference in names]}
