"""How far a generation follows a log: the cursor that moves in the transaction of its facts.

A log that is read by the partitions of a topic has a cursor for each: see `metrics.follow.places`.
"""

from dataclasses import dataclass
from typing import Final

from event_log.model import Cursor
from metrics.connection import Connection

REPLACED: Final = "replaced"
"""Why a generation stopped whose place another took: there is nothing wrong, but to look which one is live now."""


class CursorMoved(Exception):
    """Another process moved the cursor: what was folded here is dropped, and begun again from the cursor."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A cursor, and why facts stopped following it; empty while they do."""

    cursor: Cursor
    stopped: str


async def followed(connection: Connection, generation: str, log_id: str) -> Followed | None:
    """Return how far a generation follows a log, in all partitions; None if it never did."""
    row = await connection.fetchrow(
        "select min(incarnation) as incarnation, min(position) as position, max(stopped) as stopped"
        " from metrics.cursor where schema_name = $1 and log_id = $2 having count(*) > 0",
        generation,
        log_id,
    )
    return None if row is None else Followed(Cursor(log_id, row["incarnation"], row["position"]), row["stopped"])


async def begin(connection: Connection, generation: str, log: Cursor) -> Followed:
    """Begin to follow a log from its beginning; another process may have begun at the same time."""
    await connection.execute(
        "insert into metrics.cursor (schema_name, log_id, incarnation, position) values ($1, $2, $3, 0)"
        " on conflict do nothing",
        generation,
        log.log_id,
        log.incarnation,
    )
    place = await followed(connection, generation, log.log_id)
    assert place is not None
    return place


async def move(
    connection: Connection, generation: str, held: Cursor, to: int, *, record_time_us: int, head_position: int
) -> None:
    """Move a cursor on, first of all in its transaction: a second process waits here, and then raises CursorMoved.

    So it is when the generation was replaced meanwhile, or its log is read by partitions now.
    """
    moved = await connection.execute(
        "update metrics.cursor set position = $5, record_time = greatest(record_time, $6), head_position = $7"
        " where schema_name = $1 and log_id = $2 and incarnation = $3 and position = $4 and stopped = ''",
        generation,
        held.log_id,
        held.incarnation,
        held.position,
        to,
        record_time_us,
        head_position,
    )
    if moved != "UPDATE 1":
        raise CursorMoved(generation)


async def stop(connection: Connection, generation: str, log_id: str, reason: str) -> None:
    """Say that a generation no longer follows a log, and why."""
    await connection.execute(
        "update metrics.cursor c set stopped = $3 from (select partition from metrics.cursor"
        " where schema_name = $1 and log_id = $2 order by partition for update) as locked"
        " where c.schema_name = $1 and c.log_id = $2 and c.partition = locked.partition",
        generation,
        log_id,
        reason,
    )


async def stop_all(connection: Connection, generation: str, reason: str) -> None:
    """Say that a generation no longer follows any log, and why."""
    await connection.execute("update metrics.cursor set stopped = $2 where schema_name = $1", generation, reason)


async def hold(connection: Connection, generation: str) -> None:
    """Keep a generation where it stands in every log, until the transaction ends."""
    await connection.execute(
        "select from metrics.cursor where schema_name = $1 order by log_id, partition for update", generation
    )
