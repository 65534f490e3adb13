"""Clients of one service side by side: one that hoards idle streams and one that tells all it can starve nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import asyncpg
import pytest
from grpc.aio import AioRpcError

from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent
from service_host import client
from service_host.client import refusal

STREAMS = 64
"""What one caller may have, as every process is told unless it is told otherwise."""
BATCHES, BATCH_EVENTS = 12, 1000
"""What a hungry client tells by as many streams, and again by as many calls: more than may wait for the log at once."""
DEADLINE_SECONDS = 20.0
TENANT = "acme"
SCOPES = ("events:read", "events:write")


@pytest.fixture
async def doors(service: Any) -> AsyncIterator[Any]:
    """Give a way to open the door under a name of one's own; nothing is tried again."""
    async with AsyncExitStack() as stack:

        async def opened(subject: str) -> Any:
            token = service.issuer.mint(TENANT, subject, scopes=SCOPES, sources=("*",))
            channel = client.connect(service.ready["grpc"], token=token)
            return CallEventsServiceStub(await stack.enter_async_context(channel))

        yield opened


async def tell(stub: Any, *events: ContactEvent) -> list[str]:
    """Tell events in one call; return the ids of those that are recorded."""
    answer = await stub.RecordContactEvents(pb.RecordContactEventsRequest(events=events), timeout=DEADLINE_SECONDS)
    return [verdict.event_id for verdict in answer.verdicts if verdict.HasField("recorded")]


async def heard(stream: Any, event_id: str) -> None:
    """Read a subscription until an event comes."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while event_id not in [one.contact_event.event.event_id for one in (await stream.read()).events]:
            pass


async def test_a_client_that_hoards_streams_leaves_others_theirs_and_what_is_told(doors: Any, another: Any) -> None:
    hoarder, modest = await doors("hoarder"), await doors("modest")
    await tell(modest, another().event(contact_arrived={}))
    idle = [hoarder.SubscribeEvents(pb.SubscribeEventsRequest()) for _ in range(STREAMS)]
    for stream in idle:
        await stream.read()
    with pytest.raises(AioRpcError) as refused:
        await hoarder.SubscribeEvents(pb.SubscribeEventsRequest(from_end=True)).read()
    assert refusal(refused.value).reason == "CALLER_LIMIT"
    following = modest.SubscribeEvents(pb.SubscribeEventsRequest(from_end=True))
    for stub in (modest, hoarder):
        event = another().event(contact_arrived={})
        assert await tell(stub, event) == [event.event_id]
        await heard(following, event.event_id)
    for stream in (*idle, following):
        stream.cancel()


@asynccontextmanager
async def held_up(database: str) -> AsyncIterator[None]:
    """Let nothing be written to the log for as long as the context lasts."""
    session = await asyncpg.connect(database)
    try:
        async with session.transaction():
            await session.execute("lock table call_events.log_flush in exclusive mode")
            yield
    finally:
        await session.close()


async def test_a_client_that_tells_all_it_can_leaves_room_for_what_another_tells(
    database: str, doors: Any, another: Any
) -> None:
    hungry, modest = await doors("hungry"), await doors("modest")
    batches, event = [_batch(another()) for _ in range(2 * BATCHES)], another().event(contact_arrived={})
    async with held_up(database):
        streams = [asyncio.create_task(_stream(hungry, batch)) for batch in batches[:BATCHES]]
        calls = [asyncio.create_task(tell(hungry, *batch.batch.events)) for batch in batches[BATCHES:]]
        async with asyncio.timeout(DEADLINE_SECONDS):
            (first, *_), _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        assert refusal(cast("AioRpcError", first.exception())).reason == "LOG_BUSY"
        telling = asyncio.create_task(tell(modest, event))
        await modest.ReadEvents(pb.ReadEventsRequest(limit=1))  # answered after the other has come
        assert not telling.done()
    assert await telling == [event.event_id]
    await asyncio.gather(*streams, *calls, return_exceptions=True)  # what became of the crowd is its own affair


def _batch(teller: Any) -> pb.StreamContactEventsRequest:
    events = [teller.event(note_added={"text": "x"}) for _ in range(BATCH_EVENTS)]
    return pb.StreamContactEventsRequest(batch=pb.StreamBatch(batch_number=1, events=events))


async def _stream(stub: Any, batch: pb.StreamContactEventsRequest) -> int:
    """Tell a batch by a stream; return how many of its events are recorded."""

    async def requests() -> AsyncIterator[pb.StreamContactEventsRequest]:
        yield pb.StreamContactEventsRequest(hello=pb.StreamHello(source_id="pbx"))
        yield batch

    answers = [answer async for answer in stub.StreamContactEvents(requests())]
    return int(answers[-1].acknowledgement.recorded)
