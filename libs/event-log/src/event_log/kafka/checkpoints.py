"""Checkpoints of relays in Postgres, beside the log: held by lease, moved only under the epoch of the holder.

The server's clock decides leases. A lease keeps relays from wasting each other's work; what makes it right is the
epoch: a relay that slept finds it raised, and its checkpoint stays where its successor has it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from event_log.connections import Connections, PooledSession
from event_log.errors import LogUnavailable
from event_log.kafka.relay import LeaseLost
from event_log.kafka.shares import Share, taken_over
from event_log.kafka.window import Checkpoint
from event_log.model import Cursor

LEASE = timedelta(seconds=5)
POLL_SECONDS = 0.25
"""How often a standby looks whether the share is free."""
RELEASE_DEADLINE = timedelta(seconds=2)

_ROWS = "select *, lease_until > clock_timestamp() as live from relay where topic = $1 order by shares, share"
_TAKE = """
    update relay set epoch = epoch + 1, holder = $4, lease_until = clock_timestamp() + $5
    where topic = $1 and shares = $2 and share = $3 returning epoch
"""
_ADD = """
    insert into relay (topic, shares, share, epoch, log_id, incarnation, position, partitions, prevs)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_HELD = "topic = $1 and shares = $2 and share = $3 and epoch = $4"
_READ = f"select * from relay where {_HELD}"  # noqa: S608  # ours
_RENEW = f"update relay set lease_until = clock_timestamp() + $5 where {_HELD}"  # noqa: S608  # ours
_RELEASE = f"update relay set lease_until = '-infinity', holder = '' where {_HELD}"  # noqa: S608  # ours
_MOVE = f"""
    update relay set log_id = $5, incarnation = $6, position = $7, partitions = $8, prevs = $9,
        moved_time = clock_timestamp(), lease_until = clock_timestamp() + $10
    where {_HELD}
"""  # noqa: S608  # ours


class PostgresCheckpoints:
    """See relay.Checkpoints; of one share of one topic."""

    def __init__(self, connections: Connections, topic: str, share: Share, partitions: int, holder: str) -> None:
        """Name the share, of a topic of so many partitions, and whom an operator will see as its holder."""
        self._connections = connections
        self._topic = topic
        self._share = share
        self._partitions = partitions
        self._holder = holder
        self._key = (topic, share.of, share.number)

    async def take(self) -> int:
        """See relay.Checkpoints; waits too while relays of another sharing still live."""
        while True:
            async with self._in_transaction() as session:
                if epoch := await self._try_take(session):
                    return epoch
            await asyncio.sleep(POLL_SECONDS)

    async def read(self, epoch: int) -> Checkpoint | None:
        """See relay.Checkpoints."""
        async with self._connections.read() as session:
            row = await session.fetchrow(_READ, *self._key, epoch)
        if row is None:
            raise self._lost(epoch)
        return _checkpoint(row)

    async def move(self, epoch: int, to: Checkpoint) -> None:
        """See relay.Checkpoints."""
        await self._changed(_MOVE, epoch, *_columns(to), LEASE)

    async def renew(self, epoch: int) -> None:
        """See relay.Checkpoints."""
        await self._changed(_RENEW, epoch, LEASE)

    async def release(self, epoch: int) -> None:
        """See relay.Checkpoints."""
        with suppress(LogUnavailable):
            async with self._connections.read(RELEASE_DEADLINE) as session:
                await session.execute(_RELEASE, *self._key, epoch)

    async def _changed(self, statement: str, epoch: int, *words: object) -> None:
        async with self._connections.read() as session:
            changed = await session.execute(statement, *self._key, epoch, *words)
        if changed != "UPDATE 1":
            raise self._lost(epoch)

    def _lost(self, epoch: int) -> LeaseLost:
        share = f"{self._share.number}/{self._share.of}"
        return LeaseLost(f"share {share} of topic {self._topic} is no longer held at epoch {epoch}")

    @asynccontextmanager
    async def _in_transaction(self) -> AsyncIterator[PooledSession]:
        """Give a transaction that no crash takes back, though others of its session may be: an epoch is given once."""
        async with self._connections.read() as session, session.transaction():
            await session.execute("set local synchronous_commit = on")
            yield session

    async def _try_take(self, session: PooledSession) -> int | None:
        """Take the share if it is free, making the rows of this sharing where there are none yet."""
        await session.execute("select pg_advisory_xact_lock(hashtextextended('relay ' || $1, 0))", self._topic)
        rows = await session.fetch(_ROWS, self._topic)
        others = [row for row in rows if row["shares"] != self._share.of]
        ours = [row for row in rows if (row["shares"], row["share"]) == (self._share.of, self._share.number)]
        if any(row["live"] for row in [*others, *ours]):
            return None
        if others or not ours:
            await self._share_anew(session, rows, others)
        taken: int = await session.fetchval(_TAKE, *self._key, self._holder, LEASE)
        return taken

    async def _share_anew(self, session: PooledSession, rows: list[Any], others: list[Any]) -> None:
        """Make the rows of this sharing that are missing, from those of another one if there is one."""
        held = [_checkpoint(row) for row in others]
        epoch = max((row["epoch"] for row in rows), default=0)
        known = {row["share"] for row in rows if row["shares"] == self._share.of}
        await session.execute("delete from relay where topic = $1 and shares <> $2", self._topic, self._share.of)
        for number in range(1, self._share.of + 1):
            if number not in known:
                place = taken_over(held, Share(number, self._share.of).partitions(self._partitions))
                await session.execute(_ADD, self._topic, self._share.of, number, epoch, *_columns(place))


def _checkpoint(row: Any) -> Checkpoint | None:
    if row["position"] is None:
        return None
    cursor = Cursor(row["log_id"], row["incarnation"], row["position"])
    return Checkpoint(cursor, dict(zip(row["partitions"], row["prevs"], strict=True)))


def _columns(place: Checkpoint | None) -> tuple[object, ...]:
    if place is None:
        return (None,) * 5
    cursor = place.cursor
    return (cursor.log_id, cursor.incarnation, cursor.position, list(place.prevs), list(place.prevs.values()))
