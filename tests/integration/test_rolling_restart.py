"""call-events replaced under load, old and new side by side: no call fails, nothing is lost or told twice.

One of two appends at a time (the other one's callers wait for its turn), so the new one starts first and the old one is
told to end as soon as it serves.
"""

import asyncio
import random
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError

import system_parts
import whole_log
from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent
from holdfast_testing import eventually
from public_doors import NOON_S, Doors, Teller
from service_host import client
from system_parts import Part, Parts

pytestmark = pytest.mark.timeout(600)

CALLERS = 12
EVENTS_A_CALL = 5
RESTARTS = 4
PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.05
TOLD_BETWEEN = 100
"""Calls answered between two restarts: both instances have work."""
SERVICE = pb.DESCRIPTOR.services_by_name["CallEventsService"]


@pytest.fixture
def parts(folder: Path) -> Iterator[Parts]:
    with system_parts.started(folder / "parts") as running:
        yield running


@pytest.fixture
def second(parts: Parts) -> Part:
    """Give another instance beside the first, not started, on an address that outlives its restarts."""
    part = parts.another("call-events")
    part.keep_address("GRPC", parts.free_address())
    return part


class Load:
    """Callers who tell events without a pause, as tellers do: who hears that nobody serves says the same again.

    ``failed`` are the answers of those whose patience ended; ``acknowledged`` are the ids of events.
    """

    def __init__(self, addresses: str, token: str, chance: random.Random) -> None:
        self._channel = client.connect(addresses, token=token, services=[SERVICE])
        self._teller = Teller(chance)
        self.answered = 0
        self.acknowledged: list[str] = []
        self.repeated = 0
        self.failed: list[tuple[StatusCode, str | None]] = []

    async def run(self) -> None:
        """Tell until cancelled."""
        async with self._channel as channel:
            stub = CallEventsServiceStub(channel)
            await asyncio.gather(*(self._caller(stub) for _ in range(CALLERS)))

    async def _caller(self, stub: Any) -> None:
        while True:
            await self._tell(stub, pb.RecordContactEventsRequest(events=self._events()))

    async def _tell(self, stub: Any, request: pb.RecordContactEventsRequest) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = await stub.RecordContactEvents(request)
            except AioRpcError as error:
                if error.code() is not StatusCode.UNAVAILABLE or time.monotonic() > until:
                    self.failed.append((error.code(), error.details()))
                    return
                self.repeated += 1
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                self.answered += 1
                self.acknowledged += [verdict.event_id for verdict in answer.verdicts if verdict.HasField("recorded")]
                return

    def _events(self) -> list[ContactEvent]:
        contact = self._teller.new_id()
        return [self._event(contact) for _ in range(EVENTS_A_CALL)]

    def _event(self, contact: str) -> ContactEvent:
        event = ContactEvent(event_id=self._teller.new_id(), source_id="pbx", note_added={"text": "x"})  # type: ignore[arg-type]
        event.contact.contact_id = contact
        event.event_time.seconds = NOON_S
        return event


async def test_a_rolling_restart_under_load_fails_no_call_and_loses_no_event(
    parts: Parts, second: Part, chance: random.Random
) -> None:
    first = parts.services["call-events"]
    addresses = f"{parts.addresses.call_events_grpc},{second.environment['HOLDFAST_CALL_EVENTS_GRPC_ADDRESS']}"
    load = Load(addresses, parts.token(), chance)
    running = asyncio.create_task(load.run())
    old, new = first, second
    for _ in range(RESTARTS):
        await answered(load, running, load.answered + TOLD_BETWEEN)
        await asyncio.to_thread(new.start)
        assert await asyncio.to_thread(old.kill, signal.SIGTERM) == 0
        old, new = new, old
    await answered(load, running, load.answered + TOLD_BETWEEN)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert load.failed == []
    doors = Doors(parts.addresses, parts.issuer())
    log = await asyncio.to_thread(whole_log.read, doors.addresses.call_events_log, doors.token())
    whole_log.assert_whole(log)
    held = {key.hex() for key in log["event_id"].to_pylist()}
    told = [event.replace("-", "") for event in load.acknowledged]
    print(f"restarts={RESTARTS} answered={load.answered} repeated={load.repeated} failed=0")  # noqa: T201  # what it was
    assert len(set(told)) == len(told) > RESTARTS * TOLD_BETWEEN * EVENTS_A_CALL
    assert [event for event in told if event not in held] == [], "acknowledged and lost"


async def answered(load: Load, running: "asyncio.Task[None]", calls: int) -> None:
    def so_many() -> bool:
        assert not running.done(), running.exception()
        return load.answered >= calls

    await eventually(so_many, within=system_parts.WITHIN)
