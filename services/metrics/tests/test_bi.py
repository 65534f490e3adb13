"""What a reader of bi sees, and that it reaches nothing else."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TypeAlias
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from fact_rows import TENANT, insert, prepare
from live_facts import Scene, a_scene, following
from metrics.bi_reader import NotAReadersName, create_reader, end_overlong
from metrics.fact.catalogue import FACTS
from told_contacts import chance_of, contacts, in_time

PASSWORD = "a 'quoted' password"
Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


def as_role(address: str, role: str) -> str:
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    secret = PASSWORD.replace("'", "%27").replace(" ", "%20")
    return urlunsplit(parts._replace(netloc=f"{role}:{secret}@{host}"))


@pytest.fixture
async def scene(fresh_database: str) -> AsyncIterator[Scene]:
    async with a_scene(fresh_database) as found, following(found):
        told = in_time(contacts(chance_of(1), 30, 0.0))
        await found.tell(told)
        await found.caught_up()
        yield found


@pytest.fixture
async def owner(scene: Scene) -> AsyncIterator[Session]:
    """Give a session of the database's owner: facts are kept by a role that makes no roles."""
    session = await asyncpg.connect(scene.address)
    yield session
    await session.close()


@pytest.fixture
async def reader(scene: Scene, owner: Session) -> AsyncIterator[Session]:
    role = f"bi_{scene.address.rpartition('/')[2][-20:]}"
    await create_reader(owner, role, "other", "another")
    await owner.execute(f'alter role "{role}" createrole createdb')  # what somebody gave it is taken again
    await create_reader(owner, role, "t", PASSWORD)
    session = await asyncpg.connect(as_role(scene.address, role))
    yield session
    await session.close()
    await owner.execute(f'drop owned by "{role}"; drop role "{role}"')


async def test_a_reader_sees_its_tenant_and_people_as_pseudonyms(scene: Scene, reader: Session) -> None:
    rows = await reader.fetch("select * from bi.queue_visit_v1 where outcome = 'answered'")
    assert rows
    assert {row["tenant"] for row in rows} == {"t"}
    names = {row["agent"] for row in rows} - {""}
    assert names
    assert all(name.startswith("agent_") and len(name) == 26 for name in names)
    shown = {row["agent"] for row in await reader.fetch("select agent from bi.assignment_v1")} - {""}
    assert names <= shown
    assert len(names) == len(
        {row[0] for row in await scene.database.fetch("select agent from metrics.queue_visit")} - {""}
    )


PERSONAL = {"agent", "to_agent", "supervisor", "endpoint", "to_endpoint", "target", "caller_ref", "customer_ref"}
"""Columns of any fact that name a person, or a number or device that may be theirs."""


async def test_an_agent_named_as_their_device_stands_in_no_view(fresh_database: str) -> None:
    await prepare(fresh_database)
    for fact in FACTS:
        row = {column.name: "SIP/2001" for column in fact.all_columns if column.name in PERSONAL}
        await insert(fresh_database, fact.name, [row | {"bridged_time": 1} if fact.name == "assignment" else row])
    role = f"bi_{fresh_database.rpartition('/')[2][-20:]}"
    owner = await asyncpg.connect(fresh_database)
    await create_reader(owner, role, TENANT, PASSWORD)
    reader = await asyncpg.connect(as_role(fresh_database, role))
    shown = {fact.name: str(await reader.fetch(f"select * from bi.{fact.name}_v1")) for fact in FACTS}  # noqa: S608
    await reader.close()
    await owner.execute(f'drop owned by "{role}"; drop role "{role}"')
    await owner.close()
    assert [name for name, text in shown.items() if "SIP/" in text] == []
    assert all("endpoint_" in shown[name] for name in ("leg", "assignment", "transfer", "reservation"))


async def test_a_reader_made_again_may_do_no_more_than_read(reader: Session) -> None:
    rights = await reader.fetchrow(
        "select rolsuper, rolcreaterole, rolcreatedb, rolbypassrls from pg_roles where rolname = current_user"
    )
    assert rights is not None
    assert not any(rights)


