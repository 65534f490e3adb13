"""Events of a packed page as decoded frames, each type its own, and which streams they are of.

An event that cannot be decoded, garbage or of a type newer than this version, is *malformed*: it is told apart from the
others, which go on without it.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import polars as pl
import pyarrow as pa

from contact_life.observed import EARLIEST_TIME_US, LATEST_AHEAD_US
from metrics.fact.at_once import at_once
from metrics.fact.contact import CLOCKS
from metrics.fact.own_id import OWN_IDS, own_ids
from metrics.fact.payload import MalformedPayload, columns_of
from metrics.fact.screen import DOUBT, NEEDED_PATHS, doubts_of_events
from metrics.fact.telling import CLOCK, ROW, TIME

COLUMNS: Final = (
    "position",
    "tenant",
    "source_id",
    "category",
    "key",
    "version",
    "type",
    "event_time_us",
    "record_time_us",
    "source_seq",
    "payload",
)
"""Columns of a packed page that facts are folded from."""
_ENVELOPE: Final = (ROW, TIME, "@position", "@source_id", "@source_seq", "@tenant", "@event_time")
CATEGORIES: Final = ("contact", "agent", "queue", "agent_configuration")
_FOLDED: Final = pl.col("category").is_in(CATEGORIES)
_STREAM: Final = ("tenant", "category", "key")


@dataclass(frozen=True, slots=True)
class Batch:
    """Decoded events.

    `streams` has a row for each stream: `@row`, tenant, category, key (16 bytes), id (text of the UUID), first_version,
    and `@doubt` where an event alone shows that columns cannot fold it. `events` is the envelope of all of them,
    `bodies` the frames by type with the envelope's columns. `malformed` are positions of what no one can decode.
    """

    streams: pl.DataFrame
    events: pl.DataFrame
    bodies: dict[str, pl.DataFrame]
    malformed: tuple[int, ...]


def batch_of(page: pa.RecordBatch | pa.Table) -> Batch:
    """Return the events of packed pages that facts are folded from."""
    raw = at_once(pl.DataFrame(page.select(COLUMNS)).lazy().filter(_FOLDED))
    streams = _streams(raw)
    events = at_once(raw.lazy().join(streams.lazy().select(*_STREAM, ROW), on=_STREAM).select(_envelope()))
    bodies: dict[str, pl.DataFrame] = {}
    malformed: list[int] = []
    for (event_type,), told in events.partition_by("type", as_dict=True).items():
        name = str(event_type)
        if name in NEEDED_PATHS:
            bodies[name], bad = _decoded(name, told)
            malformed += bad
        else:
            malformed += told["@position"].to_list()
    for name in bodies.keys() & OWN_IDS.keys():
        bodies[name] = bodies[name].with_columns(own_ids(name, bodies[name]))
    events = events.drop("payload")
    if malformed:
        events = events.filter(~pl.col("@position").is_in(malformed))
    doubtful = streams[ROW].is_in(doubts_of_events(events, bodies).implode()).alias(DOUBT)
    return Batch(streams.with_columns(doubtful), events, bodies, tuple(malformed))


def _streams(raw: pl.DataFrame) -> pl.DataFrame:
    found = raw.lazy().group_by(_STREAM).agg(pl.col("version").min().alias("first_version"))
    return at_once(found.with_row_index(ROW).with_columns(uuid_text("key").alias("id")))


@cache
def _envelope() -> list[pl.Expr]:
    """Return the columns of events, those of the envelope renamed, and what is made of these."""
    named = [pl.col(name).alias(f"@{name}") for name in ("position", "source_id", "source_seq", "tenant")]
    others = ("category", "key", "version", "type", "record_time_us", "payload", ROW)
    clock = pl.col("type").is_in(CLOCKS).alias(CLOCK)
    return [*named, pl.col("event_time_us").alias("@event_time"), *map(pl.col, others), _believed(), clock]


@cache
def uuid_text(column: str) -> pl.Expr:
    """Return the text of a column of 16 bytes."""
    digits = pl.col(column).bin.encode("hex")
    parts = [digits.str.slice(start, length) for start, length in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))]
    return pl.concat_str(parts, separator="-")


def _believed() -> pl.Expr:
    told, recorded = pl.col("event_time_us"), pl.col("record_time_us")
    believable = (told >= EARLIEST_TIME_US) & (told <= recorded + LATEST_AHEAD_US)
    return pl.when(believable).then(told).otherwise(recorded).alias(TIME)


def _decoded(name: str, told: pl.DataFrame) -> tuple[pl.DataFrame, list[int]]:
    bad: list[int] = []
    try:
        columns = columns_of(name, told["payload"].to_arrow().cast(pa.binary()), NEEDED_PATHS[name])
    except MalformedPayload:
        bad = _undecodable(name, told)
        told = told.filter(~pl.col("@position").is_in(bad))
        columns = columns_of(name, told["payload"].to_arrow().cast(pa.binary()), NEEDED_PATHS[name])
    return told.select(_ENVELOPE).hstack(columns), bad


def _undecodable(name: str, told: pl.DataFrame) -> list[int]:
    return [
        position for position, payload in told.select("@position", "payload").iter_rows() if not _decodes(name, payload)
    ]


def _decodes(name: str, payload: bytes) -> bool:
    try:
        columns_of(name, pa.array([payload], pa.binary()), NEEDED_PATHS[name])
    except MalformedPayload:
        return False
    return True
