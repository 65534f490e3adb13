"""Scorecards, explanations, definitions and the status of facts as the JSON that programs read."""

from holdfast.metrics.v1 import metrics_service_pb2 as pb
from metrics.answer.json_parts import Json, as_of, definition, figure, instant, interval


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


def definitions(found: pb.ListFigureDefinitionsResponse) -> Json:
    """Return what figures mean."""
    return {"definitions": [definition(one) for one in found.definitions]}


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
