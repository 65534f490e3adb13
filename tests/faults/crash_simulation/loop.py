"""An event loop whose time is made up: it goes on at once to when something happens next."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class NothingHappens(Exception):
    """Everybody waits for somebody else: nothing would ever happen again."""


class _NoWaiting(selectors.SelectSelector):
    """Lets the asked time pass without waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise NothingHappens
        self.now += max(timeout, 0.0)
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, selector: _NoWaiting) -> None:
        super().__init__(selector)
        self._made_up = selector

    def time(self) -> float:
        return self._made_up.now


def simulated(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end in made-up time; raises NothingHappens where it would wait for ever."""
    loop = _Loop(_NoWaiting())
    try:
        return loop.run_until_complete(work)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
