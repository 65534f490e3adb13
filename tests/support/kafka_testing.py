"""What tests of Kafka share: topics of their own, relays beside the test, topics read by the plainest consumer."""

import asyncio
import itertools
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
    suppress,
)
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg
from kafka import KafkaConsumer, TopicPartition

from event_log.connections import Connections
from event_log.errors import EventLogError
from event_log.kafka.checkpoints import PostgresCheckpoints
from event_log.kafka.clients import opened
from event_log.kafka.producing import DELIVERY, WINDOW_DEADLINE, open_topic
from event_log.kafka.record import Carried, Control, EventPlace, read_record
from event_log.kafka.relay import Relay, Topic
from event_log.kafka.shares import Share
from event_log.kafka.source import LogSource
from event_log.kafka.topic import TopicSettings
from event_log.kafka.window import Checkpoint, Window
from event_log.log import Log
from event_log.model import Event
from event_log_testing import a_log
from service_host.postgres import migrate

BRISK = timedelta(seconds=2)
"""A delivery time-out for tests that wait until it is over."""
WHOLE = Share(1, 1)

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
    def all_events(self) -> list[Event]:
        """Every event as often as it stands there."""
        return [record.event for record in self.records if isinstance(record, Carried)]

    @property
    def places(self) -> list[EventPlace | Control]:
        """What every record's headers say."""
        return [record.place if isinstance(record, Carried) else record for record in self.records]

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


@dataclass
class Told:
    """A relay's watch that remembers."""

    epochs: list[int] = field(default_factory=list)
    losses: int = 0
    troubles: list[str] = field(default_factory=list)
    at: Checkpoint | None = None

    @property
    def position(self) -> int:
        """Where the checkpoint stands."""
        return self.at.cursor.position if self.at else 0

    def took(self, epoch: int) -> None:
        """See Watch."""
        self.epochs.append(epoch)

    def lost(self) -> None:
        """See Watch."""
        self.losses += 1

    def sending(self, window: Window) -> AbstractContextManager[object]:
        """See Watch."""
        return nullcontext(window)

    def stands(self, at: Checkpoint, window: Window) -> None:
        """See Watch."""
        assert window.complete_to == at.cursor
        self.at = at

    def interrupted(self, trouble: EventLogError) -> None:
        """See Watch."""
        self.troubles.append(type(trouble).__name__)


@asynccontextmanager
async def a_relayed_log(dsn: str) -> AsyncIterator[tuple[Log, str]]:
    """Give a fresh log that relays can keep checkpoints beside, and the name of its schema."""
    async with a_log(dsn) as (log, schema):
        session = await asyncpg.connect(dsn)
        await migrate(session, package="event_log.relay_migrations", schema=schema)
        await session.close()
        yield log, schema


@asynccontextmanager
async def relaying(
    bootstrap: str,
    log: Log,
    schema: str,
    dsn: str,
    topic: TopicSettings,
    share: Share = WHOLE,
    *,
    brisk: bool = False,
) -> AsyncIterator[Told]:
    """Run a relay beside the test; drained at the end. A brisk one gives a broker up after seconds."""
    delivery, deadline = (BRISK, BRISK * 2) if brisk else (DELIVERY, WINDOW_DEADLINE)
    opening = lambda: open_topic(bootstrap, topic, delivery=delivery, deadline=deadline)  # noqa: E731
    async with relaying_by(opening, log, schema, dsn, topic, share) as told:
        yield told


@asynccontextmanager
async def relaying_by(
    opening: Callable[[], AbstractAsyncContextManager[Topic]],
    log: Log,
    schema: str,
    dsn: str,
    topic: TopicSettings,
    share: Share = WHOLE,
) -> AsyncIterator[Told]:
    """Run a relay beside the test that opens its sessions with the topic so."""
    told, connections = Told(), Connections(dsn, schema)
    checkpoints = PostgresCheckpoints(connections, topic.name, share, topic.partitions, "test")
    async with LogSource(log, share.partitions(topic.partitions), topic.partitions) as source:
        running = asyncio.create_task(Relay(source, opening, checkpoints, told, time.monotonic).run())
        try:
            yield told
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            await connections.close()
