"""A topic read whole, and written into itself again; blocks."""

from collections.abc import Sequence
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from event_log.kafka.clients import opened
from event_log.kafka.record import Carried, Control, read_record
from fault_suite.checks import Told
from fault_suite.wiring import PARTITIONS
from holdfast_cli.environments import TOPIC

MOST_RECORDS = 3_000
"""Of the newest records of a topic, so many at most are written again."""
ANSWER_SECONDS = 20.0
POLL_MS = 300


def read_topic(bootstrap: str) -> list[list[Any]]:
    """Return the records of each partition, from the first to the last that there is now."""
    consumer = opened(
        KafkaConsumer,
        bootstrap_servers=bootstrap,
        group_id=None,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    try:
        assigned = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
        consumer.assign(assigned)
        ends = consumer.end_offsets(assigned)
        found: list[list[Any]] = [[] for _ in assigned]
        while any(consumer.position(one) < ends[one] for one in assigned):
            for one, records in consumer.poll(timeout_ms=POLL_MS).items():
                found[one.partition] += records
        return found
    finally:
        consumer.close()


def told(record: Any) -> Told:
    """Return what a record of the topic tells."""
    match read_record(record.key, record.value, record.headers):
        case Carried(place, event):
            return Told(place.origin.incarnation, place.position, place.prev, str(event.event_id))
        case Control(origin, prev, complete_to):
            return Told(origin.incarnation, complete_to, prev)


def replay(bootstrap: str, times: int) -> None:
    """Write the newest records into their partitions again, each partition in order."""
    each = MOST_RECORDS // PARTITIONS
    parted = [records[-each:] for records in read_topic(bootstrap)]
    producer = opened(KafkaProducer, bootstrap_servers=bootstrap, acks="all")
    try:
        for _ in range(times):
            _write(producer, parted)
    finally:
        producer.close(timeout=ANSWER_SECONDS)


def _write(producer: Any, parted: Sequence[Sequence[Any]]) -> None:
    for number, records in enumerate(parted):
        for record in records:
            headers = list(record.headers)
            producer.send(TOPIC, value=record.value, key=record.key, headers=headers, partition=number)
    producer.flush(ANSWER_SECONDS)
