"""The service killed in the middle of its work: whoever tells it again loses nothing and doubles nothing."""

import asyncio
import random
import signal
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg
import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent, ContactName

SEED = 20_261_123
KILLS = 6
EVENTS_A_CONTACT = 8


@pytest.fixture
def service(prepared: Any) -> Iterator[Any]:
    """A service of this test's own, that it may kill."""
    prepared.start()
    yield prepared
    prepared.stop()


def messages(dice: random.Random, count: int) -> list[pb.RecordContactEventsRequest]:
    """Messages of a hundred events each, of contacts with a caller."""
    found = []
    name = ContactName()
    for _ in range(count):
        events = []
        for number in range(100):
            if number % EVENTS_A_CONTACT == 0:
                name = ContactName(contact_id=str(UUID(int=dice.getrandbits(128))))
                body: dict[str, Any] = {"contact_arrived": {"caller": {"number": f"+4930{dice.randrange(10**7):07}"}}}
            else:
                body = {"note_added": {"text": f"note {number}"}}
            when = Timestamp(seconds=1_790_000_000 + number)
            event_id = str(UUID(int=dice.getrandbits(128)))
            events.append(ContactEvent(event_id=event_id, contact=name, source_id="pbx", event_time=when, **body))
        found.append(pb.RecordContactEventsRequest(events=events))
    return found


async def tell(service: Any, told: list[Any], done: set[int]) -> None:
    """Tell what is not acknowledged yet; ends early when the service dies."""
    async with service.connect() as channel:
        stub = CallEventsServiceStub(channel)
        for number, message in enumerate(told):
            if number in done:
                continue
            answer = await stub.RecordContactEvents(message)
            assert all(verdict.HasField("recorded") for verdict in answer.verdicts)
            done.add(number)


async def test_killed_at_any_moment_and_told_again_nothing_is_lost_or_doubled(service: Any, database: str) -> None:
    dice = random.Random(SEED)  # noqa: S311  # moments, not secrets
    told = messages(dice, 60)
    done: set[int] = set()
    for _ in range(KILLS):
        telling = asyncio.ensure_future(tell(service, told, done))
        await asyncio.wait({telling}, timeout=dice.uniform(0.02, 0.4))
        service.stop(signal.SIGKILL)
        await asyncio.gather(telling, return_exceptions=True)
        service.start()
    await tell(service, told, done)
    assert done == set(range(60)), f"seed {SEED}"

    connection = await asyncpg.connect(database)
    try:
        rows = await connection.fetch(
            "select position, event_id, key, payload from call_events.events order by position"
        )
    finally:
        await connection.close()
    expected = {event.event_id: event.contact.contact_id for message in told for event in message.events}
    assert {str(row["event_id"]): str(row["key"]) for row in rows} == expected, f"seed {SEED}"
    assert [row["position"] for row in rows] == list(range(1, 6_001)), "dense, and nothing twice"


async def test_told_to_stop_it_answers_what_it_took(service: Any) -> None:
    told = messages(random.Random(SEED + 1), 20)  # noqa: S311  # data, not secrets
    async with service.connect() as channel:
        stub = CallEventsServiceStub(channel)
        calls = [asyncio.ensure_future(stub.RecordContactEvents(message)) for message in told]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        stopping = asyncio.to_thread(service.stop)
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert await stopping == 0
    service.start()
    failed = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert not failed
