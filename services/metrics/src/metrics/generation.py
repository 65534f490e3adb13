"""Generations: schemas that each hold a whole set of fact tables, and the views that show the live one."""

import asyncio
import hashlib
import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final, TypeAlias

from metrics.fact import ddl
from metrics.fact.payload_kinds import MESSAGES

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    from service_host.postgres import Database

    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]

FIRST_STATISTICS: Final = 10
"""Postgres samples 300 rows for each of it; a tenth of what it does by itself."""
_NAME: Final = re.compile(r"facts_[a-z0-9_]{1,40}")


class NotAGeneration(ValueError):
    """A generation is named facts_ and then lower-case letters, digits and underscores."""


async def create_generation(connection: "Connection", name: str, *, indexed: bool = True) -> None:
    """Make an empty generation; its schema is `name`. Raises NotAGeneration for another form of name.

    What is to be filled at once is indexed afterwards: see `finish_generation`.
    """
    _check(name)
    async with connection.transaction():
        await connection.execute(";\n".join(ddl.create_tables(name)))
        if indexed:
            await index_generation(connection, name)
        await connection.execute(
            "insert into metrics.generation (schema_name, declaration, folded_by) values ($1, $2, $3)",
            name,
            ddl.declaration_digest(),
            code_digest(),
        )


async def index_generation(connection: "Connection", name: str) -> None:
    """Make the indexes of a generation that are not there yet."""
    _check(name)
    await connection.execute(";\n".join(ddl.create_indexes(name)))


async def finish_generation(database: "Database", name: str, seconds: float) -> None:
    """Index what was filled at once, and have Postgres look at it, by two connections; nobody else looks for a minute.

    A small sample tells it how many rows there are and how many are alike; it looks closer by itself later.
    """
    _check(name)
    tables = iter(ddl.finish_tables(name))

    async def finish_some() -> None:
        async with database.acquire(seconds) as connection:
            for statements in tables:
                async with connection.transaction():
                    await connection.execute(f"set local default_statistics_target = {FIRST_STATISTICS}")
                    await connection.execute(";\n".join(statements))

    both = [asyncio.ensure_future(finish_some()) for _ in range(2)]
    try:
        await asyncio.gather(*both)
    finally:
        for one in both:
            one.cancel()
        await asyncio.gather(*both, return_exceptions=True)


@cache
def code_digest() -> str:
    """Return a digest of the code that folds: what another one began is not gone on with."""
    digest = hashlib.sha256()
    for package in ("contact_life", "metrics.fact"):
        for file in sorted(resources.files(package).iterdir(), key=lambda found: found.name):
            if file.name.endswith(".py"):
                digest.update(file.read_bytes())
    digest.update(repr(sorted(MESSAGES)).encode())  # an upgrade may bring types alone
    return digest.hexdigest()[:16]


async def next_name(connection: "Connection") -> str:
    """Return the name of a generation that does not exist yet."""
    names = await connection.fetch("select schema_name from metrics.generation")
    numbers = [int(found[1]) for row in names if (found := re.fullmatch(r"facts_(\d+)", row["schema_name"]))]
    return f"facts_{max(numbers, default=0) + 1}"


async def go_live(connection: "Connection", name: str) -> None:
    """Turn the views `metrics.<fact>` to a generation; readers see the old facts or the new ones, never a mixture."""
    _check(name)
    async with connection.transaction():
        await connection.execute(";\n".join(ddl.create_views(name)))
        await connection.execute(
            "insert into metrics.live_generation (schema_name) values ($1)"
            " on conflict (only_row) do update set schema_name = excluded.schema_name",
            name,
        )


async def live_generation(connection: "Connection") -> str | None:
    """Return the live generation's name, or None before the first."""
    name: str | None = await connection.fetchval("select schema_name from metrics.live_generation")
    return name


async def drop_generation(connection: "Connection", name: str) -> None:
    """Drop a generation that is not live, with all it holds."""
    _check(name)
    async with connection.transaction():
        await connection.execute("delete from metrics.generation where schema_name = $1", name)
        await connection.execute(f'drop schema if exists "{name}" cascade')


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise NotAGeneration(name)
