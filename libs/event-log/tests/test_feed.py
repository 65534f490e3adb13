"""Feeds named by URL: they outlive the service they read, and end only for what a reader must know."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import grpc
import pytest

from event_log.errors import IncarnationChanged, InvalidRead, LogUnavailable, NotAllowed
from event_log.feed import open_feed
from event_log.grpc_client import GrpcLog
from event_log.grpc_service import LogServicer
from event_log.log import Log
from event_log.memory import MemoryLog
from event_log.model import Append, Cursor, NewEvent, StreamAppend
from event_log_testing import appending, contact, event, fill, ids
from holdfast.log.v1 import log_service_pb2
from holdfast.log.v1.log_service_pb2_grpc import LogServiceServicer, add_LogServiceServicer_to_server


@asynccontextmanager
async def a_service(servicer: LogServiceServicer, port: int = 0) -> AsyncIterator[int]:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    add_LogServiceServicer_to_server(servicer, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(None)


def open_channel(address: str) -> grpc.aio.Channel:
    options = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 100)]
    return grpc.aio.insecure_channel(address, options=options)


async def collect(url: str, seen: list[int], until: int) -> None:
    async with open_feed(url, open_channel) as feed:
        async for page in feed.pages(0):
            seen += ids(page.events)
            if len(seen) >= until:
                return


async def test_a_feed_goes_on_after_its_service_was_away() -> None:
    log, seen = MemoryLog(), list[int]()
    await fill(log, [1, 2])
    async with a_service(LogServicer(log)) as port:
        reading = asyncio.create_task(collect(f"grpc://127.0.0.1:{port}", seen, 4))
        async with asyncio.timeout(30):
            while seen != [1, 2]:
                await asyncio.wait([reading], timeout=0.01)
    await fill(log, [3, 4])
    async with a_service(LogServicer(log), port), asyncio.timeout(60):
        await reading
    assert seen == [1, 2, 3, 4]


async def test_a_feed_in_columns_reads_the_same() -> None:
    log = MemoryLog()
    await fill(log, range(1, 8))
    async with a_service(LogServicer(log)) as port, open_feed(f"grpc://127.0.0.1:{port}", open_channel) as feed:
        positions: list[int] = []
        async for page in feed.packed_pages(2, columns=["position"], limit=2):
            positions += page.batch["position"].to_pylist()
            if len(positions) == 5:
                break
    assert positions == [3, 4, 5, 6, 7]


async def test_a_feed_ends_when_the_incarnation_changed() -> None:
    async with a_service(LogServicer(MemoryLog())) as port, open_feed(f"grpc://127.0.0.1:{port}", open_channel) as feed:
        with pytest.raises(IncarnationChanged):
            await anext(feed.pages(Cursor("another", 1, 0)))


@pytest.mark.parametrize("url", ["kafka://broker:9092/call-events", "http://somewhere", "127.0.0.1:7701", "grpc://"])
async def test_an_address_that_is_no_feed_is_refused_in_one_sentence(url: str) -> None:
    with pytest.raises(InvalidRead, match="a feed's address is"):
        async with open_feed(url, open_channel):
            pass


class ClosedDoor(LogServicer):
    async def GetHead(  # noqa: N802
        self, _request: log_service_pb2.GetHeadRequest, context: "grpc.aio.ServicerContext[Any, Any]"
    ) -> log_service_pb2.GetHeadResponse:
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "no")


async def test_a_closed_door_is_told_as_such() -> None:
    async with a_service(ClosedDoor(MemoryLog())) as port, open_channel(f"127.0.0.1:{port}") as channel:
        with pytest.raises(NotAllowed):
            await GrpcLog(channel).head()


async def test_pages_too_heavy_for_one_message_come_in_several() -> None:
    log: Log = MemoryLog()
    heavy = [NewEvent(UUID(int=n), "X", 0, b"x" * 700_000, b"", "pbx") for n in range(1, 13)]
    async with a_service(LogServicer(log)) as port, open_channel(f"127.0.0.1:{port}") as channel:
        client = GrpcLog(channel)
        verdicts = await client.append_all([Append("bank", [StreamAppend(contact(1), [one])]) for one in heavy])
        assert len(verdicts) == 12
        assert ids((await client.read_stream("bank", contact(1))).events) == list(range(1, 13))
        assert ids((await client.read_stream("bank", contact(1), backwards=True)).events) == list(range(12, 0, -1))
        assert ids((await client.read_streams("bank", [contact(1)]))[contact(1)]) == list(range(1, 13))
        first = await client.read(0)
        assert ids(first.events) == list(range(1, first.complete_to.position + 1))
        assert 0 < first.complete_to.position < 12
        positions = [x for page in [p async for p in client.read_packed(0)] for x in page.batch["position"].to_pylist()]
        assert positions == list(range(1, 13))


async def test_an_unknown_service_is_unavailable_not_a_fault() -> None:
    async with open_channel("127.0.0.1:1") as channel:
        with pytest.raises(LogUnavailable, match="UNAVAILABLE"):
            await GrpcLog(channel).append(appending(contact(1), event(1)))
