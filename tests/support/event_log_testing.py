"""What tests of a log share: streams and events by number, and logs in schemas of their own."""

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from event_log.limits import WriterLimits
from event_log.log import Log
from event_log.model import ANY, Append, Appended, Event, Expected, Fence, NewEvent, Stream, StreamAppend
from event_log.postgres import DEFAULT_LIMITS, PostgresLog, open_log
from service_host.postgres import migrate

NOON_US = 915_192_000_000_000
_schemas = itertools.count(1)


def contact(number: int) -> Stream:
    """Return the stream of contact `number`."""
    return Stream("contact", UUID(int=number))


def event(number: int, body: bytes = b"", kind: str = "Enqueued") -> NewEvent:
    """Return event `number`; another body makes it another telling under the same id."""
    mac = f"mac {number} ".encode() + body
    return NewEvent(UUID(int=number), kind, NOON_US + number, b"payload" + body, mac, "pbx-1", number)


def appending(
    stream: Stream,
    *events: NewEvent,
    expected: Expected = ANY,
    tenant: str = "bank",
    fence: Fence | None = None,
) -> Append:
    """Return an append of events to one stream."""
    return Append(tenant, [StreamAppend(stream, events, expected)], fence)


async def fill(log: Log, numbers: Sequence[int], stream: Stream | None = None, tenant: str = "bank") -> None:
    """Append one event for each number, each to a stream of its own unless one is named."""
    verdicts = await log.append_all(
        [appending(stream or contact(number), event(number), tenant=tenant) for number in numbers]
    )
    assert all(isinstance(verdict, Appended) for verdict in verdicts)


def ids(events: Sequence[Event]) -> list[int]:
    """Return the events' numbers."""
    return [found.event_id.int for found in events]


async def every_event(log: Log) -> list[Event]:
    """Read a whole log."""
    events: list[Event] = []
    while True:
        page = await log.read(len(events))
        events += page.events
        if page.complete_to.position >= page.head_position:
            return events


async def a_schema(dsn: str, partition_events: int | None = None) -> str:
    """Make a log in a schema of its own, with partitions of the size wanted."""
    schema = f"log_{next(_schemas)}"
    session = await asyncpg.connect(dsn)
    try:
        await migrate(session, package="event_log.migrations", schema=schema)
        if partition_events is not None:
            await session.execute(f"update {schema}.log set partition_events = $1", partition_events)  # noqa: S608
    finally:
        await session.close()
    return schema


@asynccontextmanager
async def a_log(
    dsn: str, limits: WriterLimits = DEFAULT_LIMITS, partition_events: int | None = None
) -> AsyncIterator[tuple[PostgresLog, str]]:
    """Give a fresh log and the name of its schema."""
    schema = await a_schema(dsn, partition_events)
    async with open_log(dsn, schema, limits=limits) as log:
        yield log, schema
