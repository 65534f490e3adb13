"""What routing stands on: a log that outlives its processes, the lease of the one that decides, snapshots."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from crash_simulation.process import Process
from event_log.errors import LogUnavailable
from event_log.log import Verdict
from event_log.memory import MemoryLog
from event_log.model import DEFAULT_PAGE_EVENTS, EVERYTHING, Append, Cursor, Fence, Filter, Page
from ivr_routing.lead.snapshots import Kept, Snapshots
from ivr_routing.loop.snapshot import load

LEASE_SECONDS = 3.0
LOOK_SECONDS = 0.1


class ModelStore:
    """See log.Log, as far as routing uses it: one process's way to a log. `fenced`: whether fences are looked at."""

    def __init__(self, process: Process, log: MemoryLog, *, fenced: bool = True) -> None:
        self._process = process
        self._log = log
        self._fenced = fenced

    async def head(self) -> Cursor:
        """See Log.head."""
        await self._process.step("asks for the head")
        return await self._log.head()

    async def read(self, after: Cursor | int, *, filter: Filter = EVERYTHING, limit: int = DEFAULT_PAGE_EVENTS) -> Page:
        """See Log.read."""
        await self._process.step("reads")
        return await self._log.read(after, filter=filter, limit=limit)

    async def acquire_fence(self, tenant: str, name: str) -> Fence:
        """See Log.acquire_fence."""
        await self._process.step("raises the fence")
        fence = await self._log.acquire_fence(tenant, name)
        await self._process.step(f"has raised the fence to {fence.epoch}")
        return fence

    async def append_all(self, appends: Sequence[Append]) -> list[Verdict]:
        """See Log.append_all; who dies after it was written has told nobody."""
        await self._process.step(f"writes {len(appends)}")
        told = appends if self._fenced else [replace(one, fence=None) for one in appends]
        verdicts = await self._log.append_all(told)
        await self._process.step("has written")
        return verdicts


@dataclass(slots=True)
class LeaseRow:
    """Who decides, until when."""

    holder: str = ""
    held_until: float = float("-inf")


class ModelLease:
    """See leadership.Leadership: one process's view of the lease. It keeps order, and nothing rests on it."""

    def __init__(self, process: Process, row: LeaseRow) -> None:
        self._process = process
        self._row = row

    async def take(self) -> None:
        """Wait until this process may decide."""
        while self._row.held_until > _now():
            await self._process.step("stands by")
            await asyncio.sleep(LOOK_SECONDS)
        self._row.holder = self._process.name
        self._row.held_until = _now() + LEASE_SECONDS
        await self._process.step("leads")

    async def renew(self) -> None:
        """Renew for ever; raises LogUnavailable when another process has the lease."""
        while True:
            await asyncio.sleep(LEASE_SECONDS / 4)
            await self._process.step("renews")
            if self._row.holder != self._process.name:
                raise LogUnavailable("the lease is with another process")
            self._row.held_until = _now() + LEASE_SECONDS


@dataclass(slots=True)
class KeptRow:
    """The snapshots that were kept last."""

    position: int = 0
    desks: Mapping[str, bytes] = field(default_factory=dict)


class ModelSnapshots(Snapshots):
    """See snapshots.Snapshots; one process's way to them."""

    def __init__(self, process: Process, row: KeptRow) -> None:
        self._process = process
        self._row = row

    async def keep(self, at: Cursor, desks: Mapping[str, bytes]) -> None:
        """See Snapshots.keep."""
        await self._process.step(f"keeps a snapshot at {at.position}")
        self._row.position, self._row.desks = at.position, desks

    async def load(self, head: Cursor) -> Kept:
        """See Snapshots.load."""
        await self._process.step("loads a snapshot")
        if self._row.position > head.position:
            return Kept()
        return Kept(self._row.position, {tenant: load(tenant, desk) for tenant, desk in self._row.desks.items()})


def _now() -> float:
    return asyncio.get_running_loop().time()
