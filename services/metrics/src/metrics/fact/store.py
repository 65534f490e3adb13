"""Rows of facts out of Postgres and into it, over the connection of whoever calls and inside their transaction.

Rows go in by COPY as text: the server's own work on the rows is most of the time, and encoding costs the least so.
Contacts are replaced whole: all their rows are dropped and written again, in order of key.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import pyarrow as pa

from metrics.connection import Connection
from metrics.fact.at_once import at_once
from metrics.fact.catalogue import AGENT_FACTS, CONTACT_FACTS
from metrics.fact.declaration import Fact, Kind
from metrics.fact.telling import table_schema

if TYPE_CHECKING:
    import asyncpg

_NULL: Final = "\\N"
_GENERATIONS: Final = 8
"""Generations whose statements are kept: the live one, one that is being rebuilt, a few before."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Contacts or streams: tenants and ids, side by side."""

    tenants: Sequence[str]
    ids: Sequence[str]

    @classmethod
    def of(cls, streams: pl.DataFrame) -> "Keys":
        """Return the names of a batch's streams; a contact is named as its stream."""
        return cls(streams["tenant"].to_list(), streams["id"].to_list())


def _rows_of(fact: Fact, records: Sequence["asyncpg.Record"]) -> pl.DataFrame:
    """Return the rows of a fact that the server gave."""
    return pl.DataFrame([tuple(record) for record in records], schema=table_schema(fact), orient="row")


async def contact_rows(connection: Connection, schema: str, keys: Keys) -> dict[str, pl.DataFrame]:
    """Return all rows of some contacts by name of fact, anomalies and facts without any left out."""
    rows = await connection.fetch(_all_of(schema), keys.tenants, keys.ids) if keys.ids else []
    values = (value for row in rows for value in row)
    columns = {fact: list(islice(values, len(fact.all_columns))) for fact in _REMEMBERED}
    return {fact.name: _frame_of(fact, lists) for fact, lists in columns.items() if lists and lists[0]}


_REMEMBERED: Final = CONTACT_FACTS[:-1]
_KEYS: Final = "with key as (select * from unnest($1::text[], $2::text[]) as key (tenant, contact_id))"


@lru_cache(maxsize=_GENERATIONS)
def _all_of(schema: str) -> str:
    """Return the SQL of all rows of contacts: one row with a list for each column of each fact."""
    lists = [
        f"(select {', '.join(f'array_agg(fact.{column.name})' for column in fact.all_columns)}"  # noqa: S608
        f' from "{schema}".{fact.name} fact join key using (tenant, contact_id)) {fact.name}'
        for fact in _REMEMBERED
    ]
    return f"{_KEYS} select * from {', '.join(lists)}"  # noqa: S608


def _frame_of(fact: Fact, columns: Sequence[Sequence[Any]]) -> pl.DataFrame:
    schema = _arrow(fact)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return pl.DataFrame(pa.RecordBatch.from_arrays(arrays, schema=schema))


@cache
def _arrow(fact: Fact) -> pa.Schema:
    return pa.schema(table_schema(fact).to_frame().to_arrow().schema)


async def drop_contacts(connection: Connection, schema: str, keys: Keys) -> None:
    """Drop all rows of some contacts."""
    if keys.ids:
        await connection.execute(_drop(schema), keys.tenants, keys.ids)


@lru_cache(maxsize=_GENERATIONS)
def _drop(schema: str) -> str:
    """Return the SQL that drops all rows of contacts."""
    drops = [
        f'{fact.name} as (delete from "{schema}".{fact.name} fact using key'  # noqa: S608
        " where fact.tenant = key.tenant and fact.contact_id = key.contact_id)"
        for fact in CONTACT_FACTS
    ]
    return f"{_KEYS}, {', '.join(drops)} select"


@dataclass(frozen=True, slots=True)
class Told:
    """Entities of agents' streams, named by one column: tenant, agent, id and stream_id of each."""

    fact: Fact
    column: str
    keys: pl.DataFrame


