"""What each event type tells of each fact, compiled once from the declarations into expressions over decoded events.

A decoded frame of one type has the envelope's columns (`@row` the stream's number in the batch, `@time`, `@position`,
`@source_id`) and a column for each payload path. A *part* is what it tells of one fact: the key's columns after the
tenant's and stream's, and the told columns; whatever was not told is null there, empty text included.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import polars as pl

from metrics.fact.catalogue import FACTS
from metrics.fact.declaration import Column, Fact, Kind, Reducer, Told
from metrics.fact.payload_kinds import words_of

EVERY_EVENT: Final = "*"
ROW: Final = "@row"
TIME: Final = "@time"
CLOCK: Final = "@clock"
"""Whether lengths are taken from the event's instant."""
TEXTS: Final = (Kind.TEXT, Kind.ID, Kind.WORD)


@dataclass(frozen=True, slots=True)
class Part:
    """What one event type tells of one fact; `id_path` is empty where the stream alone is the key."""

    fact: Fact
    event: str
    id_path: str
    columns: tuple[Column, ...]
    told: tuple[pl.Expr, ...]

    def of(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return what a frame of the type tells of the fact; nothing where an entity is not named."""
        if self.event == EVERY_EVENT:
            return self._of_every(frame)
        key = [pl.col(ROW)]
        if self.id_path:
            key.append(pl.col(self.id_path).alias(self.fact.entity))
            if not self.fact.nameless:
                frame = frame.filter(pl.col(self.id_path) != "")
        return frame.select(*key, *self.told)

    def _of_every(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return what the envelopes tell, reduced by stream and source at once: texts here are sources alone."""
        pairs = list(zip(self.columns, self.told, strict=True))
        numbers = [reduced(column, told) for column, told in pairs if column.kind not in TEXTS]
        texts = [told for column, told in pairs if column.kind in TEXTS]
        grouped = frame.group_by(ROW, "@source_id", CLOCK).agg(numbers)
        return grouped.select(ROW, *(number.meta.output_name() for number in numbers), *texts)


def _parts() -> Iterator[Part]:
    for fact in FACTS:
        by_event: defaultdict[str, list[tuple[Column, pl.Expr]]] = defaultdict(list)
        for column in fact.told_columns:
            for told in column.told:
                by_event[told.event].append((column, _expression(column, told)))
        for event in dict.fromkeys((*fact.ids, *by_event)):
            columns, expressions = zip(*by_event[event], strict=True) if by_event[event] else ((), ())
            yield Part(fact, event, fact.ids.get(event, ""), columns, expressions)


def _expression(column: Column, told: Told) -> pl.Expr:
    if told.constant is not None:
        return pl.lit(told.constant).alias(column.name)
    value = _read(told)
    if told.words:
        value = word_of(told.field, told.words)
    elif told.clock:
        value = pl.when(pl.col(CLOCK)).then(value)
    elif told.within:
        value = pl.when(pl.col(f"{told.within}?")).then(value)
    elif column.kind in TEXTS:
        value = pl.when(value != "").then(value)
    elif column.kind is Kind.LENGTH:
        value = value * told.unit_us
    elif column.kind is Kind.NUMBER:
        value = value.cast(pl.Int64)
    return value.alias(column.name)


def _read(told: Told) -> pl.Expr:
    value = pl.col(told.field)
    if told.among:
        return pl.when(value.is_in(told.among)).then(value)
    return value.list.join(told.joined) if told.joined else value


def word_of(path: str, enum_name: str) -> pl.Expr:
    """Return the lower-case words of an enum's numbers: null for unspecified, `unknown_<n>` for one we do not know."""
    known = words_of(enum_name)
    number = pl.col(path)
    strange = pl.lit("unknown_") + number.cast(pl.String)
    return pl.when(number != 0).then(number.replace_strict(known, default=strange, return_dtype=pl.String))


def _paths() -> Mapping[str, tuple[str, ...]]:
    found: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for fact in FACTS:
        for event, path in fact.ids.items():
            if not path.startswith("@"):
                found[event][path] = None
        for column in fact.told_columns:
            for told in column.told:
                if told.constant is None and not told.field.startswith("@"):
                    found[told.event][told.field] = None
                    if told.within:
                        found[told.event][f"{told.within}?"] = None
    return {event: tuple(paths) for event, paths in found.items()}


PARTS: Final[tuple[Part, ...]] = tuple(_parts())
PATHS: Final = _paths()
"""Payload paths that the declarations need of each type."""


def column_dtype(column: Column) -> pl.DataType:
    """Return the Polars type of a stored column."""
    match column.kind:
        case Kind.MOMENT | Kind.LENGTH | Kind.NUMBER:
            return pl.Int64()
        case Kind.FLAG:
            return pl.Boolean()
        case Kind.IDS:
            return pl.List(pl.String)
        case Kind.TEXT | Kind.ID | Kind.WORD:
            return pl.String()


@cache
def table_schema(fact: Fact) -> pl.Schema:
    """Return the columns of a fact's table with their types, in order."""
    return pl.Schema({column.name: column_dtype(column) for column in fact.all_columns})


def reduced(column: Column, told: pl.Expr | None = None) -> pl.Expr:
    """Return how many tellings of a column become one."""
    value = pl.col(column.name) if told is None else told
    if column.reducer is Reducer.EARLIEST:
        return value.min()
    if column.reducer is Reducer.ONCE and column.kind in TEXTS:
        return value.drop_nulls().first()  # of several none counts: see contradicted
    return value.max()


def contradicted(columns: Iterable[Column]) -> pl.Expr:
    """Return whether an entity was told twice what one event alone may tell, or two things that must agree."""
    doubts = [pl.lit(value=False)]
    for column in columns:
        value = pl.col(column.name)
        if column.reducer is Reducer.ONCE and column.kind is Kind.MOMENT:
            doubts.append(value.count() > 1)
        elif column.reducer is Reducer.AGREED:
            doubts.append(value.min() != value.max())
    return pl.any_horizontal(doubts).fill_null(value=False)
