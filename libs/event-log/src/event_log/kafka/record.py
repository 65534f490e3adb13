"""What stands in a topic: an event as a record, and the control record that says how far a partition is whole; pure.

A record's key is the category, a zero byte and the 16 bytes of the stream; its value the serialized
holdfast.log.v1.Event. Its partition is CRC-32 over the tenant's UTF-8, a zero byte and the key, modulo the number of
partitions: events of one stream stand in one partition, in order. A control record has no key and an empty value.

Headers, numbers as decimal digits: `log_id`, `incarnation`, `epoch` (of the relay that sent it), `prev` (the position
sent to this partition before; 0 if none), and of an event `position`, `type`, `tenant`, `traceparent` (left out where
empty), of a control record `complete_to`: every event of this partition up to that position stands before it.

Which position `prev` is follows from the log alone, so records of two relays differ in nothing but the epoch. Where a
topic begins in the middle of a log, `prev` of the first record is the position after which it begins: what lies
before is to be had from the log.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from zlib import crc32

from google.protobuf.message import DecodeError

from event_log.errors import EventLogError
from event_log.model import Event, Stream
from event_log.wire import event_from_wire, event_to_wire
from holdfast.log.v1 import event_pb2

PARTITIONS = 48
"""Partitions of a topic unless said otherwise; never changed within a topic's generation."""

Headers: TypeAlias = Sequence[tuple[str, bytes]]


class MalformedRecord(EventLogError):
    """A record is none that a relay of ours wrote; says what is wrong, never what stands in it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Which log a record tells of, and at which epoch its relay held the right to send it."""

    log_id: str
    incarnation: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Record:
    """A record as the client library takes it; the relay names topic and partition."""

    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class EventPlace:
    """Where an event stands, by its record's headers alone: its value need not be decoded to drop a duplicate."""

    origin: Origin
    prev: int
    position: int


@dataclass(frozen=True, slots=True)
class Control:
    """Every event of this partition up to complete_to stands before this record; prev is the last of them."""

    origin: Origin
    prev: int
    complete_to: int


@dataclass(frozen=True, slots=True)
class Carried:
    """An event and its place."""

    place: EventPlace
    event: Event


def stream_key(stream: Stream) -> bytes:
    """Return the key of a stream's records."""
    return b"%b\0%b" % (stream.category.encode(), stream.key.bytes)


def partition_of(tenant: str, key: bytes, partitions: int) -> int:
    """Return the partition of a tenant's stream, by the key of its records."""
    return crc32(b"%b\0%b" % (tenant.encode(), key)) % partitions


def origin_headers(origin: Origin) -> list[tuple[str, bytes]]:
    """Return the headers that all records of one relay's epoch share."""
    return [
        ("log_id", origin.log_id.encode()),
        ("incarnation", b"%d" % origin.incarnation),
        ("epoch", b"%d" % origin.epoch),
    ]


def event_record(event: Event, prev: int, origin: Origin) -> Record:
    """Return the record of an event."""
    headers = [*origin_headers(origin), *word_headers(event.type, event.tenant)]
    headers += [("position", b"%d" % event.position), ("prev", b"%d" % prev)]
    if event.traceparent:
        headers.append(("traceparent", event.traceparent.encode()))
    return Record(stream_key(event.stream), event_to_wire(event).SerializeToString(), headers)


def word_headers(event_type: str, tenant: str) -> list[tuple[str, bytes]]:
    """Return the headers that events of one type and tenant share, beside those of their origin."""
    return [("type", event_type.encode()), ("tenant", tenant.encode())]


def control_record(control: Control) -> Record:
    """Return the record that says how far a partition is whole."""
    headers = [*origin_headers(control.origin), ("prev", b"%d" % control.prev)]
    return Record(None, b"", [*headers, ("complete_to", b"%d" % control.complete_to)])


def place_of(headers: Headers) -> EventPlace | Control:
    """Return what a record's headers say; raise MalformedRecord."""
    told = dict(headers)
    origin = Origin(_text(told, "log_id"), _number(told, "incarnation"), _number(told, "epoch"))
    prev = _number(told, "prev")
    if "complete_to" in told:
        control = Control(origin, prev, _number(told, "complete_to"))
        if control.complete_to < prev:
            raise MalformedRecord("complete_to lies before prev")
        return control
    place = EventPlace(origin, prev, _number(told, "position"))
    if place.position <= prev:
        raise MalformedRecord("position does not lie after prev")
    return place


def event_of(place: EventPlace, key: bytes | None, value: bytes | None) -> Event:
    """Return the event of a record whose headers were read; raise MalformedRecord if they contradict it."""
    try:
        event = event_from_wire(event_pb2.Event.FromString(value or b""))
    except (DecodeError, ValueError):
        raise MalformedRecord("the value is no event") from None
    if event.position != place.position:
        raise MalformedRecord("the value has another position than the header")
    if key != stream_key(event.stream):
        raise MalformedRecord("the key is of another stream than the value")
    return event


def read_record(key: bytes | None, value: bytes | None, headers: Headers) -> Carried | Control:
    """Return the event or the control record that a record is; raise MalformedRecord."""
    place = place_of(headers)
    if isinstance(place, Control):
        return place
    return Carried(place, event_of(place, key, value))


def _text(headers: Mapping[str, bytes], name: str) -> str:
    try:
        return headers[name].decode()
    except KeyError:
        raise MalformedRecord(f"the header {name} is missing") from None
    except UnicodeDecodeError:
        raise MalformedRecord(f"the header {name} is no text") from None


def _number(headers: Mapping[str, bytes], name: str) -> int:
    try:
        digits = headers[name]
    except KeyError:
        raise MalformedRecord(f"the header {name} is missing") from None
    if not digits.isdigit():
        raise MalformedRecord(f"the header {name} is no number")
    return int(digits)
