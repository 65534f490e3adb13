"""What the role that metrics serves as can do, and what not, beside keeping facts (which every other test shows)."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest

from live_facts import ROLE, Scene, a_scene, following
from metrics.bi_reader import create_reader
from metrics.generation import create_generation, go_live
from metrics.schema import bring_up_to_date
from metrics.serving_role import grant_serving
from service_host.settings import address_with
from told_contacts import chance_of, contacts, in_time

Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def scene(fresh_database: str) -> AsyncIterator[Scene]:
    async with a_scene(fresh_database) as found:
        yield found


@pytest.fixture
async def serving(scene: Scene) -> AsyncIterator[Session]:
    session = await asyncpg.connect(address_with(scene.address, role=ROLE))
    yield session
    await session.close()


FORBIDDEN = [
    "select * from call_events.events",
    "insert into call_events.streams default values",
    "select raise_incarnation('mine')",
    "update metrics.people_read set purpose = ''",
    "delete from metrics.people_read",
    "delete from metrics.applied_migration",
    "update bi_private.reader set tenant = 'other'",
    "delete from bi_private.pseudonym_key",
    "alter table metrics.cursor add column mine text",
    "drop table metrics.people_read",
    "create role mine",
    "create table public.mine (a int)",
    "select pg_read_file('/etc/passwd')",
    "copy (select 1) to program 'true'",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_it_reaches_nothing_that_is_not_its_own(serving: Session, statement: str) -> None:
    assert await serving.fetchval("select current_user") == ROLE
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedFunctionError)):
        await serving.execute(statement)


async def test_what_readers_take_from_everybody_is_not_taken_from_it(scene: Scene, serving: Session) -> None:
    owner = await asyncpg.connect(scene.address)
    await create_reader(owner, f"bi_{secrets.token_hex(4)}", "t", "a secret")
    await owner.close()
    await serving.execute("create temporary table arriving (a int)")


async def test_facts_that_the_owner_made_before_there_was_a_role_are_taken_over(fresh_database: str) -> None:
    owner = await asyncpg.connect(fresh_database)
    try:
        await bring_up_to_date(owner)
        async with owner.transaction():
            await create_generation(owner, "facts_1")
            await go_live(owner, "facts_1")
    finally:
        await owner.close()
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell(in_time(contacts(chance_of(2), 5, 0.0)))
        await scene.caught_up()
        told = [step async for step in scene.facts.rebuild(swap=True, accept_differences=False)]
        assert (told[-1].stage, told[-1].differences) == ("done", 0)
        assert [row[0] for row in await scene.database.fetch("select schema_name from metrics.live_generation")] == [
            "facts_2"
        ]


async def test_many_who_grant_at_once_wait_for_each_other(scene: Scene) -> None:
    owners = [await asyncpg.connect(scene.address) for _ in range(8)]
    try:
        for _ in range(5):
            await asyncio.gather(
                *(grant_serving(owner, ROLE) for owner in owners[:-1]),
                create_reader(owners[-1], f"bi_{secrets.token_hex(4)}", "t", "a secret"),
            )
    finally:
        await asyncio.gather(*(owner.close() for owner in owners))


async def test_granted_again_nothing_changes(scene: Scene) -> None:
    owner = await asyncpg.connect(scene.address)
    try:
        await grant_serving(owner, ROLE)
    finally:
        await owner.close()
    assert await scene.database.fetchval("select count(*) from metrics.contact") == 0
