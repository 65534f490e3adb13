"""StreamContactEvents: hello, batches in order, acknowledgements, and going on where the line was lost."""

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import grpc
import pytest

from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from service_host.client import refusal

Another = Callable[..., Any]


def hello(source: str = "pbx") -> pb.StreamContactEventsRequest:
    return pb.StreamContactEventsRequest(hello=pb.StreamHello(source_id=source))


def batch(number: int, events: Iterable[Any]) -> pb.StreamContactEventsRequest:
    return pb.StreamContactEventsRequest(batch=pb.StreamBatch(batch_number=number, events=events))


def counted(teller: Any, *seqs: int) -> list[Any]:
    events = [teller.event(enqueued={"queue": "support"}) for _ in seqs]
    for event, seq in zip(events, seqs, strict=True):
        event.source_seq = seq
    return events


async def told(stub: Any, *requests: Any) -> list[Any]:
    async def all_of_them() -> AsyncIterator[Any]:
        for request in requests:
            yield request

    return [answer async for answer in stub.StreamContactEvents(all_of_them())]


async def test_a_new_source_is_welcomed_with_credit_and_nothing_held(stub: Any) -> None:
    (welcome,) = await told(stub, hello("never heard of"))
    assert not welcome.welcome.HasField("last_source_seq")
    assert welcome.welcome.credit_events >= 1_000


async def test_each_batch_is_acknowledged_and_the_next_hello_says_what_is_held(another: Another, stub: Any) -> None:
    teller = another("counting")
    answers = await told(stub, hello("counting"), batch(1, counted(teller, 1, 2, 3)), batch(2, counted(teller, 4, 5)))
    acknowledged = [answer.acknowledgement for answer in answers[1:]]
    assert [(one.batch_number, one.recorded, one.last_source_seq) for one in acknowledged] == [(1, 3, 3), (2, 2, 5)]
    (welcome,) = await told(stub, hello("counting"))
    assert welcome.welcome.last_source_seq == 5


async def test_a_batch_told_again_is_acknowledged_again_and_recorded_once(another: Another, stub: Any) -> None:
    teller = another("again")
    once = batch(1, counted(teller, 1, 2))
    await told(stub, hello("again"), once)
    answers = await told(stub, hello("again"), once)
    assert answers[0].welcome.last_source_seq == 2
    assert answers[1].acknowledgement.recorded == 2
    assert len((await teller.contact()).events) == 2


async def test_a_refused_event_is_named_and_the_rest_of_the_batch_stands(another: Another, stub: Any) -> None:
    teller = another("mixed")
    first, bad, foreign = counted(teller, 1, 2, 3)
    bad.ClearField("event_time")
    foreign.source_id = "another"
    answers = await told(stub, hello("mixed"), batch(1, [first, bad, foreign]))
    acknowledged = answers[1].acknowledgement
    assert acknowledged.recorded == 1
    assert [(one.event_id, one.refused.reason) for one in acknowledged.refused] == [
        (bad.event_id, "MISSING_EVENT_TIME"),
        (foreign.event_id, "FOREIGN_SOURCE"),
    ]
    assert acknowledged.last_source_seq == 1


async def test_reading_from_an_acknowledgement_gives_what_comes_later(another: Another, stub: Any) -> None:
    teller = another("followed")
    answers = await told(stub, hello("followed"), batch(1, counted(teller, 1)), batch(2, counted(teller, 2)))
    page = await stub.ReadEvents(pb.ReadEventsRequest(cursor=answers[1].acknowledgement.cursor))
    assert [event.contact_event.event.source_seq for event in page.events] == [2]


@pytest.mark.parametrize(
    ("requests", "reason"),
    [
        ([batch(1, [])], "HELLO_FIRST"),
        ([hello("")], "HELLO_FIRST"),
        ([], "HELLO_FIRST"),
        ([hello(), hello()], "HELLO_ONCE"),
    ],
)
async def test_a_stream_that_begins_wrongly_is_ended_with_the_reason(stub: Any, requests: Any, reason: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await told(stub, *requests)
    assert refusal(failed.value).reason == reason


async def test_a_source_that_the_token_does_not_name_gets_no_welcome(service: Any) -> None:
    async with service.connect(service.token(sources=("pbx",))) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await told(CallEventsServiceStub(channel), hello("another"))
    assert refusal(failed.value).reason == "SOURCE_NOT_YOURS"


async def test_many_batches_sent_at_once_are_acknowledged_in_order(another: Another, stub: Any) -> None:
    tellers = [another("eager") for _ in range(100)]
    batches = [batch(number, counted(teller, number)) for number, teller in enumerate(tellers, 1)]
    answers = await told(stub, hello("eager"), *batches)
    assert [answer.acknowledgement.batch_number for answer in answers[1:]] == list(range(1, 101))
