"""Events that could not be folded: set aside with the reason, so that the rest goes on, and counted in every answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import pyarrow as pa

from metrics.connection import Connection
from metrics.generation import code_digest

_PARKED: Final = (
    "select log_id, position, tenant, category, key, type, reason, attempts, parked_time from metrics.parked_event"
)


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


async def park(connection: Connection, generation: str, log_id: str, events: pa.Table, reason: str) -> None:
    """Set events (columns as of a packed page) aside; one set aside before counts one attempt more."""
    rows = events.select(["position", "tenant", "category", "key", "type"]).to_pylist()
    await connection.executemany(
        "insert into metrics.parked_event as p"
        " (schema_name, log_id, position, tenant, category, key, type, reason, folded_by)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (schema_name, log_id, position)"
        " do update set attempts = p.attempts + 1, reason = excluded.reason, folded_by = excluded.folded_by",
        [
            (
                generation,
                log_id,
                row["position"],
                row["tenant"],
                row["category"],
                UUID(bytes=row["key"]),
                row["type"],
                reason,
                code_digest(),
            )
            for row in rows
        ],
    )


async def positions(connection: Connection, generation: str, log_id: str) -> frozenset[int]:
    """Return where the events of a log stand that a generation leaves out: set aside, or skipped for good."""
    rows = await connection.fetch(
        "select position from metrics.parked_event where schema_name = $1 and log_id = $2"
        " union select position from metrics.skipped_event where log_id = $2",
        generation,
        log_id,
    )
    return frozenset(row["position"] for row in rows)


Place = tuple[str, int]
"""A log and a position in it."""


async def listed(
    connection: Connection, generation: str, tenant: str = "", *, after: Place = ("", 0), limit: int = 100
) -> Sequence[Parked]:
    """Return a page of the events set aside, by log and position; of one tenant if it is named."""
    rows = await connection.fetch(
        f"{_PARKED} where schema_name = $1 and ($5 = '' or tenant = $5) and (log_id, position) > ($2, $3)"
        " order by log_id, position limit $4",
        generation,
        *after,
        limit,
        tenant,
    )
    return [Parked(*row) for row in rows]


async def counted(connection: Connection, generation: str, tenant: str) -> int:
    """Return how many events of a tenant are set aside."""
    query = "select count(*) from metrics.parked_event where schema_name = $1 and tenant = $2"
    return int(await connection.fetchval(query, generation, tenant))


async def of_other_code(
    connection: Connection, generation: str, log_ids: Sequence[str], limit: int = 100
) -> Sequence[Parked]:
    """Return events of some logs that another code than ours set aside."""
    rows = await connection.fetch(
        f"{_PARKED} where schema_name = $1 and log_id = any($2) and folded_by <> $3 order by log_id, position limit $4",
        generation,
        log_ids,
        code_digest(),
        limit,
    )
    return [Parked(*row) for row in rows]


async def at(
    connection: Connection, generation: str, position: int, *, tenant: str = "", log_id: str = ""
) -> Sequence[Parked]:
    """Return the events set aside at a position, one at most of each log; of a tenant and of a log where named."""
    rows = await connection.fetch(
        f"{_PARKED} where schema_name = $1 and position = $2 and ($3 = '' or tenant = $3) and ($4 = '' or log_id = $4)"
        " order by log_id",
        generation,
        position,
        tenant,
        log_id,
    )
    return [Parked(*row) for row in rows]


async def tried(connection: Connection, generation: str, event: Parked) -> None:
    """Say that our code could not fold an event either."""
    await connection.execute(
        "update metrics.parked_event set attempts = attempts + 1, folded_by = $4"
        " where schema_name = $1 and log_id = $2 and position = $3",
        generation,
        event.log_id,
        event.position,
        code_digest(),
    )


async def forget(connection: Connection, generation: str, event: Parked) -> None:
    """Take an event off the list, in the transaction that applies its effect."""
    await connection.execute(
        "delete from metrics.parked_event where schema_name = $1 and log_id = $2 and position = $3",
        generation,
        event.log_id,
        event.position,
    )


async def skip(connection: Connection, event: Parked, reason: str) -> None:
    """Leave an event out of all facts for good; it is no longer counted as parked, and a rebuild leaves it out too."""
    await connection.execute(
        "insert into metrics.skipped_event (log_id, position, tenant, reason) values ($1, $2, $3, $4)"
        " on conflict do nothing",
        event.log_id,
        event.position,
        event.tenant,
        reason,
    )
    await connection.execute(
        "delete from metrics.parked_event where log_id = $1 and position = $2", event.log_id, event.position
    )
