"""What answers have in common as JSON: figures and what they mean, intervals, instants, how current an answer is.

Keys are the fields' names; undefined values are null and nothing is rounded. Only messages come in here.
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.metrics.v1 import figure_pb2

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
