"""A thread for a library that blocks: asked from an event loop, in order, every answer by a deadline.

Work that outlasts its deadline goes on in its thread, which nobody waits for, not even the end of the process.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from queue import SimpleQueue
from typing import TypeVar

_Answer = TypeVar("_Answer")


class Worker:
    """One thread, from its making until it is ended."""

    def __init__(self, name: str) -> None:
        """Start the thread."""
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    async def run(self, work: Callable[[], _Answer], deadline: timedelta) -> _Answer:
        """Return what the work returns or raise what it raises; TimeoutError after the deadline."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[_Answer] = loop.create_future()

        def tell(answer: Callable[[], None]) -> None:
            if not done.done():
                answer()

        def answered() -> None:
            try:
                answer = work()
            except Exception as error:  # noqa: BLE001  # told to whoever asked
                trouble = error
                say: Callable[[], None] = lambda: done.set_exception(trouble)  # noqa: E731
            else:
                say = lambda: done.set_result(answer)  # noqa: E731
            with suppress(RuntimeError):  # the loop may be gone
                loop.call_soon_threadsafe(tell, say)

        self._work.put(answered)
        async with asyncio.timeout(deadline.total_seconds()):
            return await done

    def end(self, last: Callable[[], None]) -> None:
        """Do one last thing when what is under way has ended, and end the thread; does not wait for it."""
        self._work.put(last)
        self._work.put(None)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
