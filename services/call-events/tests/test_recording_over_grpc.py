"""Recording over gRPC on a real Postgres: verdicts, repetition, authority, bad input; and what is read back."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactName
from service_host.client import refusal

Another = Callable[..., Any]
LATE = 1_795_000_000
RECORD = "/holdfast.call_events.v1.CallEventsService/RecordContactEvents"


async def refused(call: Any) -> Any:
    """What a call was refused with."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    return refusal(failed.value)


def reasons(verdicts: list[Any]) -> list[str]:
    return [verdict.refused.reason if verdict.HasField("refused") else "recorded" for verdict in verdicts]


async def test_a_contact_told_is_read_back(teller: Any) -> None:
    await teller.record(
        teller.event(contact_arrived={"service_number": "+498001234", "native_id": "1.1"}),
        teller.event(enqueued={"queue": "support"}),
        teller.event(leg_answered={"leg_id": "2", "role": "LEG_ROLE_AGENT", "agent": "anna"}),
        teller.event(bridged={"leg_id": "1", "peer_leg_id": "2", "agent": "anna", "queue": "support"}),
    )
    found = (await teller.contact()).contact
    assert (found.phase, found.service_number) == ("bridged", "+498001234")
    assert [visit.queue for visit in found.queue_visits] == ["support"]
    assert [spell.agent for spell in found.assignments] == ["anna"]
    assert found.root_contact_id == found.contact_id == teller.contact_id


async def test_told_twice_is_told_once(teller: Any) -> None:
    event = teller.event(enqueued={"queue": "support"})
    first, second = await teller.record(event), await teller.record(event)
    assert [(v.recorded.version, v.recorded.duplicate) for v in first + second] == [(1, False), (1, True)]
    assert len((await teller.contact()).events) == 1


async def test_told_twice_in_one_message_is_told_once(teller: Any) -> None:
    event = teller.event(enqueued={"queue": "support"})
    verdicts = await teller.record(event, event)
    assert [verdict.recorded.duplicate for verdict in verdicts] == [False, True]


async def test_an_id_with_another_content_is_refused(teller: Any) -> None:
    event = teller.event(enqueued={"queue": "support"})
    await teller.record(event)
    event.enqueued.queue = "sales"
    (verdict,) = await teller.record(event)
    assert verdict.refused.reason == "EVENT_ID_REUSED"
    assert (await teller.contact()).contact.queue_visits[0].queue == "support"


async def test_a_refused_event_does_not_fail_its_neighbours(teller: Any) -> None:
    bad = teller.event(enqueued={"queue": "support"})
    bad.ClearField("event_time")
    verdicts = await teller.record(
        teller.event(contact_arrived={}), bad, teller.event(), teller.event(enqueued={"queue": "sales"})
    )
    assert reasons(verdicts) == ["recorded", "MISSING_EVENT_TIME", "MISSING_BODY", "recorded"]
    assert len((await teller.contact()).events) == 2


async def test_validate_only_says_the_same_and_records_nothing(teller: Any) -> None:
    bad = teller.event(enqueued={"queue": "q" * 500})
    arrival = teller.event(contact_arrived={"caller": {"number": "+4930555001"}})
    verdicts = await teller.record(arrival, bad, validate_only=True)
    assert reasons(verdicts) == ["recorded", "INVALID_FIELD"]
    assert verdicts[0].recorded.version == 0
    answer = await refused(teller.contact())
    assert answer.reason == "CONTACT_NOT_FOUND"
    resolved = await teller.stub.ResolveCaller(pb.ResolveCallerRequest(number="+4930555001"))
    assert resolved.created, "validating makes no caller"


async def test_events_out_of_order_and_from_two_sources_make_one_contact(teller: Any) -> None:
    left = teller.event(dequeued={"queue": "support", "kind": "DEQUEUE_KIND_ABANDONED"}, at=LATE + 1_000)
    begun = teller.event(enqueued={"queue": "support"}, at=LATE)
    arrived = teller.event(contact_arrived={}, at=LATE - 100)
    arrived.source_id = "carrier"
    await teller.record(left)
    await teller.record(begun, arrived)
    found = (await teller.contact()).contact
    assert found.end == "abandoned_queue"
    assert found.queue_visits[0].wait_us == 1_000_000_000


@pytest.mark.parametrize("second", [-2_177_452_800, 9_214_646_400])
async def test_a_time_in_1901_or_2262_is_recorded_and_noted(teller: Any, second: int) -> None:
    (verdict,) = await teller.record(teller.event(enqueued={"queue": "support"}, at=second))
    assert list(verdict.recorded.notes) == ["TIME_OUT_OF_RANGE"]
    (event,) = (await teller.contact()).events
    assert event.event.event_time.seconds == second