async def agent_rows(connection: Connection, schema: str, told: Sequence[Told]) -> dict[str, pl.DataFrame]:
    """Return the rows of spells and rings told of by name of fact, each once, as far as they are there."""
    found: dict[str, pl.DataFrame] = {}
    for each in told:
        fact = each.fact
        names = ", ".join(f"fact.{column.name}" for column in fact.all_columns)
        records = await connection.fetch(
            f'select {names} from "{schema}".{fact.name} fact'  # noqa: S608
            " join unnest($1::text[], $2::text[], $3::text[], $4::text[]) key (tenant, agent, id, stream_id)"
            " on fact.tenant = key.tenant and fact.agent = key.agent and fact.stream_id = key.stream_id"
            f" and fact.{each.column} = key.id",
            *(column.to_list() for column in each.keys.get_columns()),
        )
        rows = _rows_of(fact, records)
        found[fact.name] = pl.concat([found[fact.name], rows]).unique() if fact.name in found else rows
    return found


async def drop_agent_rows(connection: Connection, schema: str, rows: Mapping[str, pl.DataFrame]) -> None:
    """Drop rows of spells and rings, by their keys."""
    for fact in AGENT_FACTS:
        frame = rows.get(fact.name)
        if frame is not None and frame.height:
            await connection.execute(
                f'delete from "{schema}".{fact.name} fact using unnest($1::text[], $2::text[], $3::text[], $4::text[])'  # noqa: S608
                " key (tenant, agent, id, stream_id) where fact.tenant = key.tenant and fact.agent = key.agent"
                f" and fact.stream_id = key.stream_id and fact.{fact.entity} = key.id",
                *(frame[name].to_list() for name in ("tenant", "agent", fact.entity, "stream_id")),
            )


async def irregular_streams(connection: Connection, schema: str, keys: Keys) -> set[tuple[str, str]]:
    """Return those of some agents' streams that are folded whole each time."""
    if not keys.ids:
        return set()
    rows = await connection.fetch(
        f'select tenant, stream_id from "{schema}".irregular_stream'  # noqa: S608
        " where (tenant, stream_id) in (select * from unnest($1::text[], $2::text[]))",
        keys.tenants,
        keys.ids,
    )
    return {(row["tenant"], row["stream_id"]) for row in rows}


async def replace_streams(connection: Connection, schema: str, keys: Keys) -> None:
    """Drop all rows of some agents' streams, and remember that these are folded whole each time."""
    for fact in AGENT_FACTS if keys.ids else ():
        await connection.execute(
            f'delete from "{schema}".{fact.name} fact using unnest($1::text[], $2::text[])'  # noqa: S608
            " key (tenant, id) where fact.tenant = key.tenant and fact.stream_id = key.id",
            keys.tenants,
            keys.ids,
        )
    if keys.ids:
        await connection.execute(
            f'insert into "{schema}".irregular_stream select * from unnest($1::text[], $2::text[])'  # noqa: S608
            " on conflict do nothing",
            keys.tenants,
            keys.ids,
        )


async def add_texts(connection: Connection, schema: str | None, texts: Mapping[str, bytes]) -> None:
    """Add rows, given as COPY takes them by name of table, that are not there yet; without a schema, temporary ones.

    The driver sends a buffer as it is; a file it would read in threads, twice for the smallest.
    """
    for name, text in texts.items():
        rows: Any = memoryview(text)  # the driver's types lack a buffer
        await connection.copy_to_table(name, schema_name=schema, source=rows, format="csv", null=_NULL)


def texts_of(facts: Sequence[Fact], rows: Mapping[str, pl.DataFrame]) -> dict[str, bytes]:
    """Return rows by name of fact, in order of key, as COPY takes them; facts without rows are left out."""
    named = {fact.name: fact for fact in facts}
    return {name: _text(named[name], frame) for name, frame in rows.items() if name in named and frame.height}


def _text(fact: Fact, frame: pl.DataFrame) -> bytes:
    text = io.BytesIO()
    rows = at_once(frame.lazy().sort(fact.key_names).with_columns(_arrays(fact)))
    rows.write_csv(text, include_header=False, null_value=_NULL, quote_style="non_numeric")
    return text.getvalue()


@cache
def _arrays(fact: Fact) -> list[pl.Expr]:
    lists = [column.name for column in fact.all_columns if column.kind is Kind.IDS]
    return [("{" + pl.col(name).list.join(",") + "}").alias(name) for name in lists]
