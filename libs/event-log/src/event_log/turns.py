"""Room for some at once, and turns among those who wait: one reader's crowd never stands before another reader.

Whoever waits is served in turn by name: first one of each, then the second of each. A name may be empty.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

CallerName: TypeAlias = Callable[[], str]
"""Tells for whom the running task reads or appends."""


def nobody() -> str:
    """Return the name of callers who have none."""
    return ""


class Turns:
    """Lets so many in at once; of one event loop."""

    def __init__(self, room: int, name: CallerName = nobody) -> None:
        """Say how many at once, and how the running task is named."""
        self._room = room
        self._name = name
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Wait for a turn, and give it on at the end."""
        await self._take()
        try:
            yield
        finally:
            self._give_on()

    async def _take(self) -> None:
        if self._room:
            self._room -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(self._name(), deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_on()
            raise

    def _give_on(self) -> None:
        """Give the turn to the name that has waited longest for one; it goes to the end of the names."""
        while self._waiting:
            name = next(iter(self._waiting))
            waiting = self._waiting.pop(name)
            turn = waiting.popleft()
            if waiting:
                self._waiting[name] = waiting
            if not turn.done():
                turn.set_result(None)
                return
        self._room += 1
