"""Which of several routing processes decides: the holder of a lease, until it dies, is silent, or gives it up.

The lease keeps two leaders from being in each other's way. What makes a second one harmless are the fences of the
tenants' shards: whoever took the lease raises them, and an old leader's appends are refused from then on.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from event_log.connections import TROUBLE, Connections, Session
from event_log.errors import LogUnavailable
from event_log.lease import renew_lease, take_lease

TABLE: Final = "leader"
TRY_FOR: Final = timedelta(seconds=5)
PAUSE_SECONDS: Final = 0.1


class Leadership:
    """The lease of the one process that decides."""

    def __init__(self, connections: Connections, lease: timedelta) -> None:
        """Remember where; `lease` is the silence after which a holder is taken for frozen."""
        self._connections = connections
        self._lease = lease
        self.pid = 0
        """The server's process that holds the lease for this one, by its last term; 0 before the first."""

    @asynccontextmanager
    async def term(self) -> AsyncIterator[asyncio.Event]:
        """Wait until this process leads, however long it takes; the event given is set when it leads no more."""
        session = await self._elected()
        lost = asyncio.Event()
        renewing = asyncio.create_task(self._renew(session, lost), name="renewing the lease of the leader")
        try:
            yield lost
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            session.terminate()

    async def _elected(self) -> Session:
        while True:
            session = None
            try:
                session = await self._connections.connect()
                await take_lease(session, TRY_FOR, self._lease, table=TABLE)
            except (*TROUBLE, LogUnavailable):
                if session is not None:
                    session.terminate()
                await asyncio.sleep(PAUSE_SECONDS)
            except BaseException:
                if session is not None:
                    session.terminate()
                raise
            else:
                self.pid = session.get_server_pid()
                return session

    async def _renew(self, session: Session, lost: asyncio.Event) -> None:
        """Renew four times in a lease, each time with as long as is left of it."""
        seconds = self._lease.total_seconds() / 4
        try:
            while True:
                await asyncio.sleep(seconds)
                async with asyncio.timeout(3 * seconds):
                    await renew_lease(session, table=TABLE)
        except TROUBLE:
            lost.set()
