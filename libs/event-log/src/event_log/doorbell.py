"""A doorbell for those who follow a log: rung with each new head, by the appender here or by one in another process."""

import asyncio
import logging
from datetime import timedelta

from event_log.connections import TROUBLE, Connections
from event_log.side import channel

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


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
                await asyncio.wait_for(self._rung.wait(), left)
            except TimeoutError:
                return False
        return True


class Listener:
    """Rings a doorbell for appenders in other processes, by NOTIFY, from its first need until closed.

    A ring that gets lost is made good by the reader's next heartbeat.
    """

    def __init__(self, connections: Connections, doorbell: Doorbell) -> None:
        """Open nothing yet."""
        self._connections = connections
        self._doorbell = doorbell
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Listen from now on; harmless if it does already."""
        if self._task is None:
            self._task = asyncio.create_task(self._listen_for_ever(), name="event_log listener")

    async def close(self) -> None:
        """Stop listening."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen()
            except TROUBLE as trouble:
                logger.info("listening for appends: %s", type(trouble).__name__)
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        """Listen until the session ends."""
        session = await self._connections.connect()
        ended = asyncio.Event()
        session.add_termination_listener(lambda _session: ended.set())
        try:
            async with asyncio.timeout(RETRY_SECONDS):
                await session.add_listener(channel(self._connections.schema), self._heard)
            await ended.wait()
        finally:
            session.terminate()

    def _heard(self, _session: object, _pid: int, _channel: str, payload: object) -> None:
        self._doorbell.ring(int(str(payload)))