async def test_a_source_that_the_token_does_not_name_is_refused(service: Any, another: Another) -> None:
    async with service.connect(service.token(sources=("pbx",))) as channel:
        teller = another()
        teller.stub = CallEventsServiceStub(channel)
        foreign = teller.event(enqueued={"queue": "support"})
        foreign.source_id = "another"
        verdicts = await teller.record(foreign, teller.event(enqueued={"queue": "support"}))
        assert reasons(verdicts) == ["FOREIGN_SOURCE", "recorded"]


async def test_another_tenant_finds_nothing_and_may_use_the_same_ids(service: Any, teller: Any) -> None:
    await teller.record(teller.event(enqueued={"queue": "support"}))
    async with service.connect(service.token("other")) as channel:
        theirs = CallEventsServiceStub(channel)
        answer = await refused(
            theirs.GetContact(pb.GetContactRequest(contact=ContactName(contact_id=teller.contact_id)))
        )
        assert answer.reason == "CONTACT_NOT_FOUND"
        teller.stub = theirs
        (verdict,) = await teller.record(teller.event(enqueued={"queue": "theirs"}))
        assert verdict.recorded.version == 1
        assert [visit.queue for visit in (await teller.contact()).contact.queue_visits] == ["theirs"]


async def test_without_a_token_or_with_one_too_small_nothing_is_recorded(service: Any) -> None:
    request = pb.RecordContactEventsRequest()
    for token, status in (
        ("nonsense", "Unauthenticated"),
        (service.token(scopes=("events:read",)), "PermissionDenied"),
    ):
        async with service.connect(token) as channel:
            answer = await refused(CallEventsServiceStub(channel).RecordContactEvents(request))
            assert type(answer).__name__ == status


async def test_garbage_bytes_are_the_tellers_fault(service: Any) -> None:
    async with service.connect() as channel:
        answer = await refused(channel.unary_unary(RECORD)(b"\xff\xff\xff garbage"))
        assert (type(answer).__name__, answer.reason) == ("InvalidArgument", "MALFORMED")


async def test_a_message_of_ten_megabytes_is_refused_and_the_service_lives(service: Any, teller: Any) -> None:
    async with service.connect() as channel:
        answer = await refused(channel.unary_unary(RECORD)(bytes(10_000_000)))
        assert answer.status is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reasons(await teller.record(teller.event(enqueued={"queue": "support"}))) == ["recorded"]


async def test_more_events_than_a_message_may_hold_are_refused_whole(teller: Any) -> None:
    answer = await refused(teller.record(*[teller.event(contact_closed={})] * 1_001))
    assert answer.reason == "TOO_MANY_EVENTS"


async def test_unknown_fields_are_left_out_and_noted(service: Any, teller: Any) -> None:
    told = teller.event(note_added={"text": "hello"})
    body = told.note_added.SerializeToString()
    newer = told.SerializeToString().replace(
        bytes([len(body)]) + body, bytes([len(body) + 6]) + body + b"\xc2\x3e\x03new"
    )
    request = pb.RecordContactEventsRequest().SerializeToString() + b"\x0a" + bytes([len(newer)]) + newer
    async with service.connect() as channel:
        raw = await channel.unary_unary(RECORD)(request)
    (verdict,) = pb.RecordContactEventsResponse.FromString(raw).verdicts
    assert list(verdict.recorded.notes) == ["UNKNOWN_FIELDS_DROPPED"]
    assert (await teller.contact()).events[0].event.note_added.text == "hello"


async def test_a_card_number_is_never_read_back(teller: Any) -> None:
    (verdict,) = await teller.record(teller.event(note_added={"text": "pays with 4111 1111 1111 1111, exp 12/27"}))
    assert list(verdict.recorded.notes) == ["CARD_NUMBER_MASKED"]
    assert (await teller.contact()).events[0].event.note_added.text == "pays with [card], exp 12/27"


async def test_a_callers_number_is_read_back_as_a_caller_ref_only(teller: Any, another: Another) -> None:
    arrival = {"caller": {"number": "+49 30 555-002"}}
    await teller.record(teller.event(contact_arrived=arrival))
    second = another()
    await second.record(second.event(contact_arrived={"caller": {"number": "004930555002"}}))
    first, again = await teller.contact(), await second.contact()
    assert first.contact.caller_ref == again.contact.caller_ref != ""
    caller = first.events[0].event.contact_arrived.caller
    assert (caller.number, caller.HasField("sealed")) == ("", False)
    assert b"555002" not in first.SerializeToString()


