"""Topics on a real broker, filled as a relay fills them, for tests of what reads them."""

import asyncio
import itertools
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from event_log.kafka.clients import opened
from event_log.kafka.record import (
    Control,
    Origin,
    Record,
    control_record,
    event_record,
    partition_of,
    stream_key,
)
from event_log.log import Log
from event_log.model import Event

_names = itertools.count(1)


@contextmanager
def a_topic(bootstrap: str, partitions: int = 4) -> Iterator[str]:
    """Give the name of an empty topic."""
    name = f"test-{next(_names)}-{secrets.token_hex(4)}"
    admin = opened(KafkaAdminClient, bootstrap_servers=bootstrap)
    try:
        admin.create_topics([NewTopic(name, partitions, 1)])
        yield name
        admin.delete_topics([name])
    finally:
        admin.close()


@dataclass
class Carrier:
    """Sends a log's events to a topic, one window after the other; can be told to do it badly."""

    producer: KafkaProducer
    topic: str
    partitions: int
    origin: Origin
    prev: dict[int, int] = field(default_factory=dict)
    position: int = 0

    def carry(self, events: Sequence[Event], *, times: int = 1, lost: Iterable[int] = ()) -> None:
        """Send events in order, each so many times, but for those lost, and how far it all is."""
        missing = set(lost)
        for event in events:
            partition = self.partition(event)
            record = event_record(event, self.prev.get(partition, 0), self.origin)
            self.prev[partition] = event.position
            for _ in range(0 if event.position in missing else times):
                self.send(partition, record)
        self.complete(events[-1].position)

    async def follow(self, log: Log, **badly: Any) -> None:
        """Send what a log has beyond what was sent before."""
        while (page := await log.read(self.position)).events:
            await asyncio.to_thread(self.carry, page.events, **badly)
            self.position = page.complete_to.position

    def complete(self, position: int) -> None:
        """Say in every partition that all is there up to a position, and wait until the broker has everything."""
        for partition in range(self.partitions):
            self.send(partition, control_record(Control(self.origin, self.prev.get(partition, 0), position)))
        self.producer.flush(timeout=30)

    def partition(self, event: Event) -> int:
        """Return an event's partition."""
        return partition_of(event.tenant, stream_key(event.stream), self.partitions)

    def send(self, partition: int, record: Record) -> None:
        """Send a record, whatever it is."""
        headers = list(record.headers)
        self.producer.send(self.topic, record.value, record.key, headers=headers, partition=partition)


@contextmanager
def a_carrier(bootstrap: str, topic: str, origin: Origin, partitions: int = 4) -> Iterator[Carrier]:
    """Give what fills a topic."""
    producer = opened(KafkaProducer, bootstrap_servers=bootstrap, linger_ms=5)
    try:
        yield Carrier(producer, topic, partitions, origin)
    finally:
        producer.close(timeout=5)
