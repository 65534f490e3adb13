"""ReadEvents and SubscribeEvents: the tenant's events by opaque cursors, and nothing of anybody else's."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest

from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from service_host.client import refusal

Another = Callable[..., Any]
QUEUES = ("a", "b", "c", "d", "e")


@pytest.fixture
async def quiet(service: Any) -> AsyncIterator[Any]:
    """A stub of a tenant that nobody else tells of."""
    async with service.connect(service.token(f"quiet-{secrets.token_hex(4)}")) as channel:
        yield CallEventsServiceStub(channel)


async def tell(another: Another, stub: Any, *queues: str) -> None:
    teller = another()
    teller.stub = stub
    await teller.record(*[teller.event(enqueued={"queue": queue}) for queue in queues])


def queues(events: Any) -> list[str]:
    return [event.contact_event.event.enqueued.queue for event in events]


async def test_pages_give_every_event_once_in_order(another: Another, quiet: Any) -> None:
    await tell(another, quiet, *QUEUES)
    found: list[str] = []
    cursor, at_end = "", False
    while not at_end:
        page = await quiet.ReadEvents(pb.ReadEventsRequest(cursor=cursor, limit=2))
        found += queues(page.events)
        cursor, at_end = page.cursor, page.at_end
    assert found == list(QUEUES)
    await tell(another, quiet, "later")
    assert queues((await quiet.ReadEvents(pb.ReadEventsRequest(cursor=cursor))).events) == ["later"]


async def test_backwards_the_newest_come_first(another: Another, quiet: Any) -> None:
    await tell(another, quiet, *QUEUES)
    page = await quiet.ReadEvents(pb.ReadEventsRequest(limit=2, backwards=True))
    assert queues(page.events) == ["e", "d"]
    rest = await quiet.ReadEvents(pb.ReadEventsRequest(cursor=page.cursor, backwards=True))
    assert queues(rest.events) == ["c", "b", "a"]
    assert rest.at_end


async def test_types_and_categories_are_chosen(another: Another, quiet: Any) -> None:
    teller = another()
    teller.stub = quiet
    await teller.record(teller.event(contact_arrived={}), teller.event(enqueued={"queue": "a"}))
    page = await quiet.ReadEvents(pb.ReadEventsRequest(types=["Enqueued"]))
    assert queues(page.events) == ["a"]
    assert not (await quiet.ReadEvents(pb.ReadEventsRequest(categories=["agent"]))).events


async def test_others_events_are_neither_given_nor_counted(another: Another, quiet: Any, stub: Any) -> None:
    await tell(another, quiet, "mine")
    await tell(another, stub, *QUEUES)
    await tell(another, quiet, "mine too")
    page = await quiet.ReadEvents(pb.ReadEventsRequest())
    assert queues(page.events) == ["mine", "mine too"]
    assert page.at_end


async def test_positions_are_shown_only_to_those_who_may_read_the_log(
    service: Any, another: Another, stub: Any
) -> None:
    await tell(another, stub, "a")
    async with service.connect(service.token(scopes=("events:read",))) as channel:
        theirs = await CallEventsServiceStub(channel).ReadEvents(pb.ReadEventsRequest())
    ours = await stub.ReadEvents(pb.ReadEventsRequest())
    assert {event.contact_event.envelope.position for event in theirs.events if event.HasField("contact_event")} == {0}
    assert all(event.contact_event.envelope.position for event in ours.events if event.HasField("contact_event"))


@pytest.mark.parametrize("cursor", ["garbage", "A" * 90])
async def test_a_made_up_cursor_is_refused(stub: Any, cursor: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.ReadEvents(pb.ReadEventsRequest(cursor=cursor))
    assert failed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal(failed.value).reason == "WRONG_CURSOR"


async def test_a_foreign_cursor_is_refused_the_same_way(stub: Any, quiet: Any) -> None:
    cursor = (await stub.ReadEvents(pb.ReadEventsRequest(limit=1))).cursor
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await quiet.ReadEvents(pb.ReadEventsRequest(cursor=cursor))
    assert refusal(failed.value).reason == "WRONG_CURSOR"


async def test_an_empty_log_of_a_tenant_is_at_its_end_both_ways(quiet: Any) -> None:
    for backwards in (False, True):
        page = await quiet.ReadEvents(pb.ReadEventsRequest(backwards=backwards))
        assert (list(page.events), page.at_end) == ([], True)


async def test_a_subscription_catches_up_and_then_follows_live(another: Another, quiet: Any) -> None:
    await tell(another, quiet, "before")
    call = quiet.SubscribeEvents(pb.SubscribeEventsRequest())
    found: list[str] = []
    async with asyncio.timeout(60):
        async for page in call:
            found += queues(page.events)
            if found == ["before"] and page.events:
                await tell(another, quiet, "live")
            if "live" in found:
                break
    call.cancel()
    assert found == ["before", "live"]


async def test_a_subscription_from_the_end_gives_only_what_comes(another: Another, quiet: Any) -> None:
    await tell(another, quiet, "before")
    end = (await quiet.ReadEvents(pb.ReadEventsRequest())).cursor
    call = quiet.SubscribeEvents(pb.SubscribeEventsRequest(cursor=end))
    reading = asyncio.ensure_future(anext(aiter(call)))
    await tell(another, quiet, "after")
    async with asyncio.timeout(60):
        assert queues((await reading).events) == ["after"]
    call.cancel()
