"""Two generations compared: equal digests, else every row that differs, named by key and columns, never by values."""

from dataclasses import dataclass
from typing import Final

from metrics.connection import Connection
from metrics.fact.catalogue import FACTS
from metrics.fact.declaration import Fact

MOST_EXAMPLES: Final = 20


@dataclass(frozen=True, slots=True)
class Differences:
    """How many rows differ, and the first of them in words: fact, key, which columns or which side alone has it."""

    count: int
    examples: tuple[str, ...]


async def differences(connection: Connection, live: str, rebuilt: str) -> Differences:
    """Return what differs between two generations, as one snapshot of the connection's transaction shows them."""
    count = 0
    examples: list[str] = []
    for fact in FACTS:
        if await _digest(connection, live, fact) != await _digest(connection, rebuilt, fact):
            rows = await connection.fetch(_unequal(fact, live, rebuilt))
            count += len(rows)
            examples += [_words(fact, row["key"], row["differs"]) for row in rows[: MOST_EXAMPLES - len(examples)]]
    return Differences(count, tuple(examples))


async def _digest(connection: Connection, schema: str, fact: Fact) -> tuple[int, str]:
    row = await connection.fetchrow(
        "select count(*) as rows, coalesce(sum(hash_record_extended(whole, 0::bigint)), 0)::text as digest"  # noqa: S608
        f' from "{schema}".{fact.name} whole'  # a schema's checked name
    )
    assert row is not None
    return row["rows"], row["digest"]


def _unequal(fact: Fact, live: str, rebuilt: str) -> str:
    """Return the SELECT of the keys of rows that differ, with the columns that do."""
    key = ", ".join(fact.key_names)
    named = ", ".join(
        f"case when a.{column.name} is distinct from b.{column.name} then '{column.name}' end"
        for column in fact.columns
    )
    return f"""
    select concat_ws(' ', {key}) as key, differs from (
        select {key}, case when a.there is null then array['only rebuilt'] when b.there is null then array['only live']
            else array_remove(array[{named}], null) end as differs
        from (select *, true as there from "{live}".{fact.name}) a
        full join (select *, true as there from "{rebuilt}".{fact.name}) b using ({key})
    ) compared where differs <> '{{}}' order by key
    """  # noqa: S608  # names of declarations and of a schema, all checked


def _words(fact: Fact, key: str, differs: list[str]) -> str:
    return f"{fact.name} {key}: {', '.join(differs)}"
