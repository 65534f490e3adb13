"""Our values as messages of holdfast.log.v1 and back; pure. Malformed ids raise ValueError."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import pyarrow as pa

from event_log.errors import AppendRefused, EventIdReused, Fenced, InvalidAppend, StreamFull, VersionConflict
from event_log.log import Verdict
from event_log.model import (
    ANY,
    NONE,
    Append,
    Appended,
    Cursor,
    Event,
    Expect,
    Expected,
    Fence,
    Filter,
    NewEvent,
    Placement,
    Stream,
    StreamAppend,
)
from holdfast.log.v1 import event_pb2, log_service_pb2


def event_to_wire(event: Event) -> event_pb2.Event:
    """Return an event as a message."""
    return event_pb2.Event(
        position=event.position,
        tenant=event.tenant,
        source_id=event.source_id,
        category=event.stream.category,
        key=event.stream.key.bytes,
        version=event.version,
        event_id=event.event_id.bytes,
        body_mac=event.body_mac,
        type=event.type,
        event_time_us=event.event_time_us,
        record_time_us=event.record_time_us,
        source_seq=event.source_seq,
        correlation_id=_bytes(event.correlation_id),
        causation_id=_bytes(event.causation_id),
        actor=event.actor,
        traceparent=event.traceparent,
        payload=event.payload,
    )


def event_from_wire(message: event_pb2.Event) -> Event:
    """Return the event of a message."""
    return Event(
        message.position,
        message.tenant,
        Stream(message.category, UUID(bytes=message.key)),
        message.version,
        UUID(bytes=message.event_id),
        message.type,
        message.event_time_us,
        message.record_time_us,
        message.payload,
        message.body_mac,
        message.source_id,
        message.source_seq if message.HasField("source_seq") else None,
        _uuid(message.correlation_id),
        _uuid(message.causation_id),
        message.actor,
        message.traceparent,
    )


def events_from_wire(messages: Iterable[event_pb2.Event]) -> list[Event]:
    """Return the events of messages."""
    return [event_from_wire(message) for message in messages]


def cursor_to_wire(cursor: Cursor | int) -> event_pb2.Cursor:
    """Return a cursor as a message; a bare position is of no log in particular."""
    if isinstance(cursor, int):
        return event_pb2.Cursor(position=cursor)
    return event_pb2.Cursor(log_id=cursor.log_id, incarnation=cursor.incarnation, position=cursor.position)


def cursor_from_wire(message: event_pb2.Cursor) -> Cursor:
    """Return the cursor of a message."""
    return Cursor(message.log_id, message.incarnation, message.position)


def filter_to_wire(wanted: Filter) -> event_pb2.EventFilter:
    """Return a filter as a message."""
    return event_pb2.EventFilter(tenant=wanted.tenant, categories=wanted.categories, types=wanted.types)


def filter_from_wire(message: event_pb2.EventFilter) -> Filter:
    """Return the filter of a message."""
    return Filter(message.tenant, tuple(message.categories), tuple(message.types))


def group_to_wire(append: Append) -> log_service_pb2.AppendGroup:
    """Return an append as a message."""
    fence = append.fence
    return log_service_pb2.AppendGroup(
        tenant=append.tenant,
        streams=[_part_to_wire(part) for part in append.streams],
        fence=None if fence is None else log_service_pb2.Fence(name=fence.name, epoch=fence.epoch),
    )


def group_from_wire(message: log_service_pb2.AppendGroup) -> Append:
    """Return the append of a message."""
    fence = Fence(message.fence.name, message.fence.epoch) if message.HasField("fence") else None
    return Append(message.tenant, [_part_from_wire(part) for part in message.streams], fence)


def verdict_to_wire(verdict: Verdict) -> log_service_pb2.AppendVerdict:
    """Return a verdict as a message."""
    if isinstance(verdict, AppendRefused):
        return log_service_pb2.AppendVerdict(refusal=_refusal_to_wire(verdict))
    placements = [
        log_service_pb2.Placement(position=place.position, version=place.version, duplicate=place.duplicate)
        for place in verdict.placements
    ]
    return log_service_pb2.AppendVerdict(appended=log_service_pb2.Appended(placements=placements))


def verdict_from_wire(message: log_service_pb2.AppendVerdict) -> Verdict:
    """Return the verdict of a message."""
    if message.HasField("refusal"):
        return _refusal_from_wire(message.refusal)
    places = message.appended.placements
    return Appended([Placement(place.position, place.version, place.duplicate) for place in places])


def batch_to_wire(batch: pa.RecordBatch, most_bytes: int) -> list[tuple[pa.RecordBatch, bytes]]:
    """Return a batch as Arrow IPC streams of at most about so many bytes each, beside the part each holds."""
    if batch.nbytes > most_bytes and batch.num_rows > 1:
        half = batch.num_rows // 2
        return batch_to_wire(batch.slice(0, half), most_bytes) + batch_to_wire(batch.slice(half), most_bytes)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return [(batch, sink.getvalue().to_pybytes())]


def batch_from_wire(stream: bytes) -> pa.RecordBatch:
    """Return the batch of an Arrow IPC stream."""
    return pa.ipc.open_stream(pa.py_buffer(stream)).read_next_batch()


def _part_to_wire(part: StreamAppend) -> log_service_pb2.StreamAppend:
    return log_service_pb2.StreamAppend(
        category=part.stream.category,
        key=part.stream.key.bytes,
        expected=_expected_to_wire(part.expected),
        events=[_new_to_wire(event) for event in part.events],
    )


def _part_from_wire(message: log_service_pb2.StreamAppend) -> StreamAppend:
    events = [_new_from_wire(event) for event in message.events]
    return StreamAppend(Stream(message.category, UUID(bytes=message.key)), events, _expected_from_wire(message))


def _expected_to_wire(expected: Expected) -> log_service_pb2.ExpectedVersion:
    if expected is ANY:
        return log_service_pb2.ExpectedVersion()
    if isinstance(expected, Expect):
        return log_service_pb2.ExpectedVersion(none=True)
    return log_service_pb2.ExpectedVersion(exact=expected)


def _expected_from_wire(message: log_service_pb2.StreamAppend) -> Expected:
    match message.expected.WhichOneof("expected"):
        case "none":
            return NONE
        case "exact":
            return message.expected.exact
        case _:
            return ANY


def _new_to_wire(event: NewEvent) -> event_pb2.Event:
    return event_pb2.Event(
        source_id=event.source_id,
        event_id=event.event_id.bytes,
        body_mac=event.body_mac,
        type=event.type,
        event_time_us=event.event_time_us,
        source_seq=event.source_seq,
        correlation_id=_bytes(event.correlation_id),
        causation_id=_bytes(event.causation_id),
        actor=event.actor,
        traceparent=event.traceparent,
        payload=event.payload,
    )


def _new_from_wire(message: event_pb2.Event) -> NewEvent:
    return NewEvent(
        UUID(bytes=message.event_id),
        message.type,
        message.event_time_us,
        message.payload,
        message.body_mac,
        message.source_id,
        message.source_seq if message.HasField("source_seq") else None,
        _uuid(message.correlation_id),
        _uuid(message.causation_id),
        message.actor,
        message.traceparent,
    )


def _refusal_to_wire(refusal: AppendRefused) -> log_service_pb2.AppendRefusal:
    message = log_service_pb2.AppendRefusal(reason=refusal.reason, message=str(refusal))
    match refusal:
        case VersionConflict():
            message.stream.CopyFrom(stream_to_wire(refusal.stream))
            message.actual_version = refusal.actual_version
            message.conflicting.extend(map(event_to_wire, refusal.events))
        case EventIdReused():
            message.stream.CopyFrom(stream_to_wire(refusal.stream))
            message.event_id = refusal.event_id.bytes
        case StreamFull():
            message.stream.CopyFrom(stream_to_wire(refusal.stream))
        case Fenced():
            message.fence.CopyFrom(log_service_pb2.Fence(name=refusal.name, epoch=refusal.epoch))
        case _:
            pass
    return message


def _refusal_from_wire(message: log_service_pb2.AppendRefusal) -> AppendRefused:
    match message.reason:
        case VersionConflict.reason:
            conflicting = events_from_wire(message.conflicting)
            return VersionConflict(stream_from_wire(message.stream), message.actual_version, conflicting)
        case EventIdReused.reason:
            return EventIdReused(stream_from_wire(message.stream), UUID(bytes=message.event_id))
        case StreamFull.reason:
            return StreamFull(stream_from_wire(message.stream))
        case Fenced.reason:
            return Fenced(message.fence.name, message.fence.epoch)
        case _:
            return InvalidAppend(message.message)


def stream_to_wire(stream: Stream) -> log_service_pb2.StreamName:
    """Return a stream as a message."""
    return log_service_pb2.StreamName(category=stream.category, key=stream.key.bytes)


def stream_from_wire(message: log_service_pb2.StreamName) -> Stream:
    """Return the stream of a message."""
    return Stream(message.category, UUID(bytes=message.key))


def streams_from_wire(messages: Sequence[log_service_pb2.StreamName]) -> list[Stream]:
    """Return the streams of messages."""
    return [stream_from_wire(message) for message in messages]


def _bytes(value: UUID | None) -> bytes:
    return b"" if value is None else value.bytes


def _uuid(value: bytes) -> UUID | None:
    return UUID(bytes=value) if value else None
