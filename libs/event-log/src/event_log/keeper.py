"""What goes on beside an appender's flushes: renewing its lease, ringing readers in other processes."""

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta

from event_log.connections import TROUBLE
from event_log.errors import LogUnavailable
from event_log.side import Side

logger = logging.getLogger(__name__)

RING_PAUSE_SECONDS = 0.05
"""Readers elsewhere are rung at most every so often; what is written between is one ring."""
LAST_RING_SECONDS = 1.0


class Keeper:
    """Renews and rings by an appender's side session; whatever fails is done again at its next turn."""

    def __init__(self, side: Side, lease: timedelta | None) -> None:
        """Remember the session, and how long the lease lasts (None: there is none)."""
        self._side = side
        self._lease = lease
        self._position = 0
        self._to_ring = asyncio.Event()

    def ring(self, position: int) -> None:
        """Have readers in other processes told that the head is at a position."""
        self._position = position
        self._to_ring.set()

    async def renew_for_ever(self) -> None:
        """Renew the lease, thrice in its time."""
        while self._lease is not None:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            await _unless_trouble(self._side.renew())

    async def ring_for_ever(self) -> None:
        """Ring whenever the head has moved, but not without a pause."""
        while True:
            await self._to_ring.wait()
            self._to_ring.clear()
            await _unless_trouble(self._side.ring(self._position))
            await asyncio.sleep(RING_PAUSE_SECONDS)

    async def ring_last(self) -> None:
        """Ring for what was written since the last ring, if the session lives: nobody else will for a while."""
        if self._to_ring.is_set() and self._side.pid:
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_RING_SECONDS):
                    await _unless_trouble(self._side.ring(self._position))


async def _unless_trouble(doing: Coroutine[object, object, None]) -> None:
    try:
        await doing
    except (*TROUBLE, LogUnavailable) as trouble:
        logger.info("the appender's side session is in trouble: %s", type(trouble).__name__)
