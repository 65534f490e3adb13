"""A customer is erased: nothing that is stored, fed, folded or answered leads back to the number; facts stay equal."""

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

import fact_digests
from holdfast.log.v1 import log_service_pb2
from holdfast_cli.home import Home
from holdfast_testing import eventually_blocking
from public_doors import MONDAY, Doors, Teller, caught_up, record
from system_testing import System

pytestmark = pytest.mark.timeout(600)

NUMBER, SPELT_OTHERWISE = "+49 30 5557-8801", "004930 5557 8801"
OTHER = "+493055578802"
TRACES = (b"5557 8801", b"5557-8801", b"55578801")
TABLES = r"""
    select format('%I.%I', table_schema, table_name) as name from information_schema.tables
    where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')
"""


@pytest.fixture(scope="module")
def doors(system: System) -> Doors:
    return Doors.of(system.ready, system.data)


@pytest.fixture
def http(doors: Doors) -> Iterator[httpx.Client]:
    with doors.call_events() as opened:
        yield opened


def url_of(system: System) -> str:
    return Home(system.data).running().database_url


def told(teller: Teller, number: str) -> list[dict[str, Any]]:
    """A contact whose source tells the number wherever phone systems are known to tell it."""
    events = teller.answered("support", "anna", wait=7, talk=90, number=number)
    contact = events[0]["contact"]["contact_id"]
    endpoint = f"sip:{number}@carrier.example"
    return [
        *events,
        teller.event(contact, 0.5, leg_created={"leg_id": "c", "role": "LEG_ROLE_CALLER", "endpoint": endpoint}),
        teller.event(contact, 2, note_added={"text": "hello", "observation": {"extra": {"CallerIDNum": number}}}),
    ]


async def rows_with(url: str, text: str) -> dict[str, int]:
    """Return how many rows of each table hold a text, as text or as the bytes of one."""
    connection = await asyncpg.connect(url)
    try:
        found = {}
        for name in [row["name"] for row in await connection.fetch(TABLES)]:
            count = f"select count(*) from {name} as one where one::text ilike any($1)"  # noqa: S608  # the catalogue's
            found[name] = await connection.fetchval(count, [f"%{text}%", f"%{text.encode().hex()}%"])
    finally:
        await connection.close()
    return {name: rows for name, rows in found.items() if rows}


def files_with(folder: Path, traces: tuple[bytes, ...]) -> list[str]:
    """Return the files under a folder that hold any of these bytes."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [str(file.relative_to(folder)) for file in files if any(trace in file.read_bytes() for trace in traces)]


async def fed(doors: Doors) -> bytes:
    """Return everything that the log's feed gives, as sent."""
    async with doors.logging() as log:
        page = await log.ReadEvents(log_service_pb2.ReadEventsRequest(limit=1000))
    return bytes(page.SerializeToString())


def answered(http: httpx.Client, metrics: httpx.Client, contact: str) -> str:
    """Return what REST answers about a contact and all around it."""
    paths = [f"/v1/contacts/{contact}?include_events=true", "/v1/contacts", "/v1/events?limit=1000"]
    texts = [http.get(path).raise_for_status().text for path in paths]
    return "".join([*texts, metrics.get("/v1/queues", params=MONDAY).raise_for_status().text])


def test_nothing_leads_back_to_an_erased_customer_and_the_facts_stay_equal(
    system: System, doors: Doors, http: httpx.Client, chance: random.Random
) -> None:
    teller, url = Teller(chance), url_of(system)
    erased, kept = told(teller, NUMBER), told(teller, OTHER)
    assert all("recorded" in verdict for verdict in record(http, [*erased, *kept]))
    caught_up(doors)
    contact = erased[0]["contact"]["contact_id"]
    ref = http.post("/v1/callers:resolve", json={"number": SPELT_OTHERWISE}).json()["caller_ref"]
    assert http.get(f"/v1/contacts/{contact}").json()["contact"]["caller_ref"] == ref
    assert list(asyncio.run(rows_with(url, ref))) != []
    facts = fact_digests.digests(url)

    answer = http.post("/v1/customers:erase", json={"number": SPELT_OTHERWISE})
    assert answer.json() == {"keys_destroyed": 1}

    rows = asyncio.run(rows_with(url, ref))
    assert "call_events.caller" not in rows
    assert rows.pop("call_events.erasure") == 1, "who erased whom is kept, without the number"
    for trace in TRACES:
        assert asyncio.run(rows_with(url, trace.decode())) == {}
        assert trace not in asyncio.run(fed(doors))
    assert files_with(system.data, TRACES) == []
    with doors.metrics() as metrics:
        assert not any(trace.decode() in answered(http, metrics, contact) for trace in TRACES)
    renewed = http.post("/v1/callers:resolve", json={"number": NUMBER}).json()
    assert renewed["created"]
    assert renewed["caller_ref"] != ref

    assert fact_digests.digests(url) == facts
    assert system.json("rebuild", "metrics", "--swap")["differences"] == 0
    assert fact_digests.digests(url) == facts
    assert system.json("audit", "verify")["verified"]


def test_another_customer_is_untouched(http: httpx.Client, chance: random.Random) -> None:
    teller = Teller(chance)
    first, second = told(teller, "+493055578803"), told(teller, "+493055578804")
    record(http, [*first, *second])
    refs = [resolved(http, number) for number in ("+493055578803", "+493055578804")]
    assert http.post("/v1/customers:erase", json={"caller_ref": refs[0]}).json() == {"keys_destroyed": 1}
    assert resolved(http, "+493055578804") == refs[1]

    def listed() -> list[str]:
        answer = http.get("/v1/contacts", params={"caller_ref": refs[1]}).json()
        return [one["contact_id"] for one in answer.get("contacts", [])]

    assert eventually_blocking(listed) == [second[0]["contact"]["contact_id"]]


def test_erasing_again_erases_nothing_and_every_erasure_is_swept(
    system: System, http: httpx.Client, chance: random.Random
) -> None:
    record(http, told(Teller(chance), "+493055578805"))
    ref = resolved(http, "+493055578805")
    assert http.post("/v1/customers:erase", json={"caller_ref": ref}).json() == {"keys_destroyed": 1}
    assert http.post("/v1/customers:erase", json={"caller_ref": ref}).json() in ({}, {"keys_destroyed": 0})
    swept = "select count(*) filter (where swept_time is null) from call_events.erasure"

    async def unswept() -> int:
        connection = await asyncpg.connect(url_of(system))
        try:
            return int(await connection.fetchval(swept))
        finally:
            await connection.close()

    assert asyncio.run(unswept()) == 0


def resolved(http: httpx.Client, number: str) -> str:
    return str(http.post("/v1/callers:resolve", json={"number": number}).json()["caller_ref"])
