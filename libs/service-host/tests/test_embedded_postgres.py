"""The supervisor on real servers: each test that stops, kills or starves a server has one of its own."""

import asyncpg


async def test_the_servers_address_leads_to_an_empty_database(database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        assert await connection.fetchval("SELECT count(*) FROM pg_stat_user_tables") == 0
    finally:
        await connection.close()
