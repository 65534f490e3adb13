"""Granting, one process at a time: Postgres refuses two grants on one object at once ("tuple concurrently updated")."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service_host.migrations import AnyConnection

_LOCK = "select pg_advisory_xact_lock(hashtextextended('grants', 0))"
_MEMBER = "select pg_has_role(current_user, $1, 'member')"


@asynccontextmanager
async def granting(connection: AnyConnection) -> AsyncIterator[None]:
    """A transaction that grants or revokes while nobody else in this database does."""
    async with connection.transaction():
        await connection.execute(_LOCK)
        yield


@asynccontextmanager
async def granting_to(connection: AnyConnection, role: str) -> AsyncIterator[None]:
    """The same for a role that serves: made if it is not there, and ours to take on; `role` is a checked identifier."""
    async with granting(connection):
        await connection.execute(
            f"do $$ begin create role {role} nologin; exception when duplicate_object or unique_violation then null;"
            " end $$"
        )
        if not await connection.fetchval(_MEMBER, role):
            await connection.execute(f"grant {role} to current_user")
        yield
