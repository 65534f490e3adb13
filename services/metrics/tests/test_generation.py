"""Generations of fact tables on a real Postgres."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from metrics.fact.catalogue import FACTS
from metrics.fact.view import view_columns
from metrics.generation import NotAGeneration, create_generation, drop_generation, go_live, live_generation
from service_host.postgres import migrate

Connection = asyncpg.Connection


@pytest.fixture
async def connection(fresh_database: str) -> AsyncIterator["Connection[asyncpg.Record]"]:
    found = await asyncpg.connect(fresh_database)
    await migrate(found, package="metrics.migrations", schema="metrics")
    yield found
    await found.close()


async def columns_of(connection: "Connection[asyncpg.Record]", schema: str, table: str) -> list[str]:
    rows = await connection.fetch(
        "select column_name from information_schema.columns where table_schema = $1 and table_name = $2"
        " order by ordinal_position",
        schema,
        table,
    )
    return [row[0] for row in rows]


async def test_a_generation_has_every_declared_table(connection: "Connection[asyncpg.Record]") -> None:
    await create_generation(connection, "facts_1")
    for fact in FACTS:
        assert await columns_of(connection, "facts_1", fact.name) == [column.name for column in fact.all_columns]


async def test_views_show_the_visible_columns_of_the_live_generation(connection: "Connection[asyncpg.Record]") -> None:
    await create_generation(connection, "facts_1")
    await go_live(connection, "facts_1")
    for fact in FACTS:
        assert await columns_of(connection, "metrics", fact.name) == [column.name for column in view_columns(fact)]
        assert await connection.fetchval(f"select count(*) from metrics.{fact.name}") == 0  # noqa: S608
    assert await live_generation(connection) == "facts_1"


async def test_the_views_turn_to_another_generation(connection: "Connection[asyncpg.Record]") -> None:
    await create_generation(connection, "facts_1")
    await go_live(connection, "facts_1")
    await create_generation(connection, "facts_2")
    await connection.execute("insert into facts_2.contact (tenant, contact_id) values ('t', 'c')")
    await go_live(connection, "facts_2")
    assert await connection.fetchval("select root_contact_id from metrics.contact") == "c"
    await drop_generation(connection, "facts_1")
    assert await live_generation(connection) == "facts_2"


async def test_a_generation_with_another_form_of_name_is_refused(connection: "Connection[asyncpg.Record]") -> None:
    with pytest.raises(NotAGeneration):
        await create_generation(connection, 'facts"; drop schema metrics cascade; --')
