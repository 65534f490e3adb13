"""Events that could not be folded: set aside with the reason, so that the rest goes on, and counted in every answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import polars as pl

from metrics.connection import Connection


@dataclass(frozen=True, slots=True)
class Parked:
    """An event set aside: where it stands, why, how often it was tried. Its payload stays in the log alone."""

    log_id: str
    position: int
    tenant: str
    category: str
    key: UUID
    type: str
    reason: str
    attempts: int
    parked_time: datetime


async def park(connection: Connection, generation: str, log_id: str, events: pl.DataFrame, reason: str) -> None:
    """Set events (columns as of a packed page) aside; one set aside before counts one attempt more."""
    await connection.executemany(
        "insert into metrics.parked_event as p (schema_name, log_id, position, tenant, category, key, type, reason)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (schema_name, log_id, position)"
        " do update set attempts = p.attempts + 1, reason = excluded.reason",
        [
            (generation, log_id, position, tenant, category, UUID(bytes=key), event_type, reason)
            for position, tenant, category, key, event_type in events.select(
                "position", "tenant", "category", "key", "type"
            ).iter_rows()
        ],
    )


async def positions(connection: Connection, generation: str) -> frozenset[int]:
    """Return where the events stand that a generation lacks."""
    rows = await connection.fetch("select position from metrics.parked_event where schema_name = $1", generation)
    return frozenset(row["position"] for row in rows)


async def listed(connection: Connection, generation: str, *, after: int = 0, limit: int = 100) -> Sequence[Parked]:
    """Return a page of the events set aside, by position."""
    rows = await connection.fetch(
        "select log_id, position, tenant, category, key, type, reason, attempts, parked_time"
        " from metrics.parked_event where schema_name = $1 and position > $2 order by position limit $3",
        generation,
        after,
        limit,
    )
    return [Parked(*row) for row in rows]
