"""A log as its relay sees it, and what follows from it: which event comes before which in a partition."""

import asyncio
from collections.abc import Sequence
from random import Random

from crash_simulation.process import Process
from event_log.errors import LogUnavailable
from event_log.kafka.window import Checkpoint, Outgoing, Window, beginning
from event_log.model import Cursor

PARTITIONS = 3
LOG_ID = "log"
EVENTS_BETWEEN_SECONDS = 0.05
LARGEST_WINDOW = 5


class ModelLog:
    """Events by position; only their partition matters. A crash of its database cuts readers off, and loses none."""

    def __init__(self) -> None:
        self.partitions: list[int] = []
        self.crashes = 0
        self._grown = asyncio.Event()

    @property
    def head(self) -> Cursor:
        """The last position written."""
        return Cursor(LOG_ID, 1, len(self.partitions))

    async def grow(self, chance: Random, events: int) -> None:
        """Be written to, now and then."""
        for _ in range(events):
            self.partitions.append(chance.randrange(PARTITIONS))
            self._grown.set()
            self._grown = asyncio.Event()
            await asyncio.sleep(chance.expovariate(1 / EVENTS_BETWEEN_SECONDS))

    def before(self, position: int, partition: int) -> int:
        """Return the position before one in a partition; 0 if it is the first."""
        return self.last_of(partition, position - 1)

    def last_of(self, partition: int, until: int) -> int:
        """Return the last position of a partition up to one; 0 if there is none."""
        found = (at for at in range(until, 0, -1) if self.partitions[at - 1] == partition)
        return next(found, 0)

    async def wait_beyond(self, position: int, seconds: float) -> None:
        """Wait for an event after a position, so long at most."""
        until = asyncio.get_running_loop().time() + seconds
        while len(self.partitions) <= position and (left := until - asyncio.get_running_loop().time()) > 0:
            await asyncio.wait([asyncio.ensure_future(self._grown.wait())], timeout=left)


class ModelSource:
    """See relay.Source; one process's view of the log."""

    def __init__(self, process: Process, log: ModelLog) -> None:
        self._process = process
        self._log = log
        self._crashes = log.crashes

    async def head(self) -> Cursor:
        """See relay.Source."""
        await self._process.step("reads the head")
        return self._log.head

    def beginning(self, log: Cursor) -> Checkpoint:
        """See relay.Source."""
        return beginning(log, range(PARTITIONS))

    async def window(self, after: Cursor, wait_seconds: float) -> Window:
        """See relay.Source."""
        await self._process.step(f"reads after {after.position}")
        await self._log.wait_beyond(after.position, wait_seconds)
        if self._crashes != self._log.crashes:
            self._crashes = self._log.crashes
            raise LogUnavailable("the database crashed")
        until = min(len(self._log.partitions), after.position + LARGEST_WINDOW)
        return Window(self._events(after.position, until), Cursor(LOG_ID, 1, until), self._log.head.position)

    def _events(self, after: int, until: int) -> Sequence[Outgoing]:
        return [
            Outgoing(at, self._log.partitions[at - 1], b"k", b"v", "Enqueued", "t", "")
            for at in range(after + 1, until + 1)
        ]
