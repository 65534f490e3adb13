"""ListContacts: follows the log, filters, pages; one tenant's list is no other's."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from holdfast_testing import eventually
from service_host.client import refusal

Another = Callable[..., Any]
BEGIN = 1_795_000_000


async def listed(stub: Any, **asked: Any) -> list[Any]:
    return list((await stub.ListContacts(pb.ListContactsRequest(**asked))).contacts)


@pytest.fixture
async def day(another: Another, stub: Any) -> list[Any]:
    """Seven contacts a minute apart: answered by anna, left waiting in sales, or still waiting in support."""
    tellers = [another() for _ in range(7)]
    for number, teller in enumerate(tellers):
        at, queue = BEGIN + 60 * number, "sales" if number % 2 else "support"
        caller = {"number": f"+493055510{number:02}"}
        await teller.record(
            teller.event(at=at, contact_arrived={"service_number": f"+49800{queue}", "caller": caller}),
            teller.event(at=at + 1, enqueued={"queue": queue}),
        )
    served, left = tellers[0], tellers[1]
    await served.record(
        served.event(at=BEGIN + 9, bridged={"leg_id": "1", "peer_leg_id": "2", "agent": "anna", "queue": "support"}),
        served.event(at=BEGIN + 99, leg_ended={"leg_id": "2", "role": "LEG_ROLE_AGENT", "agent": "anna"}),
        served.event(at=BEGIN + 99, leg_ended={"leg_id": "1", "role": "LEG_ROLE_CALLER"}),
    )
    await left.record(left.event(at=BEGIN + 90, dequeued={"queue": "sales", "kind": "DEQUEUE_KIND_ABANDONED"}))
    mine = {teller.contact_id for teller in tellers}

    async def whole() -> bool:
        contacts = [contact for contact in await listed(stub, page_size=500) if contact.contact_id in mine]
        return len(contacts) == len(mine) and sum(bool(contact.end) for contact in contacts) >= 2

    await eventually(whole)
    return tellers


def of(tellers: list[Any], contacts: list[Any]) -> list[int]:
    """The numbers of those listed contacts that are of the day, in order of the list."""
    ids = [teller.contact_id for teller in tellers]
    return [ids.index(contact.contact_id) for contact in contacts if contact.contact_id in ids]


async def test_contacts_are_listed_newest_first_and_filtered(day: list[Any], stub: Any) -> None:
    whole = {"page_size": 500}
    assert of(day, await listed(stub, **whole)) == [6, 5, 4, 3, 2, 1, 0]
    assert of(day, await listed(stub, queue="sales", **whole)) == [5, 3, 1]
    assert of(day, await listed(stub, agent="anna", **whole)) == [0]
    assert of(day, await listed(stub, end="abandoned_queue", **whole)) == [1]
    assert of(day, await listed(stub, end="open", queue="support", **whole)) == [6, 4, 2]
    assert of(day, await listed(stub, service_number="+49800sales", **whole)) == [5, 3, 1]
    between = {"arrived_from": Timestamp(seconds=BEGIN + 60), "arrived_to": Timestamp(seconds=BEGIN + 180)}
    assert of(day, await listed(stub, **between, **whole)) == [2, 1]
    caller_ref = (await day[3].contact()).contact.caller_ref
    assert of(day, await listed(stub, caller_ref=caller_ref)) == [3]


async def test_a_summary_says_how_a_contact_went(day: list[Any], stub: Any) -> None:
    (summary,) = [one for one in await listed(stub, agent="anna") if one.contact_id == day[0].contact_id]
    assert (list(summary.queues), list(summary.agents), summary.end) == (["support"], ["anna"], "handled")
    assert (summary.arrived_time.seconds, summary.ended_time.seconds) == (BEGIN, BEGIN + 99)


async def test_pages_give_each_contact_once(day: list[Any], stub: Any) -> None:
    found: list[Any] = []
    token = ""
    while True:
        page = await stub.ListContacts(pb.ListContactsRequest(page_size=2, page_token=token))
        assert len(page.contacts) <= 2
        found += page.contacts
        token = page.next_page_token
        if not token:
            break
    assert of(day, found) == [6, 5, 4, 3, 2, 1, 0]
    assert len({contact.contact_id for contact in found}) == len(found)


async def test_a_token_of_other_filters_of_another_tenant_or_made_up_is_refused(
    day: list[Any], stub: Any, service: Any
) -> None:
    token = (await stub.ListContacts(pb.ListContactsRequest(page_size=2, queue="sales"))).next_page_token
    assert token
    assert day
    async with service.connect(service.token("other")) as channel:
        other = CallEventsServiceStub(channel)
        for who, asked in (
            (stub, {"page_token": token, "queue": "support"}),
            (stub, {"page_token": "made up", "queue": "sales"}),
            (other, {"page_token": token, "queue": "sales"}),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as failed:
                await listed(who, **asked)
            assert refusal(failed.value).reason == "WRONG_CURSOR"
        assert await listed(other) == []


@pytest.mark.parametrize("asked", [{"page_size": -1}, {"end": "no such end"}, {"queue": "a\0b"}, {"agent": "a" * 300}])
async def test_what_no_list_can_be_asked_for_is_refused(stub: Any, asked: dict[str, Any]) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await listed(stub, **asked)
    assert failed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal(failed.value).reason in ("INVALID_FIELD", "MALFORMED")


async def test_the_list_says_how_far_it_follows_the_log(another: Another, stub: Any) -> None:
    teller = another()
    await teller.record(teller.event(enqueued={"queue": "support"}))

    async def caught_up() -> bool:
        as_of = (await stub.ListContacts(pb.ListContactsRequest())).as_of
        return not (await stub.ReadEvents(pb.ReadEventsRequest(cursor=as_of))).events

    await eventually(caught_up)
    assert of([teller], await listed(stub, page_size=500)) == [0]
