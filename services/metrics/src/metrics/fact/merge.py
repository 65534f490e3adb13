"""Tellings of many events, and the rows already stored, reduced to one row per entity.

The same expressions reduce first tellings, later ones and stored rows, so the order of events and how they are split
into batches cannot matter. Frames here have `@row`, the stream's number in the batch, instead of tenant and stream;
absent text is null.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Final

import polars as pl

from metrics.fact.at_once import at_once
from metrics.fact.batch import Batch
from metrics.fact.catalogue import FACTS
from metrics.fact.declaration import Column, Fact, Kind
from metrics.fact.telling import EVERY_EVENT, PARTS, ROW, TEXTS, column_dtype, contradicted, reduced, table_schema

CONTRADICTED: Final = "@contradicted"


def key_of(fact: Fact) -> list[str]:
    """Return the columns that name an entity in these frames."""
    return [ROW, fact.entity] if fact.entity else [ROW]


def stream_key(fact: Fact) -> str:
    """Return the column that names the stream in the tables."""
    return "contact_id" if fact.category == "contact" else "stream_id"


def memory_of(fact: Fact) -> tuple[Column, ...]:
    """Return the columns that tellings reduce into; all others are computed anew each time."""
    return fact.told_columns


def merged(fact: Fact, batch: Batch, stored: pl.DataFrame | None) -> pl.DataFrame:
    """Return a row for each entity that the batch or the stored rows tell of, with `@contradicted`."""
    tellers = [part for part in _PARTS[fact.name] if part.event == EVERY_EVENT or part.event in batch.bodies]
    known = stored is not None and stored.height > 0
    if not tellers:  # a stored row is reduced already
        return stored.select(_as_stored(fact)) if stored is not None and known else _empty(fact)
    parts = [part.of(_told(batch, part.event).lazy()) for part in tellers]
    names = frozenset(column.name for part in tellers for column in part.columns)
    reductions, told, untold = _reductions(fact, None if known else names)
    if stored is not None and known:
        parts.append(stored.lazy().select(*key_of(fact), *told))
    whole = pl.concat(parts, how="diagonal").group_by(key_of(fact)).agg(reductions)
    return at_once(whole.with_columns(untold))


@lru_cache(maxsize=1024)
def _reductions(fact: Fact, names: frozenset[str] | None) -> tuple[list[pl.Expr], list[str], list[pl.Expr]]:
    """Return how told columns are reduced, their names, and the others as nulls; None: all are told."""
    told = [column for column in fact.told_columns if names is None or column.name in names]
    untold = [column for column in fact.told_columns if column not in told]
    reductions = [*(reduced(column) for column in told), contradicted(told).alias(CONTRADICTED)]
    nulls = [pl.lit(None, column_dtype(column)).alias(column.name) for column in untold]
    return reductions, [column.name for column in told], nulls


def _told(batch: Batch, event: str) -> pl.DataFrame:
    return batch.events if event == EVERY_EVENT else batch.bodies[event]


_PARTS: Final = {fact.name: [part for part in PARTS if part.fact is fact] for fact in FACTS}


@cache
def _as_stored(fact: Fact) -> list[pl.Expr]:
    told = [pl.col(column.name) for column in memory_of(fact)]
    return [*map(pl.col, key_of(fact)), *told, pl.lit(value=False).alias(CONTRADICTED)]


@cache
def _empty(fact: Fact) -> pl.DataFrame:
    schema: dict[str, pl.DataType] = {ROW: pl.UInt32()}
    if fact.entity:
        schema[fact.entity] = pl.String()
    columns = {column.name: column_dtype(column) for column in memory_of(fact)}
    return pl.DataFrame(schema=schema | columns | {CONTRADICTED: pl.Boolean()})


def has_rows(name: str, rows: Mapping[str, pl.DataFrame]) -> bool:
    """Say whether there are any rows of a fact."""
    return name in rows and rows[name].height > 0


def from_stored(fact: Fact, rows: pl.DataFrame, streams: pl.DataFrame) -> pl.DataFrame:
    """Return stored rows in the form of these frames; `streams` has `@row`, tenant and id."""
    stream = stream_key(fact)
    numbered = rows.lazy().join(streams.lazy().select(ROW, "tenant", pl.col("id").alias(stream)), on=["tenant", stream])
    return at_once(numbered.with_columns(_texts(fact)))


@cache
def _texts(fact: Fact) -> list[pl.Expr]:
    texts = [pl.col(column.name) for column in memory_of(fact) if column.kind in TEXTS]
    return [pl.when(text != "").then(text) for text in texts]


def to_stored(fact: Fact, frame: pl.DataFrame, streams: pl.DataFrame) -> pl.DataFrame:
    """Return finished rows in the form of the tables: every column in order, absent text empty."""
    if not frame.height:
        return _no_rows(fact)
    streams_named = streams.lazy().select(ROW, "tenant", pl.col("id").alias(stream_key(fact)))
    return at_once(frame.lazy().join(streams_named, on=ROW).select(stored_columns(fact)))


@cache
def _no_rows(fact: Fact) -> pl.DataFrame:
    return pl.DataFrame(schema=table_schema(fact))


@cache
def stored_columns(fact: Fact) -> list[pl.Expr]:
    """Return the table's columns in order, what is absent filled as the table keeps it."""
    return [_stored(column) for column in fact.all_columns]


def _stored(column: Column) -> pl.Expr:
    value = pl.col(column.name).cast(column_dtype(column))
    match column.kind:
        case Kind.MOMENT | Kind.LENGTH:
            return value
        case Kind.NUMBER:
            return value.fill_null(0)
        case Kind.FLAG:
            return value.fill_null(value=False)
        case Kind.TEXT | Kind.ID | Kind.WORD:
            return value.fill_null("")
        case Kind.IDS:
            return value
