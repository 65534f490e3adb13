"""Bringing the database to the form this version needs: tables of the log and ours, the role, the key's mark.

Run by whoever owns the schema (`python -m call_events migrate`), never by a process that serves.
"""

from typing import TYPE_CHECKING, Any, Final

import asyncpg

from call_events.customer import master_key
from call_events.errors import WrongMasterKey
from call_events.settings import Settings
from event_log.operating import grant_appending, grant_relaying
from service_host.grants import granting_to
from service_host.postgres import migrate

if TYPE_CHECKING:
    Session = asyncpg.Connection[asyncpg.Record]

PATIENCE_SECONDS: Final = 60
_GRANTS: Final = (
    "grant select, insert on contact_alias to {role}",
    "grant select on master_key to {role}",
    "grant select, insert, update on erasure, index_cursor to {role}",
    "grant select, insert, update, delete on contact_index, source_progress to {role}",
    # Erasing a customer ends with the table's live rows in new files.
    "grant select, insert, delete, truncate on caller to {role}",
)


async def bring_up_to_date(settings: Settings) -> None:
    """Apply what is missing; make the master key if there is neither a file nor a database that knows one."""
    session = await asyncpg.connect(settings.database_url, timeout=PATIENCE_SECONDS)
    try:
        await migrate(session, package="event_log.migrations", schema=settings.db_schema)
        await migrate(session, package="event_log.relay_migrations", schema=settings.db_schema)
        await migrate(session, package="call_events.migrations", schema=settings.db_schema)
        await _grant(session, settings)
        await _mark(session, settings)
    finally:
        await session.close()


async def check_key(database: Any, key: master_key.MasterKey) -> None:
    """Raise WrongMasterKey if the database was made with another key."""
    known = await database.fetchval("select fingerprint from master_key")
    if known != key.fingerprint:
        raise WrongMasterKey("This master key is not the one that the database was made with.")


async def _grant(session: "Session", settings: Settings) -> None:
    role = settings.role
    async with granting_to(session, role):
        await grant_appending(session, settings.db_schema, role)
        await grant_relaying(session, settings.db_schema, role)
        await session.execute(f'set local search_path = "{settings.db_schema}"')
        for statement in _GRANTS:
            await session.execute(statement.format(role=role))
        database = await session.fetchval("select quote_ident(current_database())")
        await session.execute(f"grant temporary on database {database} to {role}")  # a sweep after an erasure needs it


async def _mark(session: "Session", settings: Settings) -> None:
    """Remember which master key belongs to this database; the first time there may be none yet."""
    table = f'"{settings.db_schema}".master_key'
    if await session.fetchval(f"select fingerprint from {table}") is None:  # noqa: S608  # checked name
        master_key.create(settings.master_key_file)
        fingerprint = master_key.read(settings.master_key_file).fingerprint
        await session.execute(f"insert into {table} (fingerprint) values ($1) on conflict do nothing", fingerprint)  # noqa: S608
    await session.execute(f'set search_path = "{settings.db_schema}"')
    await check_key(session, master_key.read(settings.master_key_file))
