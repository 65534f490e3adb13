"""Pages of a feed by the handful: one while facts are live, several while they are behind."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from typing import Final

from event_log.model import PackedPage

MOST_EVENTS: Final = 20_000
"""Events of a handful at most, give or take a page: larger ones fold no faster and hold more memory."""
PAGES_AHEAD: Final = 2


async def handfuls(pages: AsyncIterator[PackedPage], most: int = MOST_EVENTS) -> AsyncGenerator[list[PackedPage], None]:
    """Yield each page with all that arrived meanwhile; at most PAGES_AHEAD are read ahead."""
    waiting: asyncio.Queue[PackedPage | None] = asyncio.Queue()
    room = asyncio.Semaphore(PAGES_AHEAD)
    reading = asyncio.create_task(_read(pages, waiting, room))
    try:
        while (page := await waiting.get()) is not None:
            found, ended = [page], False
            while sum(each.count for each in found) < most and not waiting.empty():
                more = waiting.get_nowait()
                if more is None:
                    ended = True
                    break
                found.append(more)
            for _ in found:
                room.release()
            yield found
            if ended:
                break
        await reading
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading


async def _read(
    pages: AsyncIterator[PackedPage], waiting: "asyncio.Queue[PackedPage | None]", room: asyncio.Semaphore
) -> None:
    try:
        async for page in pages:
            await room.acquire()
            waiting.put_nowait(page)
    finally:
        waiting.put_nowait(None)
