"""The facts as SQL shows them, each table as one digest: two systems that were told the same hold the same facts."""

import asyncio
from collections.abc import Mapping

import asyncpg

FACTS = (
    *("contact", "contact_link", "leg", "queue_visit", "assignment"),
    *("transfer", "agent_spell", "agent_ring", "anomaly"),
)
_COLUMNS = (
    "select column_name from information_schema.columns where table_schema = 'metrics' and table_name = $1"
    " and column_name not like '%position' order by column_name"
)


def digests(url: str) -> Mapping[str, tuple[int, str]]:
    """Return rows and digest of each fact; positions are left out, since they tell the order of telling."""
    return asyncio.run(_digests(url))


async def _digests(url: str) -> Mapping[str, tuple[int, str]]:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return {fact: await _digest(connection, fact) for fact in FACTS}
    finally:
        await connection.close()


async def _digest(connection: "asyncpg.Connection[asyncpg.Record]", fact: str) -> tuple[int, str]:
    columns = [row["column_name"] for row in await connection.fetch(_COLUMNS, fact)]
    assert columns, f"there is no metrics.{fact}"
    listed = ", ".join(f'"{name}"' for name in columns)
    rows = f"select md5(row({listed})::text) as one from metrics.{fact}"  # noqa: S608  # our own names
    row = await connection.fetchrow(
        f"select count(*), coalesce(md5(string_agg(one, '' order by one)), '') from ({rows}) as rows"  # noqa: S608
    )
    assert row is not None
    return int(row[0]), str(row[1])
