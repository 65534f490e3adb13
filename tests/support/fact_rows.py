"""Rows of facts for tests of figures: real tables of a generation that is live, filled without a log."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from event_log.model import Cursor
from metrics.fact.catalogue import FACTS
from metrics.fact.declaration import Fact
from metrics.follow.hearing import heard
from metrics.generation import create_generation, go_live
from metrics.schema import bring_up_to_date
from service_host.postgres import Database, connect

GENERATION = "facts_of_test"
LOG = "call-events"
TENANT = "t1"
RECORDED_US = 1_800_000_000_000_000
"""When the last event was recorded, as a cursor tells it."""
_FACTS: dict[str, Fact] = {fact.name: fact for fact in FACTS}


async def prepare(address: str) -> None:
    """Make the tables of a live generation, empty, with a cursor at the beginning of the log."""
    connection = await asyncpg.connect(address)
    try:
        await bring_up_to_date(connection)
        await create_generation(connection, GENERATION)
        await go_live(connection, GENERATION)
        await connection.execute("insert into metrics.cursor values ($1, $2, 1, 0)", GENERATION, LOG)
        await heard(connection, Cursor(LOG, 1, 0), RECORDED_US)
    finally:
        await connection.close()


async def insert(address: str, fact: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows of a fact; what a row does not tell has the column's default, the tenant is TENANT."""
    connection = await asyncpg.connect(address)
    try:
        for names, records in _by_columns(rows).items():
            await connection.copy_records_to_table(fact, schema_name=GENERATION, columns=names, records=records)
    finally:
        await connection.close()


async def advance(address: str, head: Cursor) -> None:
    """Say that facts follow a log up to its head."""
    connection = await asyncpg.connect(address)
    try:
        await connection.execute("delete from metrics.cursor")
        await connection.execute(
            "insert into metrics.cursor values ($1, $2, $3, $4, $5, $4)",
            GENERATION,
            head.log_id,
            head.incarnation,
            head.position,
            RECORDED_US,
        )
        await connection.execute("delete from metrics.heard")
        await heard(connection, head, RECORDED_US)
    finally:
        await connection.close()


async def empty(address: str) -> None:
    """Remove every row of every fact."""
    connection = await asyncpg.connect(address)
    try:
        tables = ", ".join(f"{GENERATION}.{name}" for name in _FACTS)
        await connection.execute(f"truncate {tables}")
    finally:
        await connection.close()


@asynccontextmanager
async def database_of(address: str) -> AsyncIterator[Database]:
    """Give a pool like a service's own."""
    async with connect(address, maximum=2) as database:
        yield database


def _by_columns(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, ...], list[tuple[Any, ...]]]:
    found: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    for row in rows:
        whole = {"tenant": TENANT, **row}
        names = tuple(sorted(whole))
        found.setdefault(names, []).append(tuple(whole[name] for name in names))
    return found
