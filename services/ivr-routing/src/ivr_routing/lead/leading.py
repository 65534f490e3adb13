"""Standing by, leading, standing by again: one process of several decides, and the others keep up with the log.

Whatever ends a term (the lease lost, a fence taken, a write that failed), everything in memory is thrown away and
read anew. Nothing here ends the process.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final
from uuid import UUID

from event_log.errors import EventLogError
from event_log.log import Log
from ivr_routing import telemetry
from ivr_routing.errors import NotLeading, ShardFailed
from ivr_routing.lead import collector
from ivr_routing.lead.facts_feed import FactsFeed
from ivr_routing.lead.leadership import Leadership
from ivr_routing.lead.shard import Clock, LookUp, Shard
from ivr_routing.lead.shards import Shards
from ivr_routing.lead.snapshots import Snapshots
from ivr_routing.settings import Settings
from service_host.errors import Refused

PAUSE_SECONDS: Final = 0.2
LOOK_SECONDS: Final = 0.1
LAST_SECONDS: Final = 3.0


class Leading:
    """Whether this process decides, and with which shards."""

    def __init__(
        self,
        settings: Settings,
        log: Log,
        leadership: Leadership,
        snapshots: Snapshots,
        facts: FactsFeed,
        clock: Clock,
        new_id: Callable[[], UUID],
    ) -> None:
        self._settings = settings
        self._log = log
        self._leadership = leadership
        self._snapshots = snapshots
        self._facts = facts
        self._clock = clock
        self._new_id = new_id
        self._shards: Shards | None = None
        self._led = False
        self.beside: Callable[[], Awaitable[None]] | None = None
        """What runs as long as this process decides."""
        self.on_lookup: LookUp = lambda _shard, _contact, _look: None

    async def leads(self) -> bool:
        """Whether this process decides now; for readiness."""
        return self._shards is not None

    def shards(self) -> Shards:
        """The shards; raises NotLeading."""
        if self._shards is None:
            raise NotLeading("Another process decides, or none yet: ask again.")
        return self._shards

    async def shard(self, tenant: str) -> Shard:
        """A tenant's shard; raises NotLeading."""
        return await self.shards().of(tenant)

    async def run(self) -> None:
        """Stand by and lead, in turn, for ever."""
        while True:
            try:
                await self._term()
            except (EventLogError, Refused, ExceptionGroup) as ended:
                telemetry.LEADS_NO_MORE.warning(reason=_reason(ended))
            if self._led:
                self._led = False
                collector.look_through()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _term(self) -> None:
        shards = Shards(self._log, self._snapshots, self._clock, self._new_id, self._settings.heartbeat)
        shards.on_lookup = self.on_lookup
        await shards.follow()
        following = asyncio.create_task(self._follow(shards), name="following the log until this process leads")
        try:
            async with self._leadership.term() as lost:
                await _ended(following)
                await shards.lead()
                collector.put_away()
                await self._lead(shards, lost)
        finally:
            await _ended(following)

    async def _follow(self, shards: Shards) -> None:
        """Keep up with the log while standing by, so that taking over reads next to nothing."""
        read = 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            read += await shards.follow()
            if read >= self._settings.snapshot_events:
                read = 0
                await shards.keep()

    async def _lead(self, shards: Shards, lost: asyncio.Event) -> None:
        self._shards, self._led = shards, True
        telemetry.LEADING.set(1)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(shards.run())
                tasks.create_task(self._take_facts(shards))
                tasks.create_task(self._keep(shards))
                tasks.create_task(self._run_beside())
                await lost.wait()
                raise NotLeading("The lease was lost.")
        except asyncio.CancelledError:
            await self._keep_last(shards)
            raise
        finally:
            self._shards = None
            telemetry.LEADING.set(0)
            shards.close()

    async def _keep(self, shards: Shards) -> None:
        """Keep a snapshot whenever much was decided, at an instant at which all of it stands in the log.

        Whoever stands by keeps them sooner, and callers wait for nobody's there: the leader sees to it if nobody did.
        """
        looked, much = 0, self._settings.snapshot_events
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if shards.decided - looked >= much:
                with suppress(Refused):
                    lately = await self._snapshots.newest(shards.at) > shards.at.position - 2 * much
                    looked = shards.decided if lately or await shards.keep() else looked

    async def _keep_last(self, shards: Shards) -> None:
        """Keep a snapshot at the end of a term that ends well, so that the next begins at once."""
        self._shards = None
        with suppress(Refused, TimeoutError, ShardFailed):
            async with asyncio.timeout(LAST_SECONDS):
                for shard in shards.every():
                    await shard.settled()
                await shards.keep()

    async def _take_facts(self, shards: Shards) -> None:
        """Take facts in; while the feed or the database is away routing goes on without."""
        while True:
            with suppress(EventLogError, Refused, ShardFailed):  # a shard that broke is read anew meanwhile
                await self._facts.run(shards)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _run_beside(self) -> None:
        """Do what is done beside deciding; trouble of the world is waited out."""
        while self.beside is not None:
            with suppress(EventLogError, Refused):
                await self.beside()
            await asyncio.sleep(PAUSE_SECONDS)


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _reason(error: BaseException) -> str:
    """Names of what ended a term."""
    if isinstance(error, BaseExceptionGroup):
        return ", ".join(sorted({_reason(one) for one in error.exceptions}))
    return type(error).__name__
