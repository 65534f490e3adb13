"""A log as a relay reads it: followed in columns, the next windows made while this one is on its way."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from types import TracebackType
from typing import Self

from event_log.errors import LogUnavailable
from event_log.kafka.outgoing import WINDOW_EVENTS, windows_of
from event_log.kafka.window import Checkpoint, Window, beginning
from event_log.log import Log
from event_log.model import Cursor

AHEAD = 2
"""Windows kept ready beside the one on its way."""
REST_SECONDS = 0.015
"""Who has caught up reads no sooner again: a window's price hardly grows with its events, and broker and readers pay
it too. An event that comes alone finds nobody resting.
"""


class LogSource:
    """See relay.Source; of some of the partitions of a topic that has so many."""

    def __init__(self, log: Log, mine: Sequence[int], partitions: int) -> None:
        """Read nothing yet."""
        self._log = log
        self._mine = mine
        self._partitions = partitions
        self._ready: asyncio.Queue[Window] = asyncio.Queue(AHEAD)
        self._reading: asyncio.Task[None] | None = None
        self._at: Cursor | None = None
        self._head = 0

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop reading."""
        await self._stop()

    async def head(self) -> Cursor:
        """See relay.Source."""
        return await self._log.head()

    def beginning(self, log: Cursor) -> Checkpoint:
        """See relay.Source."""
        return beginning(log, self._mine)

    async def window(self, after: Cursor, wait_seconds: float) -> Window:
        """See relay.Source; goes on reading ahead as long as each window follows the one before."""
        if self._at != after or self._reading is None:
            await self._stop()
            self._at, self._reading = after, asyncio.create_task(self._read(after))
        window = await self._next(self._reading, wait_seconds)
        if window is None:
            return Window((), after, max(after.position, self._head))
        self._at, self._head = window.complete_to, window.head_position
        return window

    async def _next(self, reading: asyncio.Task[None], seconds: float) -> Window | None:
        """Return the next window, None if there is none in time; raise what ended the reading."""
        with suppress(asyncio.QueueEmpty):
            return self._ready.get_nowait()
        getting = asyncio.ensure_future(self._ready.get())
        try:
            await asyncio.wait({getting, reading}, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
        finally:
            getting.cancel()
        if reading.done():
            self._reading = None
            reading.result()
        return None

    async def _read(self, after: Cursor) -> None:
        pages = self._log.subscribe_packed(after, limit=2 * WINDOW_EVENTS)
        async with aclosing(pages):  # type: ignore[type-var]  # a generator, as all logs of ours make them
            async for page in pages:
                for window in windows_of(page, self._mine, self._partitions):
                    await self._ready.put(window)
                if page.complete_to.position >= page.head_position:
                    await asyncio.sleep(REST_SECONDS)
        raise LogUnavailable("the log is followed no longer")

    async def _stop(self) -> None:
        reading, self._reading, self._at = self._reading, None, None
        self._ready = asyncio.Queue(AHEAD)
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
