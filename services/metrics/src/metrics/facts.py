"""The facts of this service kept: made when there are none, followed live, rebuilt when they must be or when asked."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Final

import asyncpg

from event_log.errors import IncarnationChanged
from event_log.errors import Unavailable as LogAway
from event_log.feed import Feed
from event_log.model import Cursor
from event_log.partitioned import PartitionedFeed
from metrics.bi_reader import end_overlong
from metrics.clock import now_us
from metrics.connection import Connection
from metrics.fact import ddl
from metrics.follow import following
from metrics.follow.decisions import DecisionsAdvance
from metrics.follow.follower import DATABASE_SECONDS, Follower
from metrics.follow.hearing import keep_hearing
from metrics.follow.lagging import Lagging
from metrics.follow.retrying import Retrying
from metrics.follow.shared_follower import SharedFollower
from metrics.generation import create_generation, go_live, live_generation, next_name
from metrics.rebuild.rebuild import Progress, Rebuild
from metrics.rebuild.refused import PoisonedRebuild, RebuildRunning
from service_host.errors import DeadlineExceeded, Unavailable
from service_host.postgres import Database

NAME: Final = "metrics"
LOOK_EVERY_SECONDS: Final = 5.0
RETRY_EVERY_SECONDS: Final = 30.0
PAUSE_SECONDS: Final = 1.0
_WAITED_OUT: Final = (LogAway, Unavailable, DeadlineExceeded, RebuildRunning)


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts of the log of call-events, and of routing's where one is named, in one database."""

    database: Database
    feed: Feed
    on_step: Callable[[Cursor], None] = lambda _: None
    member: str = NAME
    """What this instance is called among those that share a topic."""
    decisions: Feed | None = None

    async def prepare(self) -> None:
        """Make a live generation if there is none; the views then show it, empty."""
        async with self.database.acquire(DATABASE_SECONDS) as connection, connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(hashtextextended('metrics generation', 0))")
            if await live_generation(connection) is None:
                await _begin_anew(connection)

    async def end_overlong_readers(self) -> None:
        """End readers of bi that last too long, every few seconds, until cancelled; as far as our role may."""
        while True:
            with suppress(Unavailable, DeadlineExceeded, asyncpg.InsufficientPrivilegeError):
                async with self.database.acquire(DATABASE_SECONDS) as connection:
                    await end_overlong(connection)
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def hear(self) -> None:
        """Keep, until cancelled, when the logs were last heard of, and tell how far facts are behind them."""
        lagging = Lagging()
        feeds = [self.feed, *([self.decisions] if self.decisions else [])]
        async with asyncio.TaskGroup() as hearing:
            for feed in feeds:
                hearing.create_task(keep_hearing(self.database, feed.log, lagging, now_us))

    async def retry_of_other_code(self) -> None:
        """Try once whatever code before an upgrade, or beside us in a slow one, could not fold; until cancelled."""
        retrying = Retrying(self.database, self.feed.log, self.decisions.log if self.decisions else None)
        while True:
            with suppress(LogAway, Unavailable, DeadlineExceeded):
                await retrying.retry_of_other_code()
            await asyncio.sleep(RETRY_EVERY_SECONDS)

    async def follow(self) -> None:
        """Follow the log until cancelled; facts of other declarations, or of a log that lost events, are rebuilt."""
        await self.prepare()
        while True:
            try:
                if await self._must_be_rebuilt():
                    await self._rebuild_unasked()
                await self._follower().run()
            except IncarnationChanged:
                continue
            except _WAITED_OUT:
                await asyncio.sleep(PAUSE_SECONDS)

    async def follow_decisions(self) -> None:
        """Follow routing's log, if one is named, until cancelled; facts of one that lost events are rebuilt."""
        await self.prepare()
        while self.decisions is not None:
            try:
                await Follower(self.database, self.decisions, advance=DecisionsAdvance).run()
            except IncarnationChanged:
                await self._rebuild_unasked()
            except _WAITED_OUT:
                await asyncio.sleep(PAUSE_SECONDS)

    def rebuild(self, *, swap: bool, accept_differences: bool) -> AsyncGenerator[Progress, None]:
        """Rebuild as Rebuild.run says, telling how it goes."""
        return self._rebuild().run(swap=swap, accept_differences=accept_differences)

    def _rebuild(self) -> Rebuild:
        return Rebuild(self.database, self.feed.log, self.decisions.log if self.decisions else None)

    def _follower(self) -> Follower | SharedFollower:
        if isinstance(self.feed, PartitionedFeed):
            return SharedFollower(self.database, self.feed, self.member, self.on_step)
        return Follower(self.database, self.feed, self.on_step)

    async def _must_be_rebuilt(self) -> bool:
        head = await self.feed.log.head()
        async with self.database.acquire(DATABASE_SECONDS) as connection:
            row = await connection.fetchrow(
                "select schema_name, declaration from metrics.generation"
                " join metrics.live_generation using (schema_name)"
            )
            assert row is not None, "prepared before"
            place = await following.followed(connection, row["schema_name"], head.log_id)
        changed = place is not None and place.stopped == "incarnation_changed"
        return changed or row["declaration"] != ddl.declaration_digest()

    async def _rebuild_unasked(self) -> None:
        """Rebuild; where an event cannot be folded, follow the log from its beginning and set that one aside."""
        try:
            async with aclosing(self._rebuild().run(swap=True, accept_differences=True, compare=False)) as told:
                async for _ in told:
                    pass
        except PoisonedRebuild:
            async with self.database.acquire(DATABASE_SECONDS) as connection, connection.transaction():
                await _begin_anew(connection)


async def _begin_anew(connection: Connection) -> None:
    """Take an empty generation live."""
    name = await next_name(connection)
    await create_generation(connection, name)
    await go_live(connection, name)
