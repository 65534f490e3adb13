"""Leases of partitions in a real Postgres: one owner at a time, taken over from the dead and the frozen."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from datetime import timedelta

import asyncpg
import pytest

from event_log.connections import Session
from event_log.partition_leases import PartitionLeases
from holdfast_testing import eventually
from service_host.postgres import migrate

SCHEMA = "metrics"


@pytest.fixture
async def session(fresh_database: str) -> AsyncIterator[Session]:
    connection = await asyncpg.connect(fresh_database)
    await migrate(connection, package="event_log.lease_migrations", schema=SCHEMA)
    yield connection
    await connection.close()


def instance(name: str, partitions: int = 6, seconds: float = 60) -> PartitionLeases:
    return PartitionLeases(SCHEMA, "facts", name, partitions, timedelta(seconds=seconds))


async def test_an_instance_alone_owns_all_and_a_new_epoch_each(session: Session) -> None:
    assert await instance("a").turn(session) == dict.fromkeys(range(6), 1)
    assert await instance("a").turn(session) == dict.fromkeys(range(6), 1)


async def test_what_is_too_much_goes_to_the_other_once_it_is_given_back(session: Session) -> None:
    one, other = instance("a"), instance("b")
    await one.turn(session)
    assert await other.turn(session) == {}
    kept = await one.turn(session)
    assert kept == dict.fromkeys(range(3), 1)
    assert await other.turn(session) == {}
    await one.give_back(session, kept)
    assert await other.turn(session) == dict.fromkeys(range(3, 6), 2)


async def test_an_instance_that_leaves_is_followed_at_once(session: Session) -> None:
    await instance("a").turn(session)
    await instance("a").leave(session)
    assert await instance("b").turn(session) == dict.fromkeys(range(6), 2)


async def test_an_instance_that_fell_silent_loses_its_partitions_and_knows_it_by_the_epoch(session: Session) -> None:
    await instance("a", seconds=0.05).turn(session)

    async def taken() -> bool:
        return await instance("b").turn(session) == dict.fromkeys(range(6), 2)

    await eventually(taken)
    assert await instance("a").turn(session) == {}


@pytest.mark.usefixtures("session")
async def test_two_that_take_turns_at_once_never_own_the_same(fresh_database: str) -> None:
    async with AsyncExitStack() as stack:
        sessions = [await asyncpg.connect(fresh_database) for _ in range(4)]
        for one in sessions:
            stack.push_async_callback(one.close)
        instances = [instance(name, 7) for name in "abcd"]
        owned: list[Mapping[int, int]] = []
        for _ in range(5):
            owned = await asyncio.gather(*(one.turn(of) for one, of in zip(instances, sessions, strict=True)))
            together = [number for numbers in owned for number in numbers]
            assert len(together) == len(set(together))
            await asyncio.gather(
                *(one.give_back(of, kept) for one, of, kept in zip(instances, sessions, owned, strict=True))
            )
        assert sorted(len(numbers) for numbers in owned) == [1, 2, 2, 2]


async def test_a_frozen_turn_holds_nobody_up_for_long(session: Session, fresh_database: str) -> None:
    frozen = await asyncpg.connect(fresh_database)
    try:
        transaction = frozen.transaction()
        await transaction.start()
        await frozen.execute("set local idle_in_transaction_session_timeout = 200")
        await frozen.execute("select pg_advisory_xact_lock(hashtextextended('leases of facts', 0))")
        async with asyncio.timeout(5):
            assert len(await instance("b").turn(session)) == 6
    finally:
        frozen.terminate()
