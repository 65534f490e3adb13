"""Roles that read the schema bi: each sees one tenant, reads only, briefly, over few connections.

A role can lengthen its own statement time-out, and hold advisory locks, so `end_overlong` ends what lasts too long all
the same; whoever keeps the facts calls it now and then.
"""

import re
import secrets
from datetime import timedelta
from typing import Final

from metrics.connection import Connection
from metrics.fact.bi_view import READERS
from service_host.grants import granting

STATEMENT_SECONDS: Final = 60
CONNECTIONS: Final = 4
KEY_BYTES: Final = 32
_ROLE: Final = re.compile(r"[a-z][a-z0-9_]{2,50}")


class NotAReadersName(ValueError):
    """No reader can be called so; the text says what can be done."""


async def create_reader(connection: Connection, role: str, tenant: str, password: str) -> None:
    """Make a login role that reads one tenant's facts; a reader that is there gets the password and tenant anew.

    Raises NotAReadersName, also for a role that is there for something else: it would lose what it may do.
    """
    if not _ROLE.fullmatch(role):
        raise NotAReadersName("A reader's name has 3 to 51 lower-case letters, digits and underscores.")
    async with granting(connection):
        is_reader = await connection.fetchval(_IS_READER, role, READERS)
        if is_reader is None:
            await connection.execute(f'create role "{role}" login')
        elif not is_reader:
            raise NotAReadersName(f"The role {role} is there for something else: choose another name.")
        secret = await connection.fetchval("select quote_literal($1)", password)
        await connection.execute(
            f'alter role "{role}" login nosuperuser nocreatedb nocreaterole noreplication nobypassrls'
            f" connection limit {CONNECTIONS} password {secret}"
        )
        for setting in _SETTINGS:
            await connection.execute(f'alter role "{role}" set {setting}')
        await connection.execute(f'grant {READERS} to "{role}"')
        if keeper := await connection.fetchval(_KEEPER):
            await connection.execute(f'grant "{role}" to {keeper}')
        await _close_other_doors(connection)
        await connection.execute(
            "insert into bi_private.reader values ($1, $2)"
            " on conflict (role_name) do update set tenant = excluded.tenant",
            role,
            tenant,
        )
        await connection.execute(
            "insert into bi_private.pseudonym_key values ($1, $2) on conflict do nothing",
            tenant,
            secrets.token_bytes(KEY_BYTES),
        )


_IS_READER: Final = """
    select exists (
        select from pg_auth_members where member = known.oid and roleid = (select oid from pg_roles where rolname = $2)
    ) from pg_roles known where rolname = $1
"""
"""Whether a role is a reader's; no row if there is none."""

_SETTINGS: Final = (
    "default_transaction_read_only = on",
    f"statement_timeout = '{STATEMENT_SECONDS}s'",
    "idle_in_transaction_session_timeout = '60s'",
    "lock_timeout = '5s'",
    "search_path = bi",
    "work_mem = '16MB'",
    "temp_file_limit = '1GB'",
)


_KEEPER: Final = """
    select quote_ident(pg_get_userbyid(relowner)) from pg_class
    where oid = to_regclass('bi.queue_half_hour_v1') and pg_get_userbyid(relowner) <> current_user
"""
"""Who keeps the facts, if that is not us: as a member of a reader's role it may end that reader's sessions."""


async def _close_other_doors(connection: Connection) -> None:
    """Take from everybody what Postgres gives everybody and a reader could do harm with."""
    database = await connection.fetchval("select quote_ident(current_database())")
    await connection.execute(f"revoke temporary, create on database {database} from public")
    await connection.execute("revoke all on schema public from public")
    rows = await connection.fetch(
        "select oid::regprocedure::text as name from pg_proc where pronamespace = 'pg_catalog'::regnamespace"
        " and proname like 'lo\\_%'"
    )
    for row in rows:
        await connection.execute(f"revoke execute on function {row['name']} from public")


async def end_overlong(connection: Connection, longest: timedelta = timedelta(seconds=STATEMENT_SECONDS)) -> int:
    """End the sessions of readers whose statement or transaction lasts too long; return how many."""
    rows = await connection.fetch(
        "select pg_terminate_backend(pid) from pg_stat_activity join bi_private.reader on role_name = usename"
        " where datname = current_database() and now() - xact_start > $1",
        longest,
    )
    return len(rows)
