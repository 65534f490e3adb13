"""What a consumer keeps in Postgres beside its effects: its cursor, and the events it had to park.

Every function takes the consumer's own session, inside the transaction of the effects: either both stand or neither.
The tables are those of event_log.consumer_migrations, in the consumer's schema.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from event_log.connections import PooledSession, Session
from event_log.errors import EventLogError
from event_log.model import Cursor, Event

AnySession: TypeAlias = "Session | PooledSession"
MAX_REASON_CHARACTERS = 200


class CursorMoved(EventLogError):
    """Another process of the same consumer moved the cursor: drop the batch, begin again from the cursor."""


@dataclass(frozen=True, slots=True)
class Parked:
    """An event that could not be applied: where it stands, why, how often it was tried."""

    position: int
    tenant: str
    category: str
    key: UUID
    event_id: UUID
    type: str
    reason: str
    attempts: int
    parked_time: datetime


class Consumer:
    """One consumer of one log, by name; keeps no state of its own."""

    def __init__(self, name: str, schema: str) -> None:
        """Name the consumer and the schema of its tables."""
        self.name = name
        self._cursors, self._parked = f'"{schema}".cursors', f'"{schema}".parked'

    async def cursor(self, session: AnySession) -> Cursor | None:
        """Return how far the consumer has come, None before its first batch."""
        query = f"select log_id, incarnation, position from {self._cursors} where name = $1"  # noqa: S608
        row = await session.fetchrow(query, self.name)
        return None if row is None else Cursor(row["log_id"], row["incarnation"], row["position"])

    async def move(self, session: AnySession, held: Cursor | None, to: Cursor) -> None:
        """Move the cursor from where it is held to be; raise CursorMoved if it is elsewhere."""
        if held is None:
            moved = await session.execute(
                f"insert into {self._cursors} (name, log_id, incarnation, position) values ($1, $2, $3, $4) "  # noqa: S608
                "on conflict do nothing",
                self.name,
                to.log_id,
                to.incarnation,
                to.position,
            )
        else:
            moved = await session.execute(
                f"update {self._cursors} set log_id = $2, incarnation = $3, position = $4, "  # noqa: S608
                "moved_time = clock_timestamp() where name = $1 and log_id = $5 and incarnation = $6 and position = $7",
                self.name,
                to.log_id,
                to.incarnation,
                to.position,
                held.log_id,
                held.incarnation,
                held.position,
            )
        if not moved.endswith(" 1"):
            raise CursorMoved(f"{self.name} is not at position {held.position if held else 0} any more")

    async def forget(self, session: AnySession) -> None:
        """Drop cursor and parked events, for a rebuild."""
        for table in (self._cursors, self._parked):
            await session.execute(f"delete from {table} where name = $1", self.name)  # noqa: S608

    async def park(self, session: AnySession, events: Sequence[tuple[Event, str]]) -> None:
        """Park events with their reasons; one parked before counts one attempt more. Reasons hold nothing personal."""
        await session.executemany(
            f"insert into {self._parked} as p (name, position, tenant, category, key, event_id, type, reason) "  # noqa: S608
            "values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (name, position) do update "
            "set reason = excluded.reason, attempts = p.attempts + 1, tried_time = clock_timestamp()",
            [
                (
                    self.name,
                    event.position,
                    event.tenant,
                    event.category,
                    event.key,
                    event.event_id,
                    event.type,
                    reason[:MAX_REASON_CHARACTERS],
                )
                for event, reason in events
            ],
        )

    async def unpark(self, session: AnySession, positions: Sequence[int]) -> int:
        """Delete parked events whose effect this transaction applies; return how many there were."""
        query = f"delete from {self._parked} where name = $1 and position = any ($2::bigint[])"  # noqa: S608
        status = await session.execute(query, self.name, list(positions))
        return int(status.rpartition(" ")[2])

    async def parked(self, session: AnySession, *, after: int = 0, limit: int = 100) -> list[Parked]:
        """Return parked events by position, a page after a position."""
        rows = await session.fetch(
            "select position, tenant, category, key, event_id, type, reason, attempts, parked_time "  # noqa: S608
            f"from {self._parked} where name = $1 and position > $2 order by position limit $3",
            self.name,
            after,
            limit,
        )
        return [Parked(*row) for row in rows]

    async def count_parked(self, session: AnySession, tenant: str = "") -> int:
        """Return how many events are parked, of one tenant if named."""
        query = f"select count(*) from {self._parked} where name = $1 and ($2 = '' or tenant = $2)"  # noqa: S608
        return int(await session.fetchval(query, self.name, tenant))
