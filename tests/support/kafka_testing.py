"""What tests of Kafka share: topics of their own, and what stands in them, read by the plainest consumer."""

import itertools
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from event_log.kafka.clients import opened
from event_log.kafka.record import Carried, Control, read_record
from event_log.model import Event

_topics = itertools.count(1)


def topic_name(stem: str) -> str:
    """Return a name that no other test's topic has."""
    return f"{stem}-{os.getpid()}-{next(_topics)}"


@dataclass
class Partition:
    """What was read of a partition: every record in order, duplicates too."""

    records: list[Carried | Control] = field(default_factory=list)

    @property
    def events(self) -> list[Event]:
        """Each event once, as a consumer that drops `position <= cursor` sees them; asserts that there is no hole."""
        cursor, events = 0, list[Event]()
        for record in self.records:
            if isinstance(record, Carried) and record.place.position > cursor:
                assert record.place.prev <= cursor, f"a hole: {record.place} after {cursor}"
                cursor = record.place.position
                events.append(record.event)
            elif isinstance(record, Control):
                assert record.prev <= cursor, f"a hole: {record} after {cursor}"
        return events

    @property
    def complete_to(self) -> int:
        """How far the last control record says it is whole."""
        return max((record.complete_to for record in self.records if isinstance(record, Control)), default=0)


class TopicReader:
    """Reads some partitions of a topic from their beginning, again and again."""

    def __init__(self, bootstrap: str, topic: str, partitions: Sequence[int]) -> None:
        """Open a consumer outside any group."""
        self._consumer = opened(
            KafkaConsumer, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
        )
        self._consumer.assign([TopicPartition(topic, partition) for partition in partitions])
        self.partitions = {partition: Partition() for partition in partitions}
        self._lock = threading.Lock()

    def read(self) -> dict[int, Partition]:
        """Return everything there is up to now."""
        with self._lock:
            while polled := self._consumer.poll(timeout_ms=200):
                self._take(polled)
        return self.partitions

    def complete_to(self) -> int:
        """Return how far all partitions are whole."""
        return min(partition.complete_to for partition in self.read().values())

    def events(self) -> list[Event]:
        """Return every event once, by position."""
        found = (event for partition in self.partitions.values() for event in partition.events)
        return sorted(found, key=lambda event: event.position)

    def close(self) -> None:
        """End the consumer."""
        self._consumer.close()

    def _take(self, polled: dict[Any, list[Any]]) -> None:
        for where, records in polled.items():
            self.partitions[where.partition].records += [
                read_record(record.key, record.value, record.headers) for record in records
            ]


@contextmanager
def reading(bootstrap: str, topic: str, partitions: Sequence[int]) -> Iterator[TopicReader]:
    """Give a reader of a topic that exists."""
    reader = TopicReader(bootstrap, topic, partitions)
    try:
        yield reader
    finally:
        reader.close()