async def test_a_contact_is_told_as_it_was_known_earlier(teller: Any) -> None:
    await teller.record(teller.event(enqueued={"queue": "support"}))
    (first,) = (await teller.contact()).events
    await teller.record(teller.event(dequeued={"queue": "support", "kind": "DEQUEUE_KIND_ABANDONED"}))
    now = await teller.contact()
    assert now.contact.phase == "ended"
    assert now.events[1].envelope.record_time_us > first.envelope.record_time_us
    earlier = await teller.contact(
        as_of_time={
            "seconds": first.envelope.record_time_us // 1_000_000,
            "nanos": first.envelope.record_time_us % 1_000_000 * 1_000,
        }
    )
    assert earlier.contact.phase == "queued"
    answer = await refused(teller.contact(as_of_time={"seconds": 1_000}))
    assert answer.reason == "CONTACT_NOT_FOUND"


async def test_links_lead_to_the_contact_that_figures_group_by(another: Another) -> None:
    first, second, third = another(), another(), another()
    await first.record(first.event(contact_arrived={}))
    await second.record(second.event(contact_linked={"to_contact_id": first.contact_id}))
    await third.record(third.event(contact_linked={"to_contact_id": second.contact_id}))
    assert (await third.contact()).contact.root_contact_id == first.contact_id
    await first.record(first.event(contact_linked={"to_contact_id": third.contact_id}))
    assert (await third.contact()).contact.root_contact_id in {first.contact_id, second.contact_id, third.contact_id}


async def test_a_voided_event_stays_visible_and_counts_no_more(teller: Any) -> None:
    wrong = teller.event(enqueued={"queue": "support"})
    await teller.record(wrong, teller.event(event_voided={"event_id": wrong.event_id}))
    found = await teller.contact()
    assert not found.contact.queue_visits
    assert [event.voided for event in found.events] == [True, False]


async def test_a_contact_named_by_its_native_id_is_the_one_everybody_computes(another: Another) -> None:
    teller = another()
    event = teller.event(contact_arrived={})
    event.contact.alias.native_id = f"native {teller.contact_id}"
    (verdict,) = await teller.record(event)
    by_name = pb.GetContactRequest()
    by_name.contact.alias.native_id, by_name.contact.alias.source_id = event.contact.alias.native_id, "pbx"
    found = await teller.stub.GetContact(by_name)
    assert found.contact.contact_id == verdict.recorded.contact_id != ""


async def test_a_further_name_told_once_finds_the_contact_from_then_on(teller: Any) -> None:
    name = f"linked {teller.contact_id}"
    arrived = teller.event(contact_arrived={})
    arrived.contact.also_known_as.add(kind="linkedid", native_id=name)
    later = teller.event(enqueued={"queue": "support"})
    later.contact.alias.kind, later.contact.alias.native_id = "linkedid", name
    verdicts = await teller.record(arrived, later)
    assert [verdict.recorded.version for verdict in verdicts] == [1, 2]
    assert (await teller.record(later))[0].recorded.duplicate


async def test_a_name_means_what_it_meant_at_its_first_use(another: Another) -> None:
    early, late = another(), another()
    name = f"linked {early.contact_id}"
    used = early.event(enqueued={"queue": "support"})
    used.contact.alias.kind, used.contact.alias.native_id = "linkedid", name
    await early.record(used)
    claims = late.event(contact_arrived={})
    claims.contact.also_known_as.add(kind="linkedid", native_id=name)
    (verdict,) = await late.record(claims)
    assert list(verdict.recorded.notes) == ["ALIAS_TAKEN"]
    assert (await early.record(used))[0].recorded.duplicate, "told again, it finds the contact it found before"


async def test_agents_and_sources_are_told_of_on_the_same_terms(stub: Any, another: Another) -> None:
    teller = another()
    bodies: list[dict[str, Any]] = [
        {"agent_state_changed": {"agent": "anna", "state": "AGENT_STATE_AVAILABLE"}},
        {"source_gap": {"from_source_seq": 3, "to_source_seq": 5}},
        {"agent_logged_in": {}},
    ]
    when = Timestamp(seconds=LATE)
    events = [AgentEvent(event_id=teller.event().event_id, source_id="pbx", event_time=when, **body) for body in bodies]
    request = pb.RecordAgentEventsRequest(events=events)
    answer = await stub.RecordAgentEvents(request)
    assert reasons(list(answer.verdicts)) == ["recorded", "recorded", "INVALID_FIELD"]
    again = await stub.RecordAgentEvents(request)
    assert [verdict.recorded.duplicate for verdict in again.verdicts[:2]] == [True, True]
