"""What an operator does to a log by its owner's rights: name its roles, raise its incarnation."""

import re
from typing import TypeAlias

from event_log.connections import PooledSession, Session

AnySession: TypeAlias = "Session | PooledSession"

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_READ_TABLES = ("log", "incarnation", "events", "log_flush", "streams")
_APPEND_FUNCTIONS = (
    "function {schema}.head_position()",
    "function {schema}.ensure_partitions(bigint)",
    "function {schema}.acquire_fence(text, text)",
    "procedure {schema}.hold_fences(text[], text[], bigint[])",
)


async def grant_appending(session: AnySession, schema: str, role: str) -> None:
    """Let a role append: insert events and their flushes, hold the lease. It can change and delete nothing."""
    await grant_reading(session, schema, role)
    schema, role = _quoted(schema), _quoted(role)
    await session.execute(f"grant insert on {schema}.events, {schema}.log_flush, {schema}.streams to {role}")
    await session.execute(f"grant select on {schema}.fences to {role}")
    await session.execute(f"grant select, insert, update on {schema}.appender to {role}")
    for function in _APPEND_FUNCTIONS:
        await session.execute(f"grant execute on {function.format(schema=schema)} to {role}")


async def grant_reading(session: AnySession, schema: str, role: str) -> None:
    """Let a role read every tenant's events."""
    schema, role = _quoted(schema), _quoted(role)
    await session.execute(f"grant usage on schema {schema} to {role}")
    for table in _READ_TABLES:
        await session.execute(f"grant select on {schema}.{table} to {role}")


async def raise_incarnation(session: AnySession, schema: str, reason: str) -> int:
    """Tell every reader that the log may have lost something, as after a restore; return the new incarnation."""
    number = await session.fetchval(f"select {_quoted(schema)}.raise_incarnation($1)", reason)
    return int(number)


def _quoted(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"a schema's or role's name is lower-case letters, digits and underscores, not {name!r}")
    return f'"{name}"'


async def grant_relaying(session: AnySession, schema: str, role: str) -> None:
    """Let a role relay the log: read it, and keep checkpoints of relays."""
    await grant_reading(session, schema, role)
    await session.execute(f"grant select, insert, update, delete on {_quoted(schema)}.relay to {_quoted(role)}")
