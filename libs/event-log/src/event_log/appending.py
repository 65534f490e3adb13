"""The statements of an appender: opening at the head, loading streams and fences, writing a flush."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from event_log.calls import Batch, FenceId
from event_log.connections import CopySession, Session
from event_log.errors import LogUnavailable
from event_log.literals import as_text, as_texts
from event_log.rows import COLUMNS, GENESIS_DIGEST, HEADER, TRAILER, chain
from event_log.verdicts import StreamId, StreamState

FENCE_TAKEN = "HF001"
"""SQLSTATE with which hold_fences refuses a flush whose fence was taken."""

_COPY = f"copy events ({', '.join(COLUMNS)}) from stdin (format binary)"
_HEAD = """
    select l.log_id, l.partition_events, (select max(number) from incarnation) as incarnation,
        coalesce(f.last, 0) as head, coalesce(f.record_time_us, 0) as record_time_us, f.digest
    from log l left join (select last, record_time_us, digest from log_flush order by first desc limit 1) f on true
"""
_DIRECTORY = """
    select w.number, s.first_position, s.until_position
    from unnest($1::text[], $2::text[], $3::uuid[]) with ordinality as w (tenant, category, key, number)
    join streams s on s.key = w.key and s.tenant = w.tenant and s.category = w.category
"""
_TOLD = """
    select w.number, e.event_id, e.body_mac, e.position, e.version
    from unnest($1::text[], $2::text[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[])
        as w (tenant, category, key, number, first_position, until_position)
    cross join lateral (
        select event_id, body_mac, position, version from events
        where key = w.key and tenant = w.tenant and category = w.category
            and position >= w.first_position and position < w.until_position
    ) e
"""
_FENCES = """
    select f.tenant, f.name, f.epoch
    from unnest($1::text[], $2::text[]) as w (tenant, name)
    join fences f on f.tenant = w.tenant and f.name = w.name
"""


class OutOfStepError(Exception):
    """A batch does not follow the head: a fault of ours, found before it could harm. Nothing of it is written."""


@dataclass(frozen=True, slots=True)
class LogHead:
    """Where the log stands: its name, how it is partitioned, its last flush."""

    log_id: str
    incarnation: int
    partition_events: int
    position: int
    record_time_us: int
    digest: bytes


async def read_log_head(session: Session) -> LogHead:
    """Read where the log stands."""
    row = await session.fetchrow(_HEAD)
    if row is None:
        raise LogUnavailable("the schema holds no log; apply event_log.migrations")
    digest = row["digest"] or GENESIS_DIGEST
    return LogHead(
        row["log_id"], row["incarnation"], row["partition_events"], row["head"], row["record_time_us"], digest
    )


async def load_streams(session: Session, wanted: Sequence[StreamId]) -> dict[StreamId, StreamState]:
    """Read what is known of some streams; one that does not exist comes as an empty state, at little cost."""
    states = {name: StreamState() for name in wanted}
    names = list(states)
    places = await session.fetch(_DIRECTORY, *_columns(names))
    if not places:
        return states
    numbers, firsts, untils = zip(*places, strict=True)
    columns = _columns([names[number - 1] for number in numbers])
    for number, event_id, body_mac, position, version in await session.fetch(_TOLD, *columns, numbers, firsts, untils):
        state = states[names[number - 1]]
        state.told[event_id.int] = (body_mac, position, version)
        state.version = max(state.version, version)
        state.last_position = max(state.last_position, position)
    for number, _, until_position in places:
        state = states[names[number - 1]]
        state.until_position = max(state.until_position, until_position)
    return states


def _columns(names: Sequence[StreamId]) -> tuple[list[str], list[str], list[UUID]]:
    return [name[0] for name in names], [name[1] for name in names], [UUID(int=name[2]) for name in names]


async def load_fences(session: Session, wanted: Sequence[FenceId]) -> dict[FenceId, int]:
    """Read the epochs of some fences; 0 for one never acquired."""
    epochs = dict.fromkeys(wanted, 0)
    rows = await session.fetch(_FENCES, [tenant for tenant, _ in wanted], [name for _, name in wanted])
    return epochs | {(row["tenant"], row["name"]): row["epoch"] for row in rows}


async def write_flush(session: CopySession, batch: Batch, last: int, digest: bytes, partition_events: int) -> bytes:
    """Write a batch that ends at position `last`, chained to the digest before; return its own digest.

    One round trip and one transaction: the server runs a simple query's text as one, so that what seals the flush rides
    behind the COPY. The driver sends the rows without waiting for the server to ask. Whatever fails, nothing stands.
    """
    data = batch.copy_bytes()
    chained = chain(digest, memoryview(data)[len(HEADER) : -len(TRAILER)])
    first = last - len(batch.rows) + 1
    statement = (
        f"{_COPY}; insert into log_flush (first, last, record_time_us, digest) "  # noqa: S608  # numbers, ids and hex
        f"values ({first}, {last}, {batch.record_time_us}, '\\x{chained.hex()}')"
        f"{_directory(batch, partition_events)}{_fences(batch)}"
    )
    await session.copy_in(statement, data)
    return chained


def _directory(batch: Batch, partition_events: int) -> str:
    """Return the statement that tells in which partitions the batch's streams now lie."""
    if not batch.placed.reached:
        return ""
    rows = [
        f"({as_text(tenant)}, {as_text(part.stream.category)}, '{part.stream.key}', {position}, "
        f"{(position // partition_events + 1) * partition_events}, {version})"
        for tenant, part, _, position, version in batch.placed.reached
    ]
    columns = "tenant, category, key, first_position, until_position, first_version"
    return f"; insert into streams ({columns}) values {', '.join(rows)}"  # noqa: S608  # the same


def _fences(batch: Batch) -> str:
    """Return the statement that fails the flush unless its fences are still held."""
    if not batch.fences:
        return ""
    tenants, names, epochs = zip(*sorted(batch.fences), strict=True)
    return f"; call hold_fences({as_texts(tenants)}, {as_texts(names)}, array[{','.join(map(str, epochs))}]::bigint[])"


def by_another(trouble: BaseException) -> bool:
    """Say whether a flush failed as another appended or took a fence: certainly not written, the session fine."""
    return isinstance(trouble, asyncpg.UniqueViolationError) or getattr(trouble, "sqlstate", None) == FENCE_TAKEN
