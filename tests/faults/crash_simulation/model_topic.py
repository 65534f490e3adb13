"""A topic as several relays and their deaths leave it: runs that begin again at a checkpoint, and here and there a gap.

Gaps come where a record is none of ours, or retention was faster than the reader: the log then has what is missing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from event_log.kafka.record import Control, Headers, Origin, control_record, event_record, partition_of, stream_key
from event_log.model import Event

RUNS_AGAIN = 0.25
GAP = 0.03
CONTROLS = 0.2


@dataclass(slots=True)
class ModelRecord:
    """A record as a client library gives it."""

    offset: int
    value: bytes | None
    headers: Headers


def topic_of(events: Sequence[Event], partitions: int, chance: Random) -> list[list[ModelRecord]]:
    """Return the records of each partition."""
    parted: list[list[Event]] = [[] for _ in range(partitions)]
    for event in events:
        parted[partition_of(event.tenant, stream_key(event.stream), partitions)].append(event)
    return [_numbered(list(_told(own, len(events), chance))) for own in parted]


def _told(events: Sequence[Event], head: int, chance: Random) -> Iterator[tuple[bytes | None, list[tuple[str, bytes]]]]:
    """Yield values and headers of one partition; the last record says that it is whole."""
    epoch, number = 1, 0
    while number < len(events):
        if number and chance.random() < RUNS_AGAIN:
            epoch, number = epoch + 1, chance.randrange(number)
        origin = Origin("memory", 1, epoch)
        prev = events[number - 1].position if number else 0
        record = event_record(events[number], prev, origin)
        if chance.random() >= GAP:
            yield record.value, record.headers
        elif chance.random() < 1 / 2:
            yield b"whatever", [("nobody", b"knows")]
        number += 1
        if chance.random() < CONTROLS:
            reached = events[number - 1].position
            told = control_record(Control(origin, reached, reached))
            yield told.value, told.headers
    last = events[-1].position if events else 0
    told = control_record(Control(Origin("memory", 1, epoch), last, head))
    yield told.value, told.headers


def _numbered(records: Sequence[tuple[bytes | None, list[tuple[str, bytes]]]]) -> list[ModelRecord]:
    return [ModelRecord(offset, value, headers) for offset, (value, headers) in enumerate(records)]
