"""A doorbell for those who follow a log: rung with each new head, by the appender here or by one in another process."""

import asyncio
from datetime import timedelta


class Doorbell:
    """Remembers the highest head it was rung with; waiters wake when it is beyond their position."""

    def __init__(self) -> None:
        """Begin before the first event."""
        self._position = 0
        self._rung = asyncio.Event()

    def ring(self, position: int) -> None:
        """Wake the waiters if the head is new."""
        if position > self._position:
            self._position = position
            self._rung.set()
            self._rung = asyncio.Event()

    async def wait_beyond(self, position: int, deadline: timedelta) -> bool:
        """Return True as soon as the head is beyond the position, False after the deadline."""
        until = asyncio.get_running_loop().time() + deadline.total_seconds()
        while self._position <= position:
            left = until - asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(left):  # unlike wait_for, which may lose a cancellation
                    await self._rung.wait()
            except TimeoutError:
                return False
        return True
