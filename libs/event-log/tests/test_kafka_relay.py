"""The relay on a real broker and Postgres: everything in order, nothing unacknowledged, one holder at a time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field

import asyncpg

from event_log.connections import Connections
from event_log.errors import EventLogError
from event_log.kafka.checkpoints import PostgresCheckpoints
from event_log.kafka.producing import open_topic
from event_log.kafka.relay import Relay
from event_log.kafka.shares import Share
from event_log.kafka.source import LogSource
from event_log.kafka.topic import TopicSettings
from event_log.kafka.window import Checkpoint, Window
from event_log.log import Log
from event_log_testing import a_log, contact, every_event, fill
from holdfast_testing import eventually
from kafka_testing import reading, topic_name
from service_host.postgres import migrate

WHOLE = Share(1, 1)


@dataclass
class Told:
    """A relay's watch that remembers."""

    epochs: list[int] = field(default_factory=list)
    losses: int = 0
    troubles: list[str] = field(default_factory=list)
    at: Checkpoint | None = None

    def took(self, epoch: int) -> None:
        self.epochs.append(epoch)

    def lost(self) -> None:
        self.losses += 1

    def sending(self, window: Window) -> AbstractContextManager[object]:
        return nullcontext(window)

    def stands(self, at: Checkpoint, window: Window) -> None:
        assert window.complete_to == at.cursor
        self.at = at

    def interrupted(self, trouble: EventLogError) -> None:
        self.troubles.append(type(trouble).__name__)


@asynccontextmanager
async def relaying(
    bootstrap: str, log: Log, schema: str, dsn: str, topic: TopicSettings, share: Share = WHOLE
) -> AsyncIterator[Told]:
    """Run a relay beside the test; drained at the end."""
    told, connections = Told(), Connections(dsn, schema)
    checkpoints = PostgresCheckpoints(connections, topic.name, share, topic.partitions, "test")
    async with LogSource(log, share.partitions(topic.partitions), topic.partitions) as source:
        relay = Relay(source, lambda: open_topic(bootstrap, topic), checkpoints, told, time.monotonic)
        running = asyncio.create_task(relay.run())
        try:
            yield told
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            await connections.close()


@asynccontextmanager
async def a_relayed_log(dsn: str) -> AsyncIterator[tuple[Log, str]]:
    async with a_log(dsn) as (log, schema):
        session = await asyncpg.connect(dsn)
        await migrate(session, package="event_log.relay_migrations", schema=schema)
        await session.close()
        yield log, schema


async def test_a_log_stands_in_its_topic_whole_and_in_order(kafka_bootstrap: str, database: str) -> None:
    topic = TopicSettings(topic_name("whole"), partitions=8)
    async with a_relayed_log(database) as (log, schema):
        await fill(log, range(1, 3001))
        async with relaying(kafka_bootstrap, log, schema, database, topic) as told:
            await eventually(lambda: told.at is not None and told.at.cursor.position == 3000)
            await fill(log, range(3001, 3011), contact(7))
            with reading(kafka_bootstrap, topic.name, range(8)) as reader:
                await eventually(lambda: asyncio.to_thread(lambda: reader.complete_to() == 3010))
                assert reader.events() == await every_event(log)
                assert all(len(partition.events) > 100 for partition in reader.partitions.values())
        assert told.troubles == []
