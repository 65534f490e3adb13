"""Bringing the database to the form this version needs: tables of the log and ours, and the role.

Run by whoever owns the schema (`python -m ivr_routing migrate`), never by a process that serves.
"""

from typing import TYPE_CHECKING, Final

import asyncpg

from event_log.operating import grant_appending
from ivr_routing.settings import Settings
from service_host.grants import granting_to
from service_host.postgres import migrate

if TYPE_CHECKING:
    Session = asyncpg.Connection[asyncpg.Record]

PATIENCE_SECONDS: Final = 60
_GRANTS: Final = ("grant select, insert, update, delete on leader, snapshot, feed_cursor, told_cursor to {role}",)


async def bring_up_to_date(settings: Settings) -> None:
    """Apply what is missing."""
    session = await asyncpg.connect(settings.database_url, timeout=PATIENCE_SECONDS)
    try:
        await migrate(session, package="event_log.migrations", schema=settings.db_schema)
        await migrate(session, package="ivr_routing.migrations", schema=settings.db_schema)
        await _grant(session, settings)
    finally:
        await session.close()


async def _grant(session: "Session", settings: Settings) -> None:
    role = settings.role
    async with granting_to(session, role):
        await grant_appending(session, settings.db_schema, role)
        await session.execute(f'set local search_path = "{settings.db_schema}"')
        for statement in _GRANTS:
            await session.execute(statement.format(role=role))