async def test_instants_stand_as_timestamps_too(reader: Session) -> None:
    row = await reader.fetchrow(
        "select arrived_time, arrived_time_utc from bi.contact_v1 where arrived_time is not null"
    )
    assert row is not None
    assert row["arrived_time_utc"].timestamp() == pytest.approx(row["arrived_time"] / 1e6, abs=1e-6)


async def test_another_tenant_sees_nothing(owner: Session, reader: Session) -> None:
    await owner.execute("update bi_private.reader set tenant = 'other'")
    assert [await reader.fetchval(f"select count(*) from bi.{fact.name}_v1") for fact in FACTS] == [0] * len(FACTS)  # noqa: S608
    assert await reader.fetchval("select count(*) from bi.queue_half_hour_v1") == 0


async def test_half_hours_add_up_to_the_visits(reader: Session) -> None:
    halves = await reader.fetchrow(
        "select sum(offered)::int as offered, sum(answered)::int as answered from bi.queue_half_hour_v1"
    )
    visits = await reader.fetchrow(
        "select count(*) filter (where outcome in ('answered', 'abandoned', 'flow_out')) as offered,"
        " count(*) filter (where outcome = 'answered') as answered"
        " from bi.queue_visit_v1 where enqueued_time is not null"
    )
    assert halves == visits


REFUSALS = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.ObjectNotInPrerequisiteStateError,
    asyncpg.FeatureNotSupportedError,
)
BREAK_OUTS = [
    "select * from metrics.queue_visit",
    "select * from facts_1.queue_visit",
    "select * from bi_private.pseudonym_key",
    "select * from bi_private.reader",
    "select * from call_events.log",
    "select * from call_events.log_flush",
    "update bi.queue_visit_v1 set queue = 'x'",
    "insert into bi.contact_link_v1 (tenant, contact_id, to_contact_id) values ('t', 'a', 'b')",
    "delete from bi.leg_v1",
    "create table bi.mine (a int)",
    "create table public.mine (a int)",
    "create temporary table mine (a int)",
    "create schema mine",
    "create function bi.mine(text) returns boolean language sql as 'select true'",
    "select lo_creat(-1)",
    "select pg_read_file('/etc/passwd')",
    "copy (select 1) to program 'true'",
    "copy bi.leg_v1 to '/tmp/legs'",
    "set role postgres",
    "set session authorization postgres",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename <> current_user",
    "alter role current_user connection limit 100",
    "create role mine",
]


async def test_a_reader_reaches_nothing_else(reader: Session) -> None:
    await reader.execute("set default_transaction_read_only = off")
    for statement in BREAK_OUTS:
        with pytest.raises(REFUSALS):
            await reader.execute(statement)


async def test_a_reader_starts_read_only_and_with_a_time_out(reader: Session) -> None:
    assert await reader.fetchval("show default_transaction_read_only") == "on"
    assert await reader.fetchval("show statement_timeout") == "1min"


async def test_what_a_reader_lets_run_too_long_is_ended(scene: Scene, reader: Session) -> None:
    await reader.execute("set statement_timeout = 0; begin")
    async with scene.database.acquire(10) as connection:
        assert await end_overlong(connection, timedelta(hours=1)) == 0
        assert await end_overlong(connection, timedelta(0)) == 1
    lost = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
    with pytest.raises(lost):
        await reader.execute("select 1")


async def test_every_view_and_column_is_described(scene: Scene) -> None:
    bare = await scene.database.fetch(
        "select c.relname, a.attname from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'bi'"
        " join pg_attribute a on a.attrelid = c.oid and a.attnum >= 0"
        " where col_description(c.oid, a.attnum) is null or obj_description(c.oid, 'pg_class') is null"
    )
    assert bare == []


async def test_a_role_with_another_form_of_name_is_refused(scene: Scene) -> None:
    async with scene.database.acquire(10) as connection:
        for name in ("", "a", "Role", 'x"; drop role postgres; --'):
            with pytest.raises(NotAReadersName):
                await create_reader(connection, name, "t", PASSWORD)


async def test_a_role_that_is_there_for_something_else_stays_what_it_is(owner: Session) -> None:
    with pytest.raises(NotAReadersName, match="something else"):
        await create_reader(owner, await owner.fetchval("select current_user"), "t", PASSWORD)
    assert await owner.fetchval("select rolsuper from pg_roles where rolname = current_user")
