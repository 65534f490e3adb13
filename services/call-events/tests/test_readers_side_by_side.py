"""Readers of the log side by side: one that hoards idle streams and one that reads all it can starve nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from grpc.aio import AioRpcError

from holdfast.log.v1 import log_service_pb2 as log
from holdfast.log.v1.log_service_pb2_grpc import LogServiceStub
from service_host import client
from service_host.client import refusal

STREAMS = 64
"""What one caller may have, as every process is told unless it is told otherwise."""
EVENTS = 3_000
TENANT = "acme"


@pytest.fixture
async def doors(service: Any) -> AsyncIterator[Any]:
    """Give a way to open the log's door under a name of one's own."""
    async with AsyncExitStack() as stack:

        async def opened(subject: str) -> Any:
            token = service.issuer.mint(TENANT, subject, scopes=("log:read",), sources=("*",))
            return LogServiceStub(await stack.enter_async_context(client.connect(service.ready["log"], token=token)))

        yield opened


async def record(another: Any, events: int) -> list[Any]:
    """Record events of one contact in a few calls; return the verdicts."""
    teller = another()
    told = [teller.event(enqueued={"queue": "support"}) for _ in range(events)]
    return [verdict for start in range(0, events, 500) for verdict in await teller.record(*told[start : start + 500])]


async def test_a_hoarder_and_a_glutton_leave_room_for_others_and_for_what_is_told(doors: Any, another: Any) -> None:
    await record(another, EVENTS)
    hoarder, glutton, modest = await doors("hoarder"), await doors("glutton"), await doors("modest")
    idle = [hoarder.SubscribeEvents(log.SubscribeEventsRequest(packed=True)) for _ in range(STREAMS)]
    for stream in idle:
        assert (await stream.read()).head_position
    with pytest.raises(AioRpcError) as refused:
        await hoarder.SubscribeEvents(log.SubscribeEventsRequest()).read()
    assert refusal(refused.value).reason == "CALLER_LIMIT"
    eating = [asyncio.create_task(_everything(glutton)) for _ in range(STREAMS)]
    try:
        for _ in range(5):
            page = await modest.ReadEvents(log.ReadEventsRequest(limit=10), timeout=10)
            assert len(page.events) == 10
            assert len(await record(another, 50)) == 50
    finally:
        for task in eating:
            task.cancel()
        await asyncio.gather(*eating, return_exceptions=True)
        for stream in idle:
            stream.cancel()


async def _everything(stub: Any) -> None:
    """Read the whole log again and again."""
    while True:
        async for _ in stub.ReadPackedEvents(log.ReadPackedEventsRequest()):
            pass
