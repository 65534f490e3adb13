"""The lease of the one active appender: a session lock, renewed in a row, so that a dead or frozen holder is replaced.

It keeps two appenders from wasting each other's work. It is not what makes the log right: positions' primary key is.
"""

import asyncio
from datetime import timedelta

from event_log.connections import Session
from event_log.errors import LogUnavailable

LEASE = timedelta(seconds=5)
"""A holder silent for this long is taken for frozen, and its session is ended."""
PAUSE_SECONDS = 0.05

_LOCK = "hashtextextended(current_schema() || ' appender', 0)"
_TRY = f"select pg_try_advisory_lock({_LOCK})"
_TELL = """
    insert into appender (pid, renewed_time) values (pg_backend_pid(), clock_timestamp())
    on conflict (only_row) do update set pid = excluded.pid, renewed_time = excluded.renewed_time
"""
_END_FROZEN = """
    select pg_terminate_backend(a.pid) from appender a
    where a.renewed_time < clock_timestamp() - $1::interval
        and exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory' and l.granted)
"""


async def take_lease(session: Session, within: timedelta, lease: timedelta = LEASE) -> None:
    """Hold the lease by this session until it ends; raise LogUnavailable if another one holds it all the while."""
    async with asyncio.timeout(within.total_seconds()) as limit:
        while not await session.fetchval(_TRY):
            await session.execute(_END_FROZEN, lease)
            if limit.when() is not None and asyncio.get_running_loop().time() + PAUSE_SECONDS > (limit.when() or 0):
                raise LogUnavailable("another appender is active")
            await asyncio.sleep(PAUSE_SECONDS)
        await session.execute(_TELL)


async def renew_lease(session: Session) -> None:
    """Say that the holder lives."""
    await session.execute(_TELL)
