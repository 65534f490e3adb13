"""An appender's second session: the lease, loading, partitions, and ringing readers in other processes.

What it does never waits for a flush, and no flush waits for it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from event_log.appending import LogHead, load_fences, load_streams, read_log_head
from event_log.calls import FenceId
from event_log.connections import TROUBLE, Connections, Session
from event_log.lease import renew_lease, take_lease
from event_log.verdicts import StreamId, StreamState


class Side:
    """Opens its session when first needed, with the lease, and again after trouble."""

    def __init__(self, connections: Connections, lease: timedelta | None, within: timedelta) -> None:
        """Remember the lease (None: go without) and the time that each statement may take."""
        self._connections = connections
        self._lease = lease
        self._within = within
        self._session: Session | None = None
        self._lock = asyncio.Lock()

    async def head(self) -> LogHead:
        """Read where the log stands, holding the lease."""
        async with self._use() as session:
            return await read_log_head(session)

    async def extend(self, until_position: int) -> None:
        """Make the partitions up to a position."""
        async with self._use() as session:
            await session.execute("select ensure_partitions($1)", until_position)

    async def load(
        self,
        streams: Sequence[StreamId],
        fences: Sequence[FenceId],
    ) -> tuple[dict[StreamId, StreamState], dict[FenceId, int]]:
        """Read what is known of streams and fences."""
        async with self._use() as session:
            states = await load_streams(session, streams) if streams else {}
            return states, await load_fences(session, fences) if fences else {}

    async def renew(self) -> None:
        """Say that the holder of the lease lives."""
        if self._lease is not None:
            async with self._use() as session:
                await renew_lease(session)

    @property
    def pid(self) -> int:
        """The server's process of the session that holds the lease; 0 while there is none."""
        return 0 if self._session is None or self._session.is_closed() else self._session.get_server_pid()

    async def ring(self, position: int) -> None:
        """Tell readers in other processes that the head is at a position."""
        async with self._use() as session:
            await session.execute("select pg_notify($1, $2)", channel(self._connections.schema), str(position))

    async def close(self) -> None:
        """End the session, and with it the lease."""
        session, self._session = self._session, None
        if session is not None:
            try:
                async with asyncio.timeout(1):
                    await session.close()
            except TROUBLE:
                session.terminate()

    @asynccontextmanager
    async def _use(self) -> AsyncIterator[Session]:
        """Lend the session for one statement or two; any trouble ends it, and is raised."""
        async with self._lock:
            session = await self._opened()
            try:
                async with asyncio.timeout(self._within.total_seconds()):
                    yield session
            except BaseException:
                self._session = None
                session.terminate()
                raise

    async def _opened(self) -> Session:
        if self._session is None or self._session.is_closed():
            session = await self._connections.connect()
            try:
                await session.execute("set synchronous_commit = off")  # nothing it writes needs to outlive a crash
                if self._lease is not None:
                    await take_lease(session, self._within, self._lease)
            except BaseException:
                session.terminate()
                raise
            self._session = session
        return self._session


def channel(schema: str) -> str:
    """Return the name under which a log's readers are rung."""
    return f"event_log_{schema}"[:63]
