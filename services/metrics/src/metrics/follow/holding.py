"""The partitions that this instance reads: its leases kept by turns, and told when they are others.

What is too much by now is still owned until whoever reads it has ended and says so (`settle`).
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

from event_log.errors import Unavailable as LogAway
from event_log.log import Log
from event_log.partition_leases import PartitionLeases
from metrics import telemetry
from metrics.follow import places
from metrics.generation import live_generation
from service_host.errors import DeadlineExceeded, Unavailable
from service_host.postgres import Database

TURN_SECONDS: Final = 0.5
TURN_DEADLINE_SECONDS: Final = 3.0
HEAD_DEADLINE_SECONDS: Final = 1.0


class Holding:
    """Leases of one instance; `epochs` are those of the partitions it may read."""

    def __init__(self, database: Database, leases: PartitionLeases, log: Log) -> None:
        self._database = database
        self._leases = leases
        self._log = log
        self.epochs: Mapping[int, int] = {}
        self._settled: Mapping[int, int] = {}
        self._changed = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Take turns as long as the context lasts; then all is given back."""
        keeping = asyncio.create_task(self._keep())
        keeping.add_done_callback(lambda _: self._changed.set())
        self._keeping = keeping
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
            with suppress(Unavailable, DeadlineExceeded):
                async with self._database.acquire(TURN_DEADLINE_SECONDS) as connection:
                    await self._leases.leave(connection)

    async def changed(self) -> None:
        """Wait until the partitions are others than when `settle` was last called; raises what ended the turns."""
        await self._changed.wait()
        if self._keeping is not None and self._keeping.done():
            await self._keeping

    async def settle(self) -> Mapping[int, int]:
        """Give back what is too much, now that nothing of this instance reads it; return what it may read."""
        self._changed.clear()
        epochs = self.epochs
        async with self._database.acquire(TURN_DEADLINE_SECONDS) as connection:
            await self._leases.give_back(connection, epochs.keys())
        if epochs != self._settled:
            self._settled = epochs
            telemetry.PARTITIONS.set(len(epochs))
            telemetry.PARTITIONS_CHANGED.info(partitions=len(epochs), of=self._leases.partitions)
        return epochs

    async def _keep(self) -> None:
        while True:
            with suppress(Unavailable, DeadlineExceeded):
                await self._turn()
            with suppress(Unavailable, DeadlineExceeded, LogAway, TimeoutError):
                await self._tell_head()
            await asyncio.sleep(TURN_SECONDS)

    async def _turn(self) -> None:
        async with self._database.acquire(TURN_DEADLINE_SECONDS) as connection:
            epochs = await self._leases.turn(connection)
        if epochs != self.epochs:
            self.epochs = epochs
            self._changed.set()

    async def _tell_head(self) -> None:
        """Let answers know how far the log is, though the topic may have nothing of it yet."""
        async with asyncio.timeout(HEAD_DEADLINE_SECONDS):
            head = await self._log.head()
        async with self._database.acquire(TURN_DEADLINE_SECONDS) as connection:
            generation = await live_generation(connection)
            if generation is not None:
                await places.tell_head(connection, generation, head, list(self.epochs))
