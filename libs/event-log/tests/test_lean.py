"""Records taken out of batches with less work: the same as the library takes, of whatever it packs."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from kafka.structs import TopicPartition

from event_log.errors import IncarnationChanged
from event_log.kafka.batch_form import decoded
from event_log.kafka.lean import LEAN, LeanPartitionRecords
from event_log.kafka.record import Control, MalformedRecord, Origin, Record, control_record, event_record
from event_log.kafka.sifting import Sieve
from event_log.model import Cursor, Event, Stream

TOPIC = TopicPartition("t", 0)
NAMES = st.text(min_size=0, max_size=70)
HEADERS = st.lists(st.tuples(NAMES, st.binary(max_size=200)), max_size=9)
RECORDS = st.builds(
    Record, st.none() | st.binary(max_size=70), st.binary(max_size=300) | st.just(b"x" * 20_000), HEADERS
)


def batch_of(records: Sequence[Record], compression: int = 0) -> bytes:
    builder = MemoryRecordsBuilder(magic=2, compression_type=compression, batch_size=50_000_000)
    for number, record in enumerate(records):
        builder.append(timestamp=1000 + number * 100, key=record.key, value=record.value, headers=record.headers)
    builder.close()
    return bytes(builder.buffer())


def taken(kind: type[Fetcher.PartitionRecords], batches: bytes, offset: int = 0) -> tuple[list[Any], int]:
    found = kind(offset, TOPIC, MemoryRecords(batches), check_crcs=True, on_drain=lambda *_: None)
    records = found.take(None)
    return records, found.next_fetch_offset


def test_the_library_is_made_as_we_know_it() -> None:
    assert LEAN


@given(st.lists(RECORDS, min_size=1, max_size=200), st.sampled_from([0, 1]))
def test_records_are_those_that_the_library_gives(records: list[Record], compression: int) -> None:
    batches = batch_of(records, compression)
    theirs, their_offset = taken(Fetcher.PartitionRecords, batches)
    ours, our_offset = taken(LeanPartitionRecords, batches)
    assert [(one.offset, one.value) for one in ours] == [(one.offset, one.value) for one in theirs]
    assert [decoded(one.headers) for one in ours] == [one.headers for one in theirs]
    assert our_offset == their_offset


def test_records_before_the_offset_asked_for_are_left_out() -> None:
    batches = batch_of([Record(None, b"%d" % number, []) for number in range(5)])
    records, offset = taken(LeanPartitionRecords, batches, offset=3)
    assert ([one.value for one in records], offset) == ([b"3", b"4"], 5)


def test_a_batch_that_was_damaged_is_corrupt() -> None:
    damaged = bytearray(batch_of([Record(None, b"value", [])]))
    damaged[-3] ^= 1
    with pytest.raises(CorruptRecordError):
        taken(LeanPartitionRecords, bytes(damaged))


@given(st.binary(max_size=60))
def test_bytes_that_are_no_headers_are_refused_and_nothing_worse(headers: bytes) -> None:
    with suppress(MalformedRecord):
        decoded(headers)


@given(
    st.text("abc-ü", min_size=1, max_size=90),
    st.integers(1, 10**9),
    st.integers(1, 2**62),
    st.integers(0, 2**62),
    st.sampled_from(["", "00-trace"]),
)
def test_headers_as_they_stand_say_the_same_as_decoded_ones(
    log_id: str, incarnation: int, position: int, prev: int, traceparent: str
) -> None:
    origin = Origin(log_id, incarnation, 7)
    position = max(position, prev + 1)
    stream = Stream("contact", UUID(int=1))
    told = Event(position, "bank", stream, 1, UUID(int=2), "Enqueued", 0, 0, b"", b"", "pbx", traceparent=traceparent)
    event = event_record(told, prev, origin)
    records = [event, control_record(Control(origin, position, position + 3)), event]
    theirs, _ = taken(Fetcher.PartitionRecords, batch_of(records))
    ours, _ = taken(LeanPartitionRecords, batch_of(records))
    log = Cursor(log_id, incarnation, 0)
    assert Sieve(1, log, 0).sift(ours) == Sieve(1, log, 0).sift(theirs)
    assert Sieve(1, log, 0)._event.match(bytes(ours[0].headers))  # noqa: SLF001  # the quick way is the one taken
    with pytest.raises(IncarnationChanged):
        Sieve(1, Cursor(log_id + "x", incarnation, 0), 0).sift(ours)


def test_an_event_that_does_not_follow_its_prev_is_none_of_ours_however_it_is_read() -> None:
    stream, origin = Stream("contact", UUID(int=1)), Origin("call-events", 1, 7)
    told = Event(5, "bank", stream, 1, UUID(int=2), "Enqueued", 0, 0, b"", b"", "pbx")
    records, _ = taken(LeanPartitionRecords, batch_of([event_record(told, 5, origin)]))
    assert Sieve(1, Cursor("call-events", 1, 0), 0).sift(records).malformed == 1
