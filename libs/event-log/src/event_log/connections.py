"""Connections to a log's schema whose every wait ends; a connection that ran out of time is terminated, never reused.

asyncpg alone waits for ever on a frozen server, in its pool and in its time-outs. Sessions reach rows by index only:
a log has no query for which another plan is right, and a wrong one would read it whole.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from event_log.errors import LogUnavailable
from event_log.turns import CallerName, Turns, nobody

if TYPE_CHECKING:
    _Connection = asyncpg.Connection[asyncpg.Record]
else:
    _Connection = asyncpg.Connection  # is not generic when it runs

Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
PooledSession: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

CONNECT_DEADLINE = timedelta(seconds=5)
STATEMENT_DEADLINE = timedelta(seconds=5)
"""No transaction of a reader lasts longer, lest it hold back the cleaning of everybody's tables."""
_RELEASE_SECONDS = 1.0
_PLANS = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_bitmapscan", "jit")

LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
)
"""What asyncpg raises when the server or the line to it went away, or cannot take us now."""
TROUBLE = (*LOST, asyncpg.PostgresError, TimeoutError)
"""Whatever can go wrong with a statement."""


class CopySession(_Connection):
    """A session that sends a COPY with more statements behind it, as its text stands."""

    async def copy_in(self, statement: str, rows: bytes) -> None:
        """Run the text of a simple query whose first statement takes the rows; one round trip, one transaction.

        The driver's public method makes the text itself, anew each time, and knows of no further statement.
        """
        await self._protocol.copy_in(statement, None, rows, None, None, None)  # type: ignore[attr-defined]  # its types lack it


class Connections:
    """Opens sessions on one schema, singly for a writer and from a small pool for readers."""

    def __init__(self, dsn: str, schema: str, *, readers: int = 4, caller: CallerName = nobody) -> None:
        """Remember where; nothing is opened yet. `readers` bounds the pool, `caller` says who waits for it."""
        self.dsn = dsn
        self.schema = schema
        self._readers = readers
        self._turns = Turns(readers, caller)
        self.packed_turns = Turns(readers, caller)
        """Turns of those who read pages in columns, by sessions of their own."""
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def connect(self, deadline: timedelta = CONNECT_DEADLINE) -> CopySession:
        """Open a session of one's own; raise one of TROUBLE."""
        async with asyncio.timeout(deadline.total_seconds()):
            return await asyncpg.connect(
                self.dsn,
                timeout=deadline.total_seconds(),
                server_settings=session_settings(self.schema),
                connection_class=CopySession,
            )

    @asynccontextmanager
    async def read(self, deadline: timedelta = STATEMENT_DEADLINE) -> AsyncIterator[PooledSession]:
        """Lend a session for at most the deadline, the wait for it included; raise LogUnavailable for any trouble."""
        try:
            async with asyncio.timeout(deadline.total_seconds()), self._turns.taken(), self._lent() as session:
                yield session
        except TROUBLE as trouble:
            raise LogUnavailable("the log's store did not answer") from trouble

    async def close(self) -> None:
        """Close the pool; sessions that do not close in time are terminated."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                async with asyncio.timeout(_RELEASE_SECONDS):
                    await pool.close()
            except TROUBLE:
                pool.terminate()

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[PooledSession]:
        pool = await self._opened()
        session = await pool.acquire()
        try:
            yield session
        except BaseException as error:
            if isinstance(error, (asyncio.CancelledError, *LOST)):
                with suppress(asyncpg.InterfaceError):
                    session.terminate()
            raise
        finally:
            with suppress(*TROUBLE):
                await pool.release(session, timeout=_RELEASE_SECONDS)

    async def _opened(self) -> "asyncpg.Pool[asyncpg.Record]":
        if self._pool is None:
            self._pool = asyncpg.create_pool(
                self.dsn,
                min_size=0,
                max_size=self._readers,
                timeout=CONNECT_DEADLINE.total_seconds(),
                reset=_keep,
                server_settings=session_settings(self.schema)
                | {"statement_timeout": str(int(STATEMENT_DEADLINE.total_seconds() * 1000))},
            )
            await self._pool
        return self._pool


def session_settings(schema: str) -> dict[str, str]:
    """Return the parameters that every session of a log starts with."""
    return {
        "search_path": f'"{schema}"',
        "application_name": f"event_log {schema}",
        "plan_cache_mode": "force_generic_plan",
        **dict.fromkeys(_PLANS, "off"),
    }


async def _keep(_session: object) -> None:
    """Leave a session as it is when it comes back: nothing here sets session state."""
