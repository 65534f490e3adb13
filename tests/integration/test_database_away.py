"""Postgres frozen, or crashed and back: every call ends by its deadline, both services live on, nothing is lost."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError

import system_parts
import whole_log
from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent
from holdfast.metrics.v1 import metrics_service_pb2
from holdfast_testing import eventually
from public_doors import MONDAY, NOON_S, Doors, Teller, caught_up, record
from system_parts import WITHIN, Parts

pytestmark = pytest.mark.timeout(600)

DEADLINE_SECONDS = 3.0
GRACE_SECONDS = 15.0
"""What a loaded machine may add to a deadline."""
FREEZES = 2
PASSING = {StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.RESOURCE_EXHAUSTED}


@pytest.fixture(scope="module")
def parts(folder: Any) -> Iterator[Parts]:
    with system_parts.started(folder / "parts") as running:
        yield running


@pytest.fixture
def doors(parts: Parts) -> Doors:
    return Doors(parts.addresses, parts.issuer())


@contextmanager
def frozen(parts: Parts) -> Iterator[None]:
    """Stop every process of the server where it stands."""
    postmaster = psutil.Process(parts.postgres.pid)
    stopped = [postmaster, *postmaster.children(recursive=True)]
    for process in stopped:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in stopped:
            os.kill(process.pid, signal.SIGCONT)


def told(teller: Teller) -> ContactEvent:
    event = ContactEvent(event_id=teller.new_id(), source_id="pbx", note_added={"text": "x"})  # type: ignore[arg-type]
    event.contact.contact_id = teller.new_id()
    event.event_time.seconds = NOON_S
    return event


async def ends(call: Awaitable[Any]) -> StatusCode:
    """Await a call and return how it ended; it must do so about when its deadline says."""
    began = time.monotonic()
    try:
        await call
    except AioRpcError as error:
        code = error.code()
    else:
        code = StatusCode.OK
    assert time.monotonic() - began < DEADLINE_SECONDS + GRACE_SECONDS
    return code


async def test_while_postgres_is_frozen_every_call_ends_and_afterwards_everything_goes_on(
    parts: Parts, doors: Doors, chance: random.Random
) -> None:
    teller = Teller(chance)
    events: list[ContactEvent] = []
    async with doors.calling() as calls, doors.measuring() as metrics:
        for _ in range(FREEZES):
            event = told(teller)
            events.append(event)
            request = pb.RecordContactEventsRequest(events=[event])
            contact = pb.GetContactRequest(contact=event.contact)
            with frozen(parts):
                codes = await asyncio.gather(
                    ends(calls.RecordContactEvents(request, timeout=DEADLINE_SECONDS)),
                    ends(calls.GetContact(contact, timeout=DEADLINE_SECONDS)),
                    ends(calls.ListContacts(pb.ListContactsRequest(), timeout=DEADLINE_SECONDS)),
                    ends(metrics.GetFactsStatus(metrics_service_pb2.GetFactsStatusRequest(), timeout=DEADLINE_SECONDS)),
                )
                assert set(codes) <= PASSING, codes

            async def recorded(request: pb.RecordContactEventsRequest = request) -> bool:
                return await ends(calls.RecordContactEvents(request, timeout=DEADLINE_SECONDS)) is StatusCode.OK

            await eventually(recorded, within=WITHIN)
    assert [service.starts for service in parts.services.values()] == [1, 1]
    assert all(service.alive for service in parts.services.values())
    await asyncio.to_thread(caught_up, doors)
    log = await asyncio.to_thread(whole_log.read, doors.addresses.call_events_log, doors.token())
    whole_log.assert_whole(log)
    assert log.num_rows == len(events), "what was told again stands once"


def test_a_crashed_postgres_is_waited_for_and_nothing_acknowledged_is_lost(
    parts: Parts, doors: Doors, chance: random.Random
) -> None:
    teller = Teller(chance)
    with doors.call_events() as http, doors.metrics() as metrics:
        before = teller.answered("before-the-crash", "anna", wait=3, talk=30)
        assert all("recorded" in verdict for verdict in record(http, before))
        os.kill(parts.postgres.pid, signal.SIGQUIT)
        answer = http.post("/v1/contact-events:record", json={"events": teller.abandoned("meanwhile", wait=5)})
        assert answer.status_code == 200 or answer.json()["code"] in {code.name for code in PASSING}, answer.text
        parts.postgres.restart()

        async def again() -> bool:
            told_again = await asyncio.to_thread(http.post, "/v1/contact-events:record", json={"events": before})
            return told_again.status_code == 200 and all(
                verdict["recorded"].get("duplicate") for verdict in told_again.json()["verdicts"]
            )

        asyncio.run(eventually(again, within=WITHIN))
        caught_up(doors)
        rows = metrics.get("/v1/queues", params=MONDAY).raise_for_status().json()["rows"]
    assert {row["queue"]: row["answered"] for row in rows}["before-the-crash"] == 1
    assert all(service.alive for service in parts.services.values())
