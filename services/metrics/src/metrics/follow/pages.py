"""Pages of a feed by the handful: one while facts are live, several while they are behind."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from typing import Final, Protocol, TypeVar

MOST_EVENTS: Final = 30_000
"""Events of a handful at most, give or take a page: larger ones fold no faster and hold more memory."""
PAGES_AHEAD: Final = 2
"""Pages read ahead however large they are."""


class Counted(Protocol):
    """A page that knows how many events it has."""

    @property
    def count(self) -> int:
        """Number of events in it."""


_Page = TypeVar("_Page", bound=Counted)


async def handfuls(pages: AsyncIterator[_Page], most: int = MOST_EVENTS) -> AsyncGenerator[list[_Page], None]:
    """Yield each page with all that arrived meanwhile.

    Small pages are read ahead until they are a handful: behind a line that was silent waits one for each moment of the
    silence, and taken two by two they would never be caught up with. Of large ones at most PAGES_AHEAD are.
    """
    waiting: asyncio.Queue[_Page | None] = asyncio.Queue()
    room = _Room(most)
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
            room.give_back(found)
            yield found
            if ended:
                break
        await reading
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading


class _Room:
    """How much may still be read ahead of who takes it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pages = self._events = 0
        self._freed = asyncio.Event()

    async def take(self, page: _Page) -> None:
        """Wait until there is room for a page."""
        weight = _weight(page)
        while self._pages >= PAGES_AHEAD and self._events + weight > self._most:
            self._freed.clear()
            await self._freed.wait()
        self._pages += 1
        self._events += weight

    def give_back(self, pages: Sequence[_Page]) -> None:
        """Make room where pages were."""
        self._pages -= len(pages)
        self._events -= sum(map(_weight, pages))
        self._freed.set()


def _weight(page: _Page) -> int:
    """Return how many events a page counts for; without any it takes room all the same."""
    return max(page.count, 1)


async def _read(pages: AsyncIterator[_Page], waiting: "asyncio.Queue[_Page | None]", room: "_Room") -> None:
    try:
        async for page in pages:
            await room.take(page)
            waiting.put_nowait(page)
    finally:
        waiting.put_nowait(None)
