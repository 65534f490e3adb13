"""Hearing of erasures by other processes: a Postgres session that listens, and says when it cannot.

A notification carries nothing: whoever hears it forgets every caller. It arrives when the erasure commits.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import asyncpg

CHANNEL: Final = "call_events_customer_erased"
BEAT_SECONDS: Final = 2.0
PATIENCE_SECONDS: Final = 5.0
TROUBLE: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Whatever can end a session; the next one is better."""


class Forgetting:
    """Listens for erasures for as long as `run` runs.

    `hear` is called with True when listening begins, with False when it may have ended, and with True again at each
    erasure; either way whatever is remembered must be forgotten.
    """

    def __init__(self, dsn: str, hear: Callable[[bool], None]) -> None:
        self._dsn = dsn
        self._hear = hear

    async def run(self) -> None:
        """Listen until cancelled; come back whenever the server does."""
        while True:
            try:
                await self._listen()
            except TROUBLE:
                self._hear(False)  # noqa: FBT003  # what is heard is yes or no
            await asyncio.sleep(BEAT_SECONDS / 4)

    async def _listen(self) -> None:
        """Listen on one session until it fails; a beat finds out about a line that is only half open."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            session = await asyncpg.connect(self._dsn, timeout=PATIENCE_SECONDS)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await session.add_listener(CHANNEL, self._told)
            self._hear(True)  # noqa: FBT003  # what is heard is yes or no
            while True:
                await asyncio.sleep(BEAT_SECONDS)
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await session.execute("select 1")
        finally:
            with suppress(asyncpg.InterfaceError):
                session.terminate()

    def _told(self, *_: object) -> None:
        self._hear(True)  # noqa: FBT003  # what is heard is yes or no
