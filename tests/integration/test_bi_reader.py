"""Business intelligence reads its tenant's views in the running system: described, pseudonymous, and nothing else."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import asyncpg
import pytest

from public_doors import MONDAY, Doors, Teller, caught_up, record
from system_testing import System

pytestmark = pytest.mark.timeout(600)

TENANT, ROLE = "local", "bi_of_local"
NUMBER = "+493055576601"
AGENTS = ("Anna Example", "Ben Example")
DEVICE, EXTENSION = "SIP/2001", "2001@internal"
"""An agent whom the phone system calls by their device, and where others find them."""
Session: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture(scope="module")
def doors(system: System) -> Doors:
    return Doors.of(system.ready, system.data)


@pytest.fixture(scope="module")
def told(doors: Doors) -> list[dict[str, Any]]:
    """Tell some contacts of two tenants."""
    chance = random.Random("bi")  # noqa: S311  # made-up ids
    teller = Teller(chance)
    events = [
        *teller.answered("support", AGENTS[0], wait=5, talk=60, number=NUMBER),
        *teller.answered("support", AGENTS[1], wait=25, talk=90, number=NUMBER),
        *teller.abandoned("support", wait=40),
        *teller.answered("sales", AGENTS[0], wait=0, talk=30),
        *by_device(teller),
    ]
    for tenant, its in ((TENANT, events), ("zenith", teller.answered("zenith-only", "Zoe", wait=1, talk=2))):
        with doors.call_events(doors.token(tenant)) as http:
            assert all("recorded" in verdict for verdict in record(http, its))
            if tenant == TENANT:
                answer = http.post("/v1/agent-events:record", json={"events": of_device(teller)}).json()
                assert all("recorded" in verdict for verdict in answer["verdicts"])
    caught_up(doors)
    return events


def by_device(teller: Teller) -> list[dict[str, Any]]:
    """Return a contact that an agent answers whom the phone system calls by their device, and passes on to another."""
    told = teller.answered("support", DEVICE, wait=3, talk=20)
    contact = told[0]["contact"]["contact_id"]
    for event in told:
        for kind in ("leg_answered", "bridged"):
            if kind in event:
                event[kind]["agent_snapshot"] = {"endpoint": DEVICE, "team": "red"}
    leg = {"leg_id": "a", "role": "LEG_ROLE_AGENT", "agent": DEVICE, "endpoint": f"{DEVICE}@pbx"}
    return [
        *told,
        teller.event(contact, 3, leg_created=leg),
        teller.event(contact, 9, transfer_started={"agent": DEVICE, "target": {"endpoint": EXTENSION}}),
    ]


def of_device(teller: Teller) -> list[dict[str, Any]]:
    """Return that agent's signing in, and a ring."""
    signed_in = {"agent": DEVICE, "endpoint": DEVICE}
    rang = {**signed_in, "outcome": "RING_OUTCOME_NO_ANSWER", "ring_ms": 9000}
    events = [teller.event("", 0, agent_logged_in=signed_in), teller.event("", 60, agent_ring_ended=rang)]
    return [{name: value for name, value in event.items() if name != "contact"} for event in events]


@pytest.fixture
async def reader(system: System, told: list[dict[str, Any]]) -> AsyncIterator[Session]:
    """Give a session of the role that business intelligence is given."""
    assert told
    made = await asyncio.to_thread(system.json, "bi-reader", ROLE)
    assert (made["role"], made["tenant"]) == (ROLE, TENANT)
    session = await asyncpg.connect(made["database_url"])
    yield session
    await session.close()


async def views(session: Session) -> list[str]:
    rows = await session.fetch("select table_name from information_schema.views where table_schema = 'bi'")
    return sorted(row[0] for row in rows)


async def test_every_view_and_every_column_says_what_it_is(reader: Session) -> None:
    rows = await reader.fetch(
        "select c.relname, a.attname, col_description(c.oid, a.attnum), obj_description(c.oid)"
        " from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0"
        " where c.relnamespace = 'bi'::regnamespace"
    )
    assert {row[0] for row in rows} == set(await views(reader))
    assert len(await views(reader)) >= 9
    assert [tuple(row) for row in rows if not row[2] or not row[3]] == []


async def test_no_name_number_or_caller_of_the_tenant_stands_in_any_view(reader: Session, doors: Doors) -> None:
    with doors.call_events() as http:
        ref = http.post("/v1/callers:resolve", json={"number": NUMBER}).json()["caller_ref"]
    for view in await views(reader):
        text = str(await reader.fetch(f"select * from bi.{view} as one"))  # noqa: S608  # the catalogue's
        for secret in (*AGENTS, DEVICE, EXTENSION, NUMBER, NUMBER[-8:], ref, "zenith", "Zoe"):
            assert secret not in text, view
    agents = {row[0] for row in await reader.fetch("select distinct agent from bi.assignment_v1")}
    assert len(agents) == len(AGENTS) + 1
    assert all(agent.startswith("agent_") for agent in agents)


async def test_what_it_adds_up_is_what_the_report_says(reader: Session, doors: Doors) -> None:
    def asked() -> Any:
        with doors.metrics() as http:
            return http.get("/v1/queues", params=MONDAY).raise_for_status().json()

    report = await asyncio.to_thread(asked)
    rows = await reader.fetch(
        "select queue, sum(answered)::int, sum(abandoned)::int, sum(wait_answered_us)::bigint"
        " from bi.queue_half_hour_v1 group by queue"
    )
    assert {row[0]: tuple(row[1:]) for row in rows} == {
        row["queue"]: (row["answered"], row["abandoned"], round(row["wait_answered_seconds"] * 1e6))
        for row in report["rows"]
    }


CLOSED = [
    "call_events.events",
    "call_events.caller",
    "call_events.erasure",
    "call_events.contact_index",
    "call_events.contact_alias",
    "metrics.assignment",
    "metrics.people_read",
    "metrics.cursor",
    "bi_private.pseudonym_key",
    "pg_catalog.pg_authid",
]


@pytest.mark.parametrize("table", CLOSED)
async def test_nothing_else_in_the_database_is_open(reader: Session, table: str) -> None:
    await reader.execute("set default_transaction_read_only = off")
    for statement in (f"select * from {table}", f"delete from {table}", f"update {table} set tenant = 'x'"):  # noqa: S608
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedColumnError)):
            await reader.execute(statement)


async def test_every_table_of_the_services_is_closed(reader: Session) -> None:
    rows = await reader.fetch(
        "select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p', 'v', 'm', 'S') and n.nspname not in ('bi', 'pg_catalog', 'information_schema')"
        " and n.nspname not like 'pg_%'"
        " and (has_schema_privilege(current_user, n.oid, 'usage')"
        " and has_table_privilege(current_user, c.oid, 'select, insert, update, delete, truncate'))"
    )
    assert [tuple(row) for row in rows] == []
    functions = await reader.fetch(
        "select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
        " where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_%'"
        " and has_schema_privilege(current_user, n.oid, 'usage')"
        " and has_function_privilege(current_user, p.oid, 'execute')"
    )
    assert [row[0] for row in functions] == []
