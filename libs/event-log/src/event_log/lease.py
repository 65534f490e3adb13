"""The lease of the one active appender: a session lock, renewed in a row, so that a dead or frozen holder is replaced.

It keeps two appenders from wasting each other's work. It is not what makes the log right: positions' primary key is.
Services that have one active process of several use it too, under a table of their own of the same form.
"""

import asyncio
from datetime import timedelta

from event_log.connections import PooledSession, Session
from event_log.errors import LogUnavailable

LEASE = timedelta(seconds=5)
"""A holder silent for this long is taken for frozen, and its session is ended."""
PAUSE_SECONDS = 0.05

APPENDER = "appender"
_TRY = "select pg_try_advisory_lock(hashtextextended(current_schema() || ' ' || $1, 0))"
_TELL = """
    insert into {table} (pid, renewed_time) values (pg_backend_pid(), clock_timestamp())
    on conflict (only_row) do update set pid = excluded.pid, renewed_time = excluded.renewed_time
"""
_FROZEN = """
    select a.pid from {table} a
    where a.renewed_time < clock_timestamp() - $1::interval
        and exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory' and l.granted)
"""

_HELD_ELSEWHERE = """
    select exists (
        select from {table} a join pg_locks l on l.pid = a.pid and l.locktype = 'advisory' and l.granted
        where a.pid <> $1 and a.renewed_time > clock_timestamp() - $2::interval)
"""


async def take_lease(session: Session, within: timedelta, lease: timedelta = LEASE, *, table: str = APPENDER) -> None:
    """Hold the lease by this session until it ends; raise LogUnavailable if another one holds it all the while."""
    async with asyncio.timeout(within.total_seconds()) as limit:
        while not await session.fetchval(_TRY, table):
            await _end_frozen(session, table, lease)
            if limit.when() is not None and asyncio.get_running_loop().time() + PAUSE_SECONDS > (limit.when() or 0):
                raise LogUnavailable("another appender is active")
            await asyncio.sleep(PAUSE_SECONDS)
        await session.execute(_TELL.format(table=table))


async def renew_lease(session: Session, *, table: str = APPENDER) -> None:
    """Say that the holder lives."""
    await session.execute(_TELL.format(table=table))


async def _end_frozen(session: Session, table: str, lease: timedelta) -> None:
    """End the session of a holder that has been silent; as the user who logged in, for only that one may."""
    pid = await session.fetchval(_FROZEN.format(table=table), lease)
    if pid is None:
        return
    role = await session.fetchval("select current_setting('role')")
    await session.execute("set role none")
    try:
        await session.execute("select pg_terminate_backend($1)", pid)
    finally:
        await session.execute("select set_config('role', $1, false)", role)


async def held_elsewhere(
    session: "Session | PooledSession", own_pid: int, lease: timedelta = LEASE, *, table: str = APPENDER
) -> bool:
    """Whether a session other than `own_pid`'s (0: none of ours) holds the lease, and was heard of in its time."""
    return bool(await session.fetchval(_HELD_ELSEWHERE.format(table=table), own_pid, lease))
