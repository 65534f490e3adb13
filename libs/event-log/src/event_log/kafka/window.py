"""What a relay sends: a stretch of a log as records, each with the position sent to its partition before; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from event_log.kafka.batch_form import encoded, header, varint
from event_log.kafka.record import Control, Origin, control_record, origin_headers, word_headers
from event_log.model import Cursor


class Outgoing(NamedTuple):
    """An event of one of the relay's partitions, as it will stand there; the value is the whole event, serialized."""

    position: int
    partition: int
    key: bytes
    value: bytes
    type: str
    tenant: str
    traceparent: str


class ToSend(NamedTuple):
    """A record and the partition that it goes to; its headers as they stand in a batch."""

    partition: int
    key: bytes | None
    value: bytes
    headers: bytes


@dataclass(frozen=True, slots=True)
class Window:
    """The next events of a log: those of the relay's partitions, by position; of the others it only tells how far.

    oldest_us is the record time of the first event looked at, 0 if there was none.
    """

    events: Sequence[Outgoing]
    complete_to: Cursor
    head_position: int
    oldest_us: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything up to the cursor is acknowledged; `prevs` tells of each of the relay's partitions what was sent last.

    A partition may be ahead of the cursor, where a set of partitions was made of several others.
    """

    cursor: Cursor
    prevs: Mapping[int, int]


def beginning(log: Cursor, partitions: Sequence[int]) -> Checkpoint:
    """Return where a topic begins that nothing was ever sent to: the whole log will be in it."""
    return Checkpoint(Cursor(log.log_id, log.incarnation, 0), dict.fromkeys(partitions, 0))


def resumed(held: Checkpoint, log: Cursor) -> Checkpoint:
    """Return where to go on in a log that may have been restored since: from its head, if it was.

    What the topic then lacks (everything up to that head, under the new incarnation) its readers have from the log:
    `prev` of the next records says so.
    """
    if (held.cursor.log_id, held.cursor.incarnation) == (log.log_id, log.incarnation):
        return held
    return Checkpoint(log, dict.fromkeys(held.prevs, log.position))


def records_of(window: Window, held: Checkpoint, origin: Origin) -> tuple[list[ToSend], Checkpoint]:
    """Return the records of a window, and the checkpoint that their acknowledgement allows."""
    prevs, words = dict(held.prevs), _Words(origin)
    records: list[ToSend] = []
    for position, partition, key, value, event_type, tenant, traceparent in window.events:
        if position > (prev := prevs[partition]):
            headers = words.headers(event_type, tenant, position, prev, traceparent)
            records.append(ToSend(partition, key, value, headers))
            prevs[partition] = position
    return records, Checkpoint(window.complete_to, prevs)


def controls_of(held: Checkpoint, origin: Origin) -> Iterator[ToSend]:
    """Yield the record that tells each partition how far it is whole."""
    for partition, prev in held.prevs.items():
        record = control_record(Control(origin, prev, max(prev, held.cursor.position)))
        yield ToSend(partition, None, record.value, encoded(record.headers))


class _Words:
    """Headers of the events of a window: most share all but their place, and those are made once."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin_headers(origin)
        self._shared: dict[tuple[str, str, bool], bytes] = {}

    def headers(self, event_type: str, tenant: str, position: int, prev: int, traceparent: str) -> bytes:
        """Return the headers of an event."""
        shared = self._shared.get((event_type, tenant, bool(traceparent)))
        if shared is None:
            shared = self._shared[event_type, tenant, bool(traceparent)] = self._made(event_type, tenant, traceparent)
        at, before = b"%d" % position, b"%d" % prev
        place = b"\x10position%b%b\x08prev%b%b" % (varint(len(at)), at, varint(len(before)), before)
        return shared + place + (header(b"traceparent", traceparent.encode()) if traceparent else b"")

    def _made(self, event_type: str, tenant: str, traceparent: str) -> bytes:
        """Return their number and those that are shared; two or three more follow."""
        told = [*self._origin, *word_headers(event_type, tenant)]
        count = len(told) + (3 if traceparent else 2)
        return varint(count) + b"".join(header(name.encode(), value) for name, value in told)
