"""The role that metrics serves as: it owns the facts and their views, and reaches nothing of another service.

Made and granted by the database's owner (``python -m metrics migrate``); sessions that serve take it on. Who read what
about whom it can only add to, and what was migrated it cannot change.
"""

from typing import Final

from metrics.connection import Connection
from service_host.grants import granting_to

_GRANTS: Final = (
    "grant create on database {database} to {role}",  # each generation of facts is a schema of its own
    "grant temporary on database {database} to {role}",  # where a reader was made nobody has it unasked
    "grant usage, create on schema metrics to {role}",
    "grant usage, create on schema bi to {role} with grant option",
    "grant usage on schema bi_private to {role}",
    "grant select on all tables in schema bi_private to {role}",
    "grant select, insert, update, delete on all tables in schema metrics to {role}",
    "revoke insert, update, delete on metrics.applied_migration from {role}",
    "revoke update, delete on metrics.people_read from {role}",
)
_OWNED: Final = """
    select format('alter schema %I owner to {role}', schema_name) from metrics.generation
    union all
    select format('alter table %I.%I owner to {role}', relnamespace::regnamespace, relname) from pg_class
    where relkind = 'r' and relnamespace::regnamespace::text in (select schema_name from metrics.generation)
        or relkind = 'v' and relnamespace::regnamespace::text in ('metrics', 'bi')
"""
_READERS: Final = "select format('grant %I to {role}', role_name) from bi_private.reader"
"""A member of a reader's role may end its sessions."""


async def grant_serving(connection: Connection, role: str) -> None:
    """Make the role if it is not there, and give it what serving needs; `role` is a checked identifier."""
    async with granting_to(connection, role):
        database = await connection.fetchval("select quote_ident(current_database())")
        for grant in _GRANTS:
            await connection.execute(grant.format(role=role, database=database))
        for found in (_OWNED, _READERS):
            for row in await connection.fetch(found.format(role=role)):
                await connection.execute(row[0])
