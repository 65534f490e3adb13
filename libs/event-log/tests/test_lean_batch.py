"""Batches made with less work: to the byte those that the library makes of the same records."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import KafkaTimeoutError
from kafka.producer.producer_batch import ProducerBatch
from kafka.record.memory_records import MemoryRecordsBuilder
from kafka.structs import TopicPartition

from event_log.kafka import lean_batch
from event_log.kafka.batch_form import decoded, encoded, read_varint, varint
from event_log.kafka.window import ToSend

TOPIC = TopicPartition("t", 7)
NAMES = st.text(min_size=0, max_size=70)
HEADERS = st.lists(st.tuples(NAMES, st.binary(max_size=200)), max_size=9)
VALUES = st.binary(max_size=300) | st.just(b"x" * 20_000)
RECORDS = st.builds(
    lambda key, value, headers: (key, value, headers), st.none() | st.binary(max_size=70), VALUES, HEADERS
)
LARGEST = 50_000_000


def made(records: list[Any]) -> ProducerBatch:
    return lean_batch.batch_of(LARGEST, TOPIC, [ToSend(7, key, value, encoded(told)) for key, value, told in records])


@given(st.integers(0, 2**40))
def test_a_number_is_read_as_it_was_written(number: int) -> None:
    assert read_varint(varint(number), 0) == (number, len(varint(number)))


@given(HEADERS)
def test_headers_are_read_as_they_were_written(headers: list[tuple[str, bytes]]) -> None:
    assert decoded(encoded(headers)) == headers


@given(st.lists(RECORDS, min_size=1, max_size=200))
def test_a_batch_is_the_one_that_the_library_makes(records: list[Any]) -> None:
    ours = made(records)
    at = ours.records._builder._first_timestamp  # noqa: SLF001  # the clock is the batch's
    theirs = ProducerBatch(TOPIC, MemoryRecordsBuilder(2, 0, LARGEST))
    for key, value, headers in records:
        assert theirs.try_append(at, key, value, headers) is not None
    assert (ours.record_count, ours.max_record_size) == (theirs.record_count, theirs.max_record_size)
    for batch in (ours, theirs):
        batch.records.set_producer_state(9, 1, 55, is_transactional=False)
        batch.records.close()
    assert bytes(ours.records.buffer()) == bytes(theirs.records.buffer())


def test_a_batch_is_acknowledged_only_when_the_library_says_so_of_all_of_it() -> None:
    batch = made([(b"key", b"value", [])])
    assert lean_batch.trouble_of(batch) == "no answer"
    batch.complete(5, -1)
    assert lean_batch.trouble_of(batch) == ""
    failed = made([(b"key", b"value", [])])
    failed.complete_exceptionally(KafkaTimeoutError(), lambda _: KafkaTimeoutError())
    assert lean_batch.trouble_of(failed) == "KafkaTimeoutError"
