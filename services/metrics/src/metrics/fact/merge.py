"""Tellings of many events, and the rows already stored, reduced to one row per entity.

The same expressions reduce first tellings, later ones and stored rows, so the order of events and how they are split
into batches cannot matter. Frames here have `@row`, the stream's number in the batch, instead of tenant and stream;
absent text is null.
"""

from typing import Final

import polars as pl

from metrics.fact.batch import Batch
from metrics.fact.declaration import Column, Fact, Kind
from metrics.fact.telling import EVERY_EVENT, PARTS, ROW, TEXTS, column_dtype, contradicted, reduced

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
    parts = [_part(fact, batch, event) for event in _tellers(fact, batch)]
    if stored is not None and stored.height:
        parts.append(stored.select(*key_of(fact), *(column.name for column in memory_of(fact))))
    parts = [part for part in parts if part.height]
    if not parts:
        return _empty(fact)
    whole = pl.concat(parts, how="diagonal")
    told = [column for column in memory_of(fact) if column.name in whole.columns]
    rows = whole.group_by(key_of(fact)).agg(
        *(reduced(column) for column in told), contradicted(told).alias(CONTRADICTED)
    )
    untold = [column for column in memory_of(fact) if column.name not in whole.columns]
    return rows.with_columns(pl.lit(None, column_dtype(column)).alias(column.name) for column in untold)


def _tellers(fact: Fact, batch: Batch) -> list[str]:
    known = [part.event for part in PARTS if part.fact is fact]
    return [event for event in known if event == EVERY_EVENT or event in batch.bodies]


def _part(fact: Fact, batch: Batch, event: str) -> pl.DataFrame:
    part = _PARTS[fact.name, event]
    return part.of(batch.events if event == EVERY_EVENT else batch.bodies[event])


_PARTS: Final = {(part.fact.name, part.event): part for part in PARTS}


def _empty(fact: Fact) -> pl.DataFrame:
    schema: dict[str, pl.DataType] = {ROW: pl.UInt32()}
    if fact.entity:
        schema[fact.entity] = pl.String()
    columns = {column.name: column_dtype(column) for column in memory_of(fact)}
    return pl.DataFrame(schema=schema | columns | {CONTRADICTED: pl.Boolean()})


def from_stored(fact: Fact, rows: pl.DataFrame, streams: pl.DataFrame) -> pl.DataFrame:
    """Return stored rows in the form of these frames; `streams` has `@row`, tenant and id."""
    stream = stream_key(fact)
    numbered = rows.join(streams.select(ROW, "tenant", pl.col("id").alias(stream)), on=["tenant", stream])
    texts = [column.name for column in memory_of(fact) if column.kind in TEXTS]
    return numbered.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in texts)


def to_stored(fact: Fact, frame: pl.DataFrame, streams: pl.DataFrame) -> pl.DataFrame:
    """Return finished rows in the form of the tables: every column in order, absent text empty."""
    named = frame.join(streams.select(ROW, "tenant", pl.col("id").alias(stream_key(fact))), on=ROW)
    return named.select(stored_columns(fact))


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
