"""How far facts were taken in: kept by who leads, and by nobody else."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import asyncpg
import pytest

from event_log.connections import Connections
from event_log.feed import Feed
from event_log.memory import MemoryLog, clock_us
from event_log.model import Append, NewEvent, Stream, StreamAppend
from holdfast_testing import eventually
from ivr_routing.lead.facts_feed import STRETCH_SECONDS, FactsFeed
from ivr_routing.lead.leadership import Leadership
from ivr_routing.lead.shard import Shard
from ivr_routing.lead.shards import Shards
from ivr_routing.lead.snapshots import Snapshots
from service_host import postgres
from service_host.settings import address_with

SCHEMA = "ivr_routing"
LEASE = timedelta(seconds=60)
MANY = 100
TENANT = "acme"


def new_id() -> UUID:
    """An id nobody has."""
    return UUID(bytes=secrets.token_bytes(16), version=4)


class Listening(Shards):
    """Counts the facts that are taken in."""

    heard = 0

    def known(self, tenant: str) -> Shard | None:
        self.heard += 1
        return super().known(tenant)


class Slow(Listening):
    """Takes a while for each."""

    def known(self, tenant: str) -> Shard | None:
        until = time.monotonic() + STRETCH_SECONDS / 2
        while time.monotonic() < until:
            pass
        return super().known(tenant)


@asynccontextmanager
async def taking(
    address: str, leadership: Leadership, log: MemoryLog, kind: type[Listening] = Listening
) -> AsyncIterator[Listening]:
    """Take facts in, as this process does under a leadership."""
    async with postgres.connect(address) as database:
        shards = kind(MemoryLog(), Snapshots(database), clock_us, new_id, timedelta(seconds=60))
        running = asyncio.create_task(FactsFeed(Feed("facts", log), database, leadership).run(shards))
        yield shards
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def tell(log: MemoryLog, facts: int = 1) -> None:
    """Tell facts, all at once."""
    events = [NewEvent(new_id(), "LegEnded", clock_us(), b"", b"", "pbx") for _ in range(facts)]
    await log.append(Append(TENANT, [StreamAppend(Stream("contact", new_id()), events)]))


@pytest.fixture
async def session(fresh_database: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    found = await asyncpg.connect(fresh_database)
    await postgres.migrate(found, package="ivr_routing.migrations", schema=SCHEMA)
    await found.execute(f"set search_path = {SCHEMA}")
    yield found
    await found.close()


async def test_who_leads_keeps_how_far_facts_were_taken_in_and_who_leads_no_more_does_not(
    fresh_database: str, session: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    address, log = address_with(fresh_database, search_path=SCHEMA), MemoryLog()
    leadership = Leadership(Connections(address, SCHEMA), LEASE)

    async def after_two_pages() -> int | None:
        async with taking(address, leadership, log) as shards:

            async def heard(facts: int) -> bool:
                await tell(log)
                return shards.heard >= facts

            await eventually(lambda: heard(1))
            first = shards.heard
            await eventually(lambda: heard(first + 1))
        position: int | None = await session.fetchval("select position from feed_cursor")
        return position

    async with leadership.term():
        await session.execute("update leader set pid = 0")
        assert await after_two_pages() is None
        await session.execute("update leader set pid = $1", leadership.pid)
        assert await after_two_pages() is not None


async def test_callers_have_their_turn_while_many_facts_are_taken_in(
    fresh_database: str, session: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    del session  # it has made the tables
    address, log = address_with(fresh_database, search_path=SCHEMA), MemoryLog()
    leadership = Leadership(Connections(address, SCHEMA), LEASE)
    async with leadership.term(), taking(address, leadership, log, Slow) as shards:

        async def heard() -> bool:
            await tell(log)
            return shards.heard > 0

        await eventually(heard)
        before = shards.heard
        await tell(log, MANY)
        seen = [before]
        async with asyncio.timeout(30):
            while seen[-1] < before + MANY:
                await asyncio.sleep(0)
                seen.append(shards.heard)
    assert max(later - earlier for earlier, later in pairwise(seen)) < MANY / 5
