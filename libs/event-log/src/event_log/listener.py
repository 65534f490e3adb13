"""Hears appenders in other processes, by Postgres' NOTIFY, and rings the doorbell for them."""

import asyncio
import logging

from event_log.connections import TROUBLE, Connections
from event_log.doorbell import Doorbell
from event_log.reading import read_head
from event_log.side import channel

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


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
                self._doorbell.ring((await read_head(session)).position)  # for what was written before it listened
            await ended.wait()
        finally:
            session.terminate()

    def _heard(self, _session: object, _pid: int, _channel: str, payload: object) -> None:
        self._doorbell.ring(int(str(payload)))
