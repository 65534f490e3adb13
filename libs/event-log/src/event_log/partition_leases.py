"""Leases of partitions in Postgres: who reads which, renewed by turns, taken over when an owner falls silent.

A lease keeps instances from doing each other's work. What makes their writing safe is its epoch: raised whenever a
partition is taken, kept with the cursor, and demanded when the cursor moves. The clock is the database's alone.

The tables are those of event_log.lease_migrations, in the consumer's schema.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import TypeAlias

from event_log.connections import PooledSession, Session
from event_log.sharing import Lease, next_turn

AnySession: TypeAlias = "Session | PooledSession"
LEASE = timedelta(seconds=4)
"""An owner silent for this long loses its partitions."""
FROZEN_MS = 2_000
"""A process that stops in the middle of its turn holds up the others no longer than this."""


class PartitionLeases:
    """The leases of one instance of one consumer; keeps no state of its own."""

    def __init__(self, schema: str, consumer: str, member: str, partitions: int, lease: timedelta = LEASE) -> None:
        """Name the tables' schema, the consumer, this instance of it, and how many partitions there are."""
        self._members, self._leases = f'"{schema}".feed_member', f'"{schema}".partition_lease'
        self.consumer = consumer
        self.member = member
        self.partitions = partitions
        self._lease = lease

    async def turn(self, session: AnySession) -> Mapping[int, int]:
        """Say that this instance lives, renew, take and mark what is to be given back; return epochs of what it owns.

        What is too much is left out of the answer, but stays owned until `give_back`: end reading it first.
        """
        async with session.transaction():
            await self._alone(session)
            await self._live(session)
            leases = await self._all(session)
            turn = next_turn(self.member, await self._others(session), leases)
            taken = await self._take(session, turn.keep | turn.give, turn.take)
        return {number: leases[number].epoch for number in turn.keep} | taken

    async def give_back(self, session: AnySession, kept: Collection[int]) -> None:
        """Free every partition of this instance but some; their readers have ended."""
        await session.execute(
            f"update {self._leases} set member = '', until_time = '-infinity'"  # noqa: S608  # our own tables
            " where consumer = $1 and member = $2 and partition <> all ($3::integer[])",
            self.consumer,
            self.member,
            list(kept),
        )

    async def leave(self, session: AnySession) -> None:
        """Free all partitions of this instance at once: others need not wait until its time is over."""
        async with session.transaction():
            await self.give_back(session, ())
            await session.execute(
                f"delete from {self._members} where consumer = $1 and member = $2",  # noqa: S608  # our own tables
                self.consumer,
                self.member,
            )

    async def _alone(self, session: AnySession) -> None:
        """Take turns: each sees what the one before it left."""
        await session.execute(f"set local idle_in_transaction_session_timeout = {FROZEN_MS}")
        await session.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"leases of {self.consumer}")

    async def _live(self, session: AnySession) -> None:
        await session.execute(
            f"insert into {self._members} (consumer, member, until_time) values ($1, $2, clock_timestamp() + $3)"  # noqa: S608
            " on conflict (consumer, member) do update set until_time = excluded.until_time",
            self.consumer,
            self.member,
            self._lease,
        )
        await session.execute(
            f"delete from {self._members} where consumer = $1 and until_time < clock_timestamp()",  # noqa: S608
            self.consumer,
        )

    async def _others(self, session: AnySession) -> list[str]:
        rows = await session.fetch(f"select member from {self._members} where consumer = $1", self.consumer)  # noqa: S608
        return [row["member"] for row in rows]

    async def _all(self, session: AnySession) -> dict[int, Lease]:
        await session.execute(
            f"insert into {self._leases} (consumer, partition) select $1, generate_series(0, $2 - 1)"  # noqa: S608
            f" where (select count(*) from {self._leases} where consumer = $1) < $2 on conflict do nothing",
            self.consumer,
            self.partitions,
        )
        rows = await session.fetch(
            f"select partition, member, epoch, until_time < clock_timestamp() as over from {self._leases}"  # noqa: S608
            " where consumer = $1 and partition < $2",
            self.consumer,
            self.partitions,
        )
        return {row["partition"]: Lease(row["partition"], row["member"], row["epoch"], row["over"]) for row in rows}

    async def _take(self, session: AnySession, owned: Collection[int], take: Collection[int]) -> dict[int, int]:
        rows = await session.fetch(
            f"update {self._leases} set member = $2, until_time = clock_timestamp() + $3,"  # noqa: S608
            " epoch = epoch + (partition = any ($5::integer[]))::int"
            " where consumer = $1 and partition = any ($4::integer[]) returning partition, epoch",
            self.consumer,
            self.member,
            self._lease,
            [*owned, *take],
            list(take),
        )
        return {row["partition"]: row["epoch"] for row in rows if row["partition"] in set(take)}
