"""A real log in Postgres and the facts of it, for tests of what brings facts forward."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256

import asyncpg

from event_log.feed import Feed
from event_log.model import Append, Appended, Event, NewEvent, StreamAppend
from event_log.postgres import PostgresLog, open_log
from holdfast_testing import eventually
from metrics import schema
from metrics.fact.catalogue import FACTS
from metrics.fact.view import view_columns
from metrics.facts import Facts
from metrics.serving_role import grant_serving
from service_host.postgres import Database, connect, migrate
from service_host.settings import address_with

LOG_SCHEMA = "call_events"
ROUTING_SCHEMA = "ivr_routing"
ROLE = "metrics"
"""Whom facts are kept as: not the database's owner."""
LONGEST = timedelta(seconds=60)
"""How long facts may take to come where they should on a machine that is busy with other work."""


@dataclass(frozen=True)
class Scene:
    """A log, a database and the facts of the one in the other."""

    address: str
    log: PostgresLog
    database: Database
    facts: Facts

    async def tell(self, events: Sequence[Event]) -> int:
        """Append events in this order, each its own append; return the last position."""
        for start in range(0, len(events), 500):
            verdicts = await self.log.append_all([append_of(event) for event in events[start : start + 500]])
            assert all(isinstance(verdict, Appended) for verdict in verdicts)
        return (await self.log.head()).position

    async def caught_up(self, log: PostgresLog | None = None) -> None:
        """Wait until the live facts have come to the head of the log, or of another that they follow."""
        head = await (log or self.log).head()
        query = "select min(position) from metrics.cursor join metrics.live_generation using (schema_name)"

        async def there() -> bool:
            return (await self.database.fetchval(f"{query} where log_id = $1", head.log_id) or 0) >= head.position

        await eventually(there, within=LONGEST)

    async def until_live(self, generation: str) -> None:
        """Wait until a generation is the live one."""
        query = "select schema_name = $1 from metrics.live_generation"

        async def there() -> bool:
            return bool(await self.database.fetchval(query, generation))

        await eventually(there, within=LONGEST)

    async def shown(self) -> dict[str, list[tuple[object, ...]]]:
        """Return every row that the views show, by name of fact, in order."""
        return {fact.name: await self._rows(fact.name, [c.name for c in view_columns(fact)]) for fact in FACTS}

    async def _rows(self, view: str, columns: Sequence[str]) -> list[tuple[object, ...]]:
        names = ", ".join(columns)
        rows = await self.database.fetch(f"select {names} from metrics.{view} order by {names}")  # noqa: S608
        return [tuple(row) for row in rows]


@asynccontextmanager
async def a_scene(address: str) -> AsyncIterator[Scene]:
    """Give a log and facts that follow nothing yet, both empty."""
    connection = await asyncpg.connect(address)
    try:
        await migrate(connection, package="event_log.migrations", schema=LOG_SCHEMA)
        await schema.bring_up_to_date(connection)
        await grant_serving(connection, ROLE)
    finally:
        await connection.close()
    async with open_log(address, LOG_SCHEMA) as log, connect(address_with(address, role=ROLE)) as database:
        facts = Facts(database, Feed("postgres", log))
        await facts.prepare()
        yield Scene(address, log, database, facts)


@asynccontextmanager
async def following(scene: Scene) -> AsyncIterator["asyncio.Task[None]"]:
    """Follow the log as long as the context lasts; what ends the following early is raised at its end."""
    task = asyncio.create_task(scene.facts.follow())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def routed(address: str) -> AsyncIterator[tuple[Scene, PostgresLog]]:
    """Give facts that follow a log of contacts and routing's."""
    async with a_scene(address) as scene:
        connection = await asyncpg.connect(address)
        try:
            await migrate(connection, package="event_log.migrations", schema=ROUTING_SCHEMA)
        finally:
            await connection.close()
        async with open_log(address, ROUTING_SCHEMA) as decisions:
            both = replace(scene, facts=replace(scene.facts, decisions=Feed("postgres", decisions)))
            task = asyncio.create_task(both.facts.follow_decisions())
            try:
                async with following(both):
                    yield both, decisions
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


async def decide(log: PostgresLog, events: Sequence[Event], chance: random.Random) -> None:
    """Append in order, in parts of any size."""
    start = 0
    while start < len(events):
        until = start + chance.randrange(1, 60)
        await log.append_all([append_of(event) for event in events[start:until]])
        start = until


def append_of(event: Event) -> Append:
    """Return what appends such an event."""
    new = NewEvent(
        event_id=event.event_id,
        type=event.type,
        event_time_us=event.event_time_us,
        payload=event.payload,
        body_mac=sha256(event.payload).digest(),
        source_id=event.source_id,
        source_seq=event.source_seq,
        traceparent=event.traceparent,
    )
    return Append(event.tenant, [StreamAppend(event.stream, [new])])
