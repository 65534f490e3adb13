"""Every tenant's shard in the process that decides: read from snapshot and log, fenced, caught up, run.

Fences are raised before the last of the log is read: what an old leader wrote until then is read, and whatever it
tries to write afterwards is refused.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from event_log.errors import EventLogError
from event_log.log import Log
from event_log.model import MAX_PAGE_EVENTS, Cursor, Event, Fence, Filter
from ivr_routing import telemetry
from ivr_routing.errors import NotLeading
from ivr_routing.lead.heartbeats import Heartbeats
from ivr_routing.lead.shard import Clock, LookUp, Shard
from ivr_routing.lead.snapshots import Snapshots
from ivr_routing.loop.desk import Desk, read
from ivr_routing.loop.snapshot import dump

FENCE: Final = "routing"
FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 5.0
"""Between two readings of a shard that breaks again and again."""


class Shards:
    """The shards of all tenants of one log, for one term of leading."""

    def __init__(
        self, log: Log, snapshots: Snapshots, clock: Clock, new_id: Callable[[], UUID], heartbeat: timedelta
    ) -> None:
        """Open nothing yet."""
        self._log = log
        self._snapshots = snapshots
        self._clock = clock
        self._new_id = new_id
        self._heartbeat = heartbeat
        self._shards: dict[str, Shard] = {}
        self._desks: dict[str, Desk] = {}
        self._at = Cursor("", 0, 0)
        self._record_time_us = 0
        self._opening = asyncio.Lock()
        self._running: asyncio.TaskGroup | None = None
        self.on_lookup: LookUp = lambda _shard, _contact, _look: None

    async def follow(self) -> int:
        """Read what is new in the log; return how many events that were. For whoever does not lead yet."""
        if not self._at.log_id:
            await self._begin()
        count = 0
        while True:
            page = await self._log.read(self._at, limit=MAX_PAGE_EVENTS)
            for event in page.events:
                self._apply(event)
            for desk in self._desks.values():
                desk.core.tidy()
            count += len(page.events)
            self._at = page.complete_to
            if self._at.position >= page.head_position:
                return count
            await asyncio.sleep(0)

    async def lead(self) -> None:
        """Raise the fences, and read the rest until every tenant found in it has one."""
        began = time.monotonic()
        fences: dict[str, Fence] = {}
        read_now = 0
        while True:
            for tenant in self._desks.keys() - fences.keys():
                fences[tenant] = await self._log.acquire_fence(tenant, FENCE)
            read_now += await self.follow()
            if self._desks.keys() == fences.keys():
                break
        for tenant, fence in fences.items():
            self._add(Shard(self._desks[tenant], self._log, fence, self._clock, self._new_id, self._beats()))
        telemetry.LEADS.info(tenants=len(fences), events=read_now, seconds=round(time.monotonic() - began, 3))

    async def run(self) -> None:
        """Run every shard; ends by raising what one of them failed to write with."""
        async with asyncio.TaskGroup() as running:
            self._running = running
            for shard in self._shards.values():
                running.create_task(self._keep_running(shard))
            running.create_task(asyncio.Event().wait())

    def close(self) -> None:
        """Let everybody go."""
        for shard in self._shards.values():
            shard.close()

    async def keep(self) -> bool:
        """Keep a snapshot, if at this instant all that was decided stands in the log, and nothing else does.

        Whether it was so. What another process has written since this one began to lead is in none of its desks.
        Making it holds everything up for as long as the desks are large; writing it does not.
        """
        if not self._desks or not all(shard.stands for shard in self._shards.values()):
            return False
        at = self.at
        if at.position - self._at.position != self.decided:
            return False
        await self._snapshots.keep(at, {tenant: dump(desk) for tenant, desk in self._desks.items()})
        return True

    @property
    def at(self) -> Cursor:
        """Where in the log the last event stands that was read, or decided in this term and written."""
        decided = max((shard.stands_at for shard in self._shards.values()), default=0)
        return Cursor(self._at.log_id, self._at.incarnation, max(self._at.position, decided))

    @property
    def decided(self) -> int:
        """Events decided so far in this term."""
        return sum(shard.decided for shard in self._shards.values())

    def known(self, tenant: str) -> Shard | None:
        """A tenant's shard if there is one."""
        return self._shards.get(tenant)

    def every(self) -> list[Shard]:
        """All shards."""
        return list(self._shards.values())

    async def of(self, tenant: str) -> Shard:
        """A tenant's shard, made when the tenant is first heard of."""
        found = self._shards.get(tenant)
        if found is not None:
            return found
        async with self._opening:
            if tenant not in self._shards:
                shard = await self._opened(tenant)
                self._add(shard)
                if self._running is not None:
                    _start(self._keep_running(shard), shard, self._running)
            return self._shards[tenant]

    async def _opened(self, tenant: str) -> Shard:
        """A shard of a tenant that has no events up to where this process began to lead.

        If its fence was raised before, another process may have led since, unnoticed, and have written for it.
        """
        fence = await self._log.acquire_fence(tenant, FENCE)
        written = await self._written_since(tenant) if fence.epoch > 1 else []
        desk = self._desks[tenant] = Desk(tenant)
        for event in written:
            self._evolve(desk, event)
        return Shard(desk, self._log, fence, self._clock, self._new_id, self._beats())

    async def _written_since(self, tenant: str) -> list[Event]:
        """Return what stands in the log for a tenant since this process began to lead."""
        at, found = self._at, list[Event]()
        while True:
            page = await self._log.read(at, filter=Filter(tenant), limit=MAX_PAGE_EVENTS)
            found += page.events
            at = page.complete_to
            if at.position >= page.head_position:
                return found

    async def _keep_running(self, shard: Shard) -> None:
        """Run a tenant's shard; one that a decision broke is read anew, and the others go on meanwhile."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await shard.run()
            except Exception as ended:
                if not broken_by_a_decision(ended):
                    raise
                telemetry.SHARD_BROKE.error(error_class=type(ended).__name__)
            shard.close()
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            shard = await self._anew(shard.tenant)

    async def _anew(self, tenant: str) -> Shard:
        """Read one tenant's desk from snapshot and log again, under a fence of its own."""
        fence = await self._log.acquire_fence(tenant, FENCE)
        head = await self._log.head()
        kept = await self._snapshots.load(head)
        desk, at = kept.desks.get(tenant) or Desk(tenant), Cursor(head.log_id, head.incarnation, kept.position)
        while at.position < head.position:
            page = await self._log.read(at, filter=Filter(tenant=tenant), limit=MAX_PAGE_EVENTS)
            for event in page.events:
                self._evolve(desk, event)
            at = page.complete_to
            await asyncio.sleep(0)
        self._desks[tenant] = desk
        shard = Shard(desk, self._log, fence, self._clock, self._new_id, self._beats())
        self._add(shard)
        return shard

    async def _begin(self) -> None:
        head = await self._log.head()
        kept = await self._snapshots.load(head)
        self._desks = dict(kept.desks)
        self._at = Cursor(head.log_id, head.incarnation, kept.position)

    def _apply(self, event: Event) -> None:
        desk = self._desks.get(event.tenant)
        if desk is None:
            desk = self._desks[event.tenant] = Desk(event.tenant)
        self._evolve(desk, event)

    def _evolve(self, desk: Desk, event: Event) -> None:
        desk.evolve(read(event.type, event.payload), event.event_time_us)
        self._record_time_us = max(self._record_time_us, event.event_time_us)

    def _add(self, shard: Shard) -> None:
        shard.on_lookup = self.on_lookup
        shard.restored_until(self._record_time_us)
        self._shards[shard.tenant] = shard

    def _beats(self) -> Heartbeats:
        return Heartbeats(self._heartbeat)


def _start(work: Coroutine[Any, Any, None], shard: Shard, running: asyncio.TaskGroup) -> None:
    """Run a shard beside the others; raises NotLeading if they are ending."""
    try:
        running.create_task(work)
    except RuntimeError as ending:
        work.close()
        shard.close()
        raise NotLeading("This process decides no longer: ask again.") from ending


def broken_by_a_decision(ended: BaseException) -> bool:
    """Whether a shard ended because deciding went wrong, and not because the log could not be written."""
    if isinstance(ended, BaseExceptionGroup):
        return all(map(broken_by_a_decision, ended.exceptions))
    return not isinstance(ended, EventLogError) and not isinstance(ended.__cause__, EventLogError)
