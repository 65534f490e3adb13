"""A rebuild while events arrive, one that is cancelled, one that meets an event nobody can fold."""

import asyncio
import random
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from grpc.aio import AioRpcError

import bank_months
import fact_digests
from holdfast.log.v1 import log_service_pb2
from holdfast.metrics.v1 import metrics_service_pb2 as pb
from holdfast_cli.home import Home
from holdfast_testing import eventually
from public_doors import Doors, Teller, caught_up, poison, record
from service_host import client
from system_parts import WITHIN
from system_testing import HOLDFAST, System

pytestmark = pytest.mark.timeout(600)

CALLS = 2000


@pytest.fixture(scope="module")
def doors(system: System) -> Doors:
    """Give a system that was told a month, so that a rebuild has something to fold."""
    return Doors.of(system.ready, system.data)


@pytest.fixture(scope="module", autouse=True)
def told(system: System, folder: Path) -> Any:
    """Tell a month."""
    calls = bank_months.month(random.Random(7), CALLS)  # noqa: S311  # made-up calls
    return system.json("import", "bank-1999", str(bank_months.write(folder / "month.txt", calls)))


@pytest.fixture(scope="module")
def url(system: System) -> str:
    return Home(system.data).running().database_url


@asynccontextmanager
async def telling(system: System, month: Path) -> AsyncIterator[None]:
    """Have another month told meanwhile; it must be under way before the body begins, and end well."""
    process = await asyncio.create_subprocess_exec(
        *(HOLDFAST, "import", "bank-1999", str(month), "--data", str(system.data), "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    doors = Doors.of(system.ready, system.data)
    async with doors.logging() as log:
        before = (await log.GetHead(log_service_pb2.GetHeadRequest())).head.position

        async def more() -> bool:
            assert process.returncode is None, "all was told before the body began"
            return bool((await log.GetHead(log_service_pb2.GetHeadRequest())).head.position > before)

        await eventually(more, within=WITHIN)
    yield
    _, errors = await process.communicate()
    assert process.returncode == 0, errors


async def rebuild(doors: Doors, **asked: bool) -> list[Any]:
    """Rebuild and return every step told."""
    async with doors.measuring() as stub:
        return [step async for step in stub.RebuildFacts(pb.RebuildFactsRequest(**asked))]


async def status(doors: Doors) -> Any:
    async with doors.measuring() as stub:
        return await stub.GetFactsStatus(pb.GetFactsStatusRequest())


async def generations(url: str) -> set[str]:
    """Return the schemas that hold facts."""
    connection = await asyncpg.connect(url)
    try:
        return {
            row[0] for row in await connection.fetch(r"select nspname from pg_namespace where nspname like 'facts\_%'")
        }
    finally:
        await connection.close()


async def test_a_rebuild_while_events_arrive_equals_the_live_facts_and_goes_live(
    system: System, doors: Doors, url: str, folder: Path, chance: random.Random
) -> None:
    calls = bank_months.month(chance, 2 * CALLS, 2)
    month = bank_months.write(folder / "meanwhile.txt", calls)
    before = await status(doors)
    async with telling(system, month):
        steps = await rebuild(doors, swap=True)
    last = steps[-1]
    assert last.differences == 0, list(last.difference_examples)
    assert "swapped" in [step.stage for step in steps]
    assert last.compared_position > 0
    after = await asyncio.to_thread(caught_up, doors)
    assert after["live_schema"] != before.live_schema
    with doors.metrics() as http:
        days = {"from": "1999-02-01", "to": "1999-02-28"}
        report = (await asyncio.to_thread(http.get, "/v1/queues", params=days)).json()
    assert bank_months.figures_of(report) == bank_months.recount(calls).figures()
    assert before.live_schema in await generations(url), "the old facts are kept for return"
    assert (await rebuild(doors))[-1].differences == 0


async def test_a_cancelled_rebuild_leaves_the_live_facts_as_they_were(doors: Doors, url: str) -> None:
    before, facts = await status(doors), await asyncio.to_thread(fact_digests.digests, url)
    async with doors.measuring() as stub:
        rebuilding = stub.RebuildFacts(pb.RebuildFactsRequest(swap=True))
        first = await rebuilding.read()
        assert first.stage == "folding"
        rebuilding.cancel()

    after = await status(doors)
    assert (after.live_schema, after.rows) == (before.live_schema, before.rows)
    assert await asyncio.to_thread(fact_digests.digests, url) == facts
    last = await eventually(partial(after_the_cancelled, doors), within=WITHIN)
    assert last.differences == 0
    assert after.live_schema in await generations(url)
    assert len(await generations(url)) <= 2, "what the cancelled one began is gone"


async def after_the_cancelled(doors: Doors) -> Any:
    """Rebuild once the cancelled one has let go."""
    try:
        return (await rebuild(doors))[-1]
    except AioRpcError as error:
        if client.refusal(error).reason == "REBUILD_RUNNING":
            return None
        raise


async def test_a_poisoned_event_is_parked_live_and_stops_a_rebuild(
    doors: Doors, url: str, chance: random.Random
) -> None:
    teller = Teller(chance)
    before = await status(doors)
    await poison(doors, teller)
    with doors.call_events() as http:
        await asyncio.to_thread(record, http, teller.answered("after", "anna", wait=5, talk=60))
    current = await asyncio.to_thread(caught_up, doors)
    assert current["as_of"]["parked"] == before.as_of.parked + 1
    assert current["following"]
    with doors.metrics() as http:
        days = {"from": "2026-01-05", "to": "2026-01-06", "time_zone": "UTC"}
        report = (await asyncio.to_thread(http.get, "/v1/queues", params=days)).json()
    assert report["as_of"]["parked"] == 1
    assert [(row["queue"], row["answered"]) for row in report["rows"]] == [("after", 1)], "the rest goes on"
    schemas = await generations(url)
    with pytest.raises(AioRpcError) as stopped:
        await rebuild(doors, swap=True)
    refused = client.refusal(stopped.value)
    assert (refused.reason, int(refused.metadata["position"]) > 0) == ("REBUILD_POISONED", True)
    after = await status(doors)
    assert (after.live_schema, after.as_of.parked, after.following) == (current["live_schema"], 1, True)

    async def nothing_left() -> bool:
        return await generations(url) <= schemas

    await eventually(nothing_left, within=WITHIN)
