"""A pool of Postgres connections whose every wait ends, and the migrations runner.

asyncpg's own pool waits for ever on a frozen server: its time-out asks the server to cancel and then waits for the
answer. Here the time belongs to whoever acquires, and a connection that ran out of it is *terminated*, never reused.
Connections are not reset between users (a round trip each): ``SET LOCAL`` and transactions only, no session state.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any, TypeAlias, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from service_host import call
from service_host.errors import DeadlineExceeded, Unavailable
from service_host.migrations import ChangedMigration, migrate

__all__ = ["ChangedMigration", "Connection", "Database", "connect", "connection_lost", "migrate"]

_Answer = TypeVar("_Answer")
Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"  # in quotes: generic for type checkers only
LONGEST_SECONDS = 30.0
RETRY_AFTER = timedelta(seconds=1)
_RELEASE_SECONDS = 1.0
_CONNECT_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0


class Database:
    """A pool that survives a dead, restarted or frozen server."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        self._pool = pool

    @asynccontextmanager
    async def acquire(self, seconds: float | None = None) -> AsyncIterator[Connection]:
        """A connection for at most ``seconds`` (default: what the running call has left, half a minute at most).

        The time covers the wait for a free connection and everything done with it. Raises DeadlineExceeded when it
        is over (whether a statement took effect is then unknown) and Unavailable when the server is lost.
        """
        allowed = min(call.seconds_left(), LONGEST_SECONDS) if seconds is None else seconds
        until = time.monotonic() + allowed
        connection = await self._take(allowed)
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                yield connection
        except BaseException as error:
            if _unusable(error):
                _terminate(connection)
            raise _told(error) from error
        finally:
            await self._give_back(connection)

    async def run(self, work: Callable[[Connection], Awaitable[_Answer]], seconds: float | None = None) -> _Answer:
        """``await work(connection)`` in one transaction within ``seconds``; errors as in :meth:`acquire`."""
        async with self.acquire(seconds) as connection, connection.transaction():
            return await work(connection)

    async def fetch(self, query: str, *args: object) -> list[asyncpg.Record]:
        """The rows of one statement."""
        async with self.acquire() as connection:
            return await connection.fetch(query, *args)

    async def fetchrow(self, query: str, *args: object) -> asyncpg.Record | None:
        """The first row of one statement, or nothing."""
        async with self.acquire() as connection:
            return await connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object) -> Any:  # a column's own type
        """The first column of the first row, or nothing."""
        async with self.acquire() as connection:
            return await connection.fetchval(query, *args)

    async def execute(self, query: str, *args: object) -> str:
        """Run one statement; answers its command tag."""
        async with self.acquire() as connection:
            return await connection.execute(query, *args)

    async def ready(self) -> bool:
        """Whether the server answers within a second; for readiness checks."""
        try:
            async with self.acquire(1.0) as connection:
                await connection.execute("select 1")
        except (Unavailable, DeadlineExceeded):
            return False
        return True

    async def close(self, seconds: float = 5.0) -> None:
        """Close every connection; those still in use after ``seconds`` are terminated."""
        try:
            async with asyncio.timeout(seconds):
                await self._pool.close()
        except (TimeoutError, OSError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            self._pool.terminate()

    async def _take(self, seconds: float) -> Connection:
        try:
            return await self._pool.acquire(timeout=max(seconds, 0.001))
        except TimeoutError as error:
            sentence = "No connection to the database came free in time."
            raise Unavailable("DATABASE_BUSY", sentence, retry_after=RETRY_AFTER) from error
        except Exception as error:
            raise _told(error) from error

    async def _give_back(self, connection: Connection) -> None:
        with suppress(
            TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError
        ):
            await self._pool.release(connection, timeout=_RELEASE_SECONDS)


@asynccontextmanager
async def connect(
    dsn: str,
    *,
    minimum: int = 1,
    maximum: int = 8,
    within: timedelta = timedelta(seconds=30),
    statement_cache_size: int = 256,
    application_name: str = "holdfast",
) -> AsyncIterator[Database]:
    """A Database for as long as the context lasts; waits ``within`` for a server that is still starting.

    Raises Unavailable when none answered in that time. Behind a transaction pooler ``statement_cache_size`` must be 0.
    """
    pool = await _retried(
        lambda: asyncpg.create_pool(
            dsn,
            min_size=minimum,
            max_size=maximum,
            timeout=_CONNECT_SECONDS,
            statement_cache_size=statement_cache_size,
            reset=_keep,
            server_settings={"application_name": application_name},
        ),
        within,
    )
    database = Database(pool)
    try:
        yield database
    finally:
        await database.close()


def connection_lost(error: BaseException) -> bool:
    """Whether the server, or the line to it, went away (then the outcome of what ran is unknown)."""
    if isinstance(error, (asyncpg.DataError, asyncpg.UnsupportedClientFeatureError)):
        return False
    return isinstance(error, _LOST)


_LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)


async def _keep(_connection: object) -> None:
    """Leave a connection as it is when it comes back to the pool."""


async def _retried(open_pool: Callable[[], Awaitable[Any]], within: timedelta) -> asyncpg.Pool[asyncpg.Record]:
    until = time.monotonic() + within.total_seconds()
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            return await open_pool()  # type: ignore[no-any-return]
        except Exception as error:
            if not (connection_lost(error) or isinstance(error, TimeoutError)):
                raise
            if time.monotonic() + pause > until:
                sentence = "The database did not answer in time."
                raise Unavailable("DATABASE_UNAVAILABLE", sentence, retry_after=RETRY_AFTER) from error
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _unusable(error: BaseException) -> bool:
    return isinstance(error, (TimeoutError, asyncio.CancelledError)) or connection_lost(error)


def _terminate(connection: Connection) -> None:
    with suppress(asyncpg.InterfaceError):
        connection.terminate()


def _told(error: BaseException) -> BaseException:
    """What an acquirer is told: time and connection errors as ours, everything else as it is."""
    if isinstance(error, TimeoutError):
        return DeadlineExceeded("DATABASE_SLOW", "The database did not answer in time.")
    if connection_lost(error):
        return Unavailable("DATABASE_UNAVAILABLE", "The database is away.", retry_after=RETRY_AFTER)
    return error
