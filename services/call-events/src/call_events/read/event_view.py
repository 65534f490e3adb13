"""Events of the log as a tenant may see them. Pure.

The payload becomes the event that was told. Sealed values, MACs and (unless the reader may know them) positions stay
here.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp

from call_events.record.streams import CATEGORY_CONTACT
from contact_life import codec
from contact_life.observed import Observed
from event_log.model import Event
from holdfast.call_events.v1 import call_events_service_pb2, contact_event_pb2, contact_pb2
from holdfast.log.v1 import event_pb2

_CONTACT_FIELDS: Final = {
    field.message_type.name: field.name
    for field in contact_event_pb2.ContactEvent.DESCRIPTOR.oneofs_by_name["body"].fields
    if field.message_type is not None
}
_AGENT_FIELDS: Final = {
    field.message_type.name: field.name
    for field in contact_event_pb2.AgentEvent.DESCRIPTOR.oneofs_by_name["body"].fields
    if field.message_type is not None
}


def observed(event: Event) -> Observed:
    """An event as the folds take it; MalformedPayload for bytes that are no message of their type."""
    return Observed(
        event.position,
        str(event.event_id),
        event.type,
        event.event_time_us,
        event.record_time_us,
        event.source_id,
        event.source_seq,
        codec.decode(event.type, event.payload),
    )


def readable(events: Iterable[Event]) -> Iterator[Observed]:
    """Yield events as the folds take them, but for those that are no message of their type."""
    for event in events:
        with suppress(codec.MalformedPayload):
            yield observed(event)


def tenant_event(event: Event, *, with_position: bool) -> call_events_service_pb2.TenantEvent:
    """One event of a page."""
    found = call_events_service_pb2.TenantEvent()
    if event.category == CATEGORY_CONTACT:
        found.contact_event.CopyFrom(contact_event(event, with_position=with_position))
    else:
        found.agent_event.CopyFrom(agent_event(event, with_position=with_position))
    return found


def contact_event(event: Event, *, with_position: bool, voided: bool = False) -> contact_pb2.RecordedContactEvent:
    """An event of a contact; one of a type that this version does not know, or no message of its type, has no body."""
    found = contact_pb2.RecordedContactEvent(voided=voided)
    _write_envelope(found.envelope, event, with_position=with_position)
    _write_event(found.event, event, _CONTACT_FIELDS)
    found.event.contact.contact_id = str(event.key)
    return found


def agent_event(event: Event, *, with_position: bool) -> contact_pb2.RecordedAgentEvent:
    """An event of an agent or a source."""
    found = contact_pb2.RecordedAgentEvent()
    _write_envelope(found.envelope, event, with_position=with_position)
    _write_event(found.event, event, _AGENT_FIELDS)
    return found


def write_time(target: Timestamp, time_us: int | None) -> None:
    """Set an instant, unless it is not known."""
    if time_us is not None:
        target.seconds, micros = divmod(time_us, 1_000_000)
        target.nanos = micros * 1_000


def _write_envelope(envelope: event_pb2.Event, event: Event, *, with_position: bool) -> None:
    envelope.position = event.position if with_position else 0
    envelope.tenant = event.tenant
    envelope.source_id = event.source_id
    envelope.category = event.category
    envelope.key = event.key.bytes
    envelope.version = event.version
    envelope.event_id = event.event_id.bytes
    envelope.type = event.type
    envelope.event_time_us = event.event_time_us
    envelope.record_time_us = event.record_time_us
    if event.source_seq is not None:
        envelope.source_seq = event.source_seq
    envelope.correlation_id = event.correlation_id.bytes if event.correlation_id else b""
    envelope.causation_id = event.causation_id.bytes if event.causation_id else b""
    envelope.actor = event.actor
    envelope.traceparent = event.traceparent


def _write_event(told: Any, event: Event, fields: dict[str, str]) -> None:
    told.event_id = str(event.event_id)
    told.source_id = event.source_id
    write_time(told.event_time, event.event_time_us)
    if event.source_seq is not None:
        told.source_seq = event.source_seq
    told.correlation_id = str(event.correlation_id or "")
    told.causation_id = str(event.causation_id or "")
    told.actor = event.actor
    field = fields.get(event.type)
    if field is None:
        return
    body = getattr(told, field)
    body.SetInParent()
    try:
        body.MergeFromString(event.payload)
    except DecodeError:  # one event that nobody can read keeps no reader from those after it
        told.ClearField(field)
        return
    if event.type in ("ContactArrived", "CallbackRequested"):
        body.caller.ClearField("sealed")
