"""Facts of call-events on their way to the shards: in the log's order, at least once, never holding anybody up.

The cursor moves after what the facts led to is durable. Being taken in twice does no harm. A fact that breaks the
code is left out with an alarm: routing never waits for one. A log that may have lost facts, as a restored one, is
followed from where it is another than it was, and every source that holds callers is asked what lives there.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from event_log.errors import IncarnationChanged
from event_log.feed import Feed
from event_log.model import Cursor, Event, Filter, Page
from ivr_routing import telemetry
from ivr_routing.core import commands as c
from ivr_routing.core.errors import Refused
from ivr_routing.errors import ShardFailed
from ivr_routing.lead.leadership import Leadership
from ivr_routing.lead.shard import Shard
from ivr_routing.lead.shards import Shards
from ivr_routing.loop.facts import REMEMBERED, TYPES, told_by
from ivr_routing.loop.requests import Told
from service_host import logs
from service_host.postgres import Connection, Database

PAGE_EVENTS: Final = 500
STRETCH_SECONDS: Final = 0.002
"""So long facts are decided about in one go; then callers have their turn."""
KEEP_SECONDS: Final = 1.0
INCARNATION_CHANGED: Final = "incarnation_changed"
DATABASE_SECONDS: Final = 5.0
RECALLED_POSITIONS: Final = 500_000
"""So far back notes and holds are looked for: half an hour of a centre of some thousand agents."""
_WANTED: Final = Filter(types=TYPES)
_REMEMBERED: Final = Filter(types=REMEMBERED)
_FIND: Final = "select log_id, incarnation, position from feed_cursor where log_id = $1"
_MOVE: Final = """
    insert into feed_cursor (log_id, incarnation, position) select $1, $2, $3 from leader where pid = $4
    on conflict (log_id) do update set incarnation = excluded.incarnation, position = excluded.position
"""
"""Nothing, by one who leads no more: what it took in says nothing of what its successor did."""


class FactsFeed:
    """The feed of call-events, for one process; what broke the code is left out in all its terms."""

    def __init__(self, feed: Feed, database: Database, leadership: Leadership) -> None:
        self._feed = feed
        self._database = database
        self._leadership = leadership
        self._left_out: set[int] = set()
        self._kept_at = 0.0
        self._touched: dict[str, Shard] = {}
        """Shards that took facts in which may not be durable yet."""

    async def run(self, shards: Shards) -> None:
        """Take facts in for ever; ends by raising ShardFailed, or what the feed or the database raise."""
        self._touched.clear()
        try:
            place = await self._place()
            await self._recall(shards, place)
            async with aclosing(self._pages(place)) as pages:
                async for page in pages:
                    await self._take(shards, page)
        except IncarnationChanged as changed:
            telemetry.FACTS_STOPPED.warning(error_class=type(changed).__name__)
            for shard in shards.every():
                await _doubt(shard)
            await self._move(await self._feed.log.unchanged_until(await self._place()))

    async def _pages(self, after: Cursor) -> AsyncGenerator[Page, None]:
        async for page in self._feed.pages(after, filter=_WANTED, limit=PAGE_EVENTS):
            yield page

    async def _recall(self, shards: Shards, place: Cursor) -> None:
        """Hear again of contacts in care what is kept in memory alone: an earlier leader took it with it."""
        after = replace(place, position=max(0, place.position - RECALLED_POSITIONS))
        while after.position < place.position:
            page = await self._feed.log.read(after, filter=_REMEMBERED, limit=PAGE_EVENTS, until=place.position)
            for event in page.events:
                if (shard := shards.known(event.tenant)) is not None:
                    self._tell(shard, event)
            after = page.complete_to

    async def _place(self) -> Cursor:
        """Where to go on; a first start begins at the head, for earlier contacts are none of routing's."""
        head = await self._feed.log.head()
        async with self._database.acquire(DATABASE_SECONDS) as connection:
            row = await connection.fetchrow(_FIND, head.log_id)
        if row is None:
            await self._move(head)
            return head
        return Cursor(row["log_id"], row["incarnation"], row["position"])

    async def _take(self, shards: Shards, page: Page) -> None:
        began = time.monotonic()
        for event in page.events:
            shard = shards.known(event.tenant)
            if shard is not None and event.position not in self._left_out:
                self._touched[shard.tenant] = shard
                self._tell(shard, event)
            if time.monotonic() - began > STRETCH_SECONDS:
                await asyncio.sleep(0)
                began = time.monotonic()
        late = time.monotonic() - self._kept_at > KEEP_SECONDS
        if late or len(page.events) == PAGE_EVENTS:
            await self._settled()
        if late:
            self._kept_at = time.monotonic()
            await self._move_on(page.complete_to)
        telemetry.FACTS.add(len(page.events))
        telemetry.FACTS_BEHIND.set(page.head_position - page.complete_to.position)

    async def _settled(self) -> None:
        """Wait until all that facts led to is durable."""
        while self._touched:
            await self._touched.popitem()[1].settled()

    def _tell(self, shard: Shard, event: Event) -> None:
        try:
            for told in told_by(shard.desk, event):
                _decide(shard, told, event)
        except ShardFailed:
            raise
        except Exception as fault:  # noqa: BLE001  # routing never waits for a fact, and no tenant for another
            self._left_out.add(event.position)
            telemetry.FACT_FAILED.error(
                type=event.type, error_class=type(fault).__name__, places=logs.places(fault.__traceback__)
            )

    async def _move(self, to: Cursor) -> None:
        async with self._database.acquire(DATABASE_SECONDS) as connection:
            await connection.execute(_MOVE, to.log_id, to.incarnation, to.position, self._leadership.pid)

    async def _move_on(self, to: Cursor) -> None:
        """Keep the place without waiting for the disk, which the log needs: what is lost of it is taken in twice."""

        async def move(connection: Connection) -> None:
            await connection.execute("set local synchronous_commit = off")
            await connection.execute(_MOVE, to.log_id, to.incarnation, to.position, self._leadership.pid)

        await self._database.run(move, DATABASE_SECONDS)


async def _doubt(shard: Shard) -> None:
    """Doubt every source that holds contacts: facts of theirs may never come."""
    now_us = shard.now_us()
    for source_id in sorted({contact.source_id for contact in shard.desk.core.contacts.values()}):
        shard.decide(Told(c.DoubtSource(source_id, now_us, INCARNATION_CHANGED)))
    await shard.settled()


def _decide(shard: Shard, told: Told, event: Event) -> None:
    try:
        shard.decide(told, causation_id=event.event_id)
    except Refused as refused:
        telemetry.REFUSED.add(1, refused.reason)
