"""Numbered SQL files, applied once each, in order, by one process at a time.

A package keeps ``0001_events.sql``, ``0002_….sql``, … in a folder of its own. Files name their tables without a schema:
``search_path`` is the schema asked for. Each file runs in a transaction of its own, so it may hold whatever Postgres
allows there. An applied file never changes again: what is already in databases is changed by the next file.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    AnyConnection: TypeAlias = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]

_FILE = re.compile(r"(?P<number>\d{4})_[a-z0-9_]+\.sql")
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class ChangedMigration(Exception):
    """An applied migration differs from its file, or the files are not numbered one by one."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file: its place in the order, its name, its text and the digest it is known by."""

    number: int
    name: str
    text: str
    sha256: str


async def migrate(connection: AnyConnection, *, package: str, schema: str) -> tuple[str, ...]:
    """Bring ``schema`` to the newest form of ``package``'s SQL files; answers the names applied now.

    Several packages may keep tables in one schema; each has numbers of its own.
    Several processes may ask at once: an advisory lock lets one work and the others wait (bound the wait by the
    time the connection was acquired for). Raises ChangedMigration when an applied file was changed or removed.
    """
    if not _SCHEMA.fullmatch(schema):
        sentence = "A schema's name is lower-case letters, digits and underscores."
        raise ValueError(sentence)
    migrations = read(package)
    await connection.execute("select pg_advisory_lock(hashtextextended($1, 0))", f"migrate {schema}")
    try:
        await _prepare(connection, schema)
        return await _apply_missing(connection, package, schema, migrations)
    finally:
        if not connection.is_closed():
            await connection.execute("select pg_advisory_unlock(hashtextextended($1, 0))", f"migrate {schema}")


def read(package: str) -> tuple[Migration, ...]:
    """The migrations of a package's folder in order; ChangedMigration if they are not numbered one by one."""
    files = [file for file in resources.files(package).iterdir() if file.name.endswith(".sql")]
    migrations = tuple(sorted((_migration(file.name, file.read_text("utf-8")) for file in files), key=_by_number))
    if [found.number for found in migrations] != list(range(1, len(migrations) + 1)):
        sentence = f"The SQL files of {package} must be numbered 0001_, 0002_, … without a gap."
        raise ChangedMigration(sentence)
    return migrations


def _by_number(migration: Migration) -> int:
    return migration.number


def _migration(name: str, text: str) -> Migration:
    found = _FILE.fullmatch(name)
    if found is None:
        sentence = f"{name} is not named like 0001_what_it_does.sql."
        raise ChangedMigration(sentence)
    return Migration(int(found["number"]), name, text, hashlib.sha256(text.encode()).hexdigest())


async def _prepare(connection: AnyConnection, schema: str) -> None:
    await connection.execute(f'create schema if not exists "{schema}"')
    await connection.execute(
        f'create table if not exists "{schema}".applied_migration (package text not null, number integer not null,'
        " name text not null, sha256 text not null, applied_time timestamptz not null default now(),"
        " primary key (package, number))"
    )


async def _apply_missing(
    connection: AnyConnection, package: str, schema: str, migrations: tuple[Migration, ...]
) -> tuple[str, ...]:
    query = f'select name, sha256 from "{schema}".applied_migration where package = $1 order by number'  # noqa: S608
    applied = await connection.fetch(query, package)
    _check_unchanged(applied, migrations)
    missing = migrations[len(applied) :]
    for migration in missing:
        await _apply(connection, package, schema, migration)
    return tuple(migration.name for migration in missing)


def _check_unchanged(applied: list[Any], migrations: tuple[Migration, ...]) -> None:
    if len(applied) > len(migrations):
        sentence = f"The database is newer than this program: it has {applied[len(migrations)]['name']}."
        raise ChangedMigration(sentence)
    for row, migration in zip(applied, migrations, strict=False):
        if row["sha256"] != migration.sha256:
            sentence = f"{migration.name} was changed after it was applied; write the next file instead."
            raise ChangedMigration(sentence)


async def _apply(connection: AnyConnection, package: str, schema: str, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(f'set local search_path = "{schema}", public')
        await connection.execute(migration.text)
        await connection.execute(
            f'insert into "{schema}".applied_migration (package, number, name, sha256) values ($1, $2, $3, $4)',  # noqa: S608
            package,
            migration.number,
            migration.name,
            migration.sha256,
        )
