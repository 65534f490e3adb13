"""What a source says of itself, as events of call-events. Pure."""

from collections.abc import Iterable

from holdfast.call_events.v1 import source_pb2
from holdfast.call_events.v1.contact_event_pb2 import AgentEvent


def gap(event_id: str, source_id: str, at_us: int, reason: str, first: int = 0, last: int = 0) -> AgentEvent:
    """Events were lost: those from the first to the last number, or, without numbers, nobody knows which."""
    event = _event(event_id, source_id, at_us)
    event.source_gap.CopyFrom(source_pb2.SourceGap(from_source_seq=first, to_source_seq=last, reason=reason))
    return event


def snapshot(event_id: str, source_id: str, at_us: int, live: Iterable[tuple[str, str]]) -> AgentEvent:
    """All legs that lived at an instant, each with its contact as far as it is known: what is missing has ended."""
    event = _event(event_id, source_id, at_us)
    event.source_snapshot.SetInParent()
    for leg, contact in live:
        event.source_snapshot.live_legs.append(source_pb2.LiveLeg(leg_id=leg, contact_id=contact))
    return event


def _event(event_id: str, source_id: str, at_us: int) -> AgentEvent:
    event = AgentEvent(event_id=event_id, source_id=source_id)
    event.event_time.FromMicroseconds(at_us)
    return event
