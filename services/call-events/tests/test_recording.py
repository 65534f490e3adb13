"""From what a teller told to what the log keeps, without a log: form, secrets, ids, MACs."""

from typing import Any

import pytest

from call_events.customer.master_key import MasterKey
from call_events.customer.sealing import CallerKey, new_caller, unseal, unwrap, wrap
from call_events.errors import EventRefused
from call_events.record.recording import MOST_ALIASES, Intake
from call_events.record.told import Told
from contact_life import identity
from event_log.model import NewEvent
from holdfast.call_events.v1 import after_pb2, arrival_pb2, ivr_pb2, observation_pb2
from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactEvent

NOW_US = 1_790_000_000_000_000
DAY_US = 86_400_000_000
ID = "0198c0de-0000-4000-8000-000000000001"
CONTACT = "0198c0de-0000-5000-8000-00000000000a"
CARD = "4111 1111 1111 1111"
KEYS = MasterKey(bytes(32)).tenant("acme")


def intake(own_numbers: tuple[str, ...] = ()) -> Intake:
    return Intake("acme", {"pbx"}.__contains__, NOW_US, own_numbers)


def event(time_us: int = NOW_US, **more: Any) -> ContactEvent:
    told = ContactEvent(event_id=ID, source_id="pbx", **more)
    told.contact.contact_id = CONTACT
    told.event_time.FromMicroseconds(time_us)
    return told


def read(told: ContactEvent, own_numbers: tuple[str, ...] = ()) -> Told:
    (found,) = intake(own_numbers).contact_events(pb.RecordContactEventsRequest(events=[told]))
    if isinstance(found, EventRefused):
        raise found
    return found


def read_agent(told: AgentEvent) -> Told:
    (found,) = intake().agent_events(pb.RecordAgentEventsRequest(events=[told]))
    if isinstance(found, EventRefused):
        raise found
    return found


def reason(told: ContactEvent) -> str:
    with pytest.raises(EventRefused) as refused:
        read(told)
    return refused.value.reason


def kept(told: Told, caller: CallerKey | None = None) -> NewEvent:
    return told.new_event(KEYS, caller, "")


def a_caller(tenant: str = "acme") -> CallerKey:
    wrapping = MasterKey(bytes(32)).wrapping
    return unwrap(wrapping, tenant, ID, wrap(wrapping, tenant, new_caller(ID)))


def test_the_payload_is_the_body_alone_and_the_rest_is_the_envelope() -> None:
    told = event(source_seq=7, actor="anna", causation_id=CONTACT)
    told.enqueued.queue = "support"
    new = kept(read(told))
    assert (new.type, new.source_seq, new.actor, str(new.causation_id)) == ("Enqueued", 7, "anna", CONTACT)
    assert new.payload == told.enqueued.SerializeToString()
    assert new.event_time_us == NOW_US
    assert new.traceparent == ""


def test_every_type_of_event_can_be_told() -> None:
    for field in ContactEvent.DESCRIPTOR.oneofs_by_name["body"].fields:
        told = event()
        body = getattr(told, field.name)
        body.SetInParent()
        for name in ("to_contact_id", "event_id"):
            if name in body.DESCRIPTOR.fields_by_name:
                setattr(body, name, CONTACT)
        assert read(told).form.type == body.DESCRIPTOR.name


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"event_id": ""}, "MISSING_EVENT_ID"),
        ({"event_id": "seven"}, "MALFORMED_ID"),
        ({"source_id": ""}, "INVALID_FIELD"),
        ({"source_id": "s" * 201}, "INVALID_FIELD"),
        ({"source_id": "another"}, "FOREIGN_SOURCE"),
        ({"causation_id": "seven"}, "MALFORMED_ID"),
        ({"correlation_id": "seven"}, "MALFORMED_ID"),
        ({"actor": "a" * 201}, "INVALID_FIELD"),
        ({"actor": "a\0b"}, "INVALID_FIELD"),
    ],
)
def test_what_is_malformed_is_refused_with_a_word_to_switch_on(change: dict[str, str], expected: str) -> None:
    told = event()
    told.contact_closed.SetInParent()
    for name, value in change.items():
        setattr(told, name, value)
    assert reason(told) == expected


@pytest.mark.parametrize(
    ("cleared", "expected"),
    [("contact", "MISSING_CONTACT"), ("event_time", "MISSING_EVENT_TIME"), ("contact_closed", "MISSING_BODY")],
)
def test_what_is_missing_is_refused(cleared: str, expected: str) -> None:
    told = event()
    told.contact_closed.SetInParent()
    told.ClearField(cleared)  # type: ignore[arg-type]
    assert reason(told) == expected


def test_an_event_as_large_as_a_book_is_refused() -> None:
    told = event()
    told.note_added.text = "x" * 70_000
    assert reason(told) == "TOO_LARGE"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"enqueued": {"queue": "q" * 257}}, "enqueued.queue"),
        ({"enqueued": {"queue": "a\0b"}}, "enqueued.queue"),
        ({"note_added": {"text": "x" * 16_385}}, "note_added.text"),
        ({"contact_linked": {}}, "to_contact_id"),
        ({"contact_linked": {"to_contact_id": "seven"}}, "to_contact_id"),
        ({"event_voided": {}}, "event_id"),
        ({"estimate_told": {"wait_ms": -1}}, "wait_ms"),
        ({"estimate_told": {"wait_ms": 2**62}}, "wait_ms"),
        ({"callback_requested": {"promised_time": {"seconds": 2**60}}}, "promised_time"),
    ],
)
def test_a_body_that_no_reader_could_take_is_refused_by_its_field(body: dict[str, Any], field: str) -> None:
    with pytest.raises(EventRefused) as refused:
        read(event(**body))
    assert refused.value.field == field


def test_a_time_of_no_calendar_is_refused() -> None:
    told = event(contact_closed={})
    told.event_time.seconds = 2**60
    assert reason(told) == "INVALID_FIELD"


@pytest.mark.parametrize("time_us", [-2_177_452_800_000_000, 9_214_646_400_000_000, NOW_US + DAY_US + 1])
def test_a_time_that_cannot_be_is_kept_and_noted(time_us: int) -> None:
    told = read(event(time_us, contact_closed={}))
    assert told.notes == ("TIME_OUT_OF_RANGE",)
    assert kept(told).event_time_us == time_us


@pytest.mark.parametrize("time_us", [631_152_000_000_000, NOW_US + DAY_US])
def test_a_time_that_can_be_is_not_noted(time_us: int) -> None:
    assert read(event(time_us, contact_closed={})).notes == ()


def test_times_finer_than_a_microsecond_are_cut() -> None:
    told = event(contact_closed={})
    told.event_time.nanos = 1_999
    assert kept(read(told)).event_time_us == NOW_US + 1


def test_the_contact_of_a_native_id_is_what_every_teller_computes() -> None:
    told = event(contact_closed={})
    told.contact.alias.native_id = "1700000000.42"
    assert str(read(told).stream.key) == identity.contact_id("acme", "pbx", "1700000000.42")  # type: ignore[union-attr]


def test_a_name_of_another_kind_is_looked_up() -> None:
    told = event(contact_closed={})
    told.contact.alias.kind, told.contact.alias.native_id = "linkedid", "42"
    assert read(told).alias == ("pbx", "linkedid", "42")


def test_a_further_name_needs_a_kind() -> None:
    told = event(contact_closed={})
    told.contact.also_known_as.add(native_id="42")
    assert reason(told) == "INVALID_FIELD"


def test_a_contact_has_so_many_further_names_and_no_more() -> None:
    told = event(contact_closed={})
    for number in range(MOST_ALIASES):
        told.contact.also_known_as.add(kind="linkedid", native_id=str(number))
    assert len(read(told).also_known_as) == MOST_ALIASES
    told.contact.also_known_as.add(kind="linkedid", native_id="one more")
    assert reason(told) == "INVALID_FIELD"


def test_an_id_in_other_letters_is_kept_in_its_one_form() -> None:
    told = event(contact_linked={"to_contact_id": CONTACT.upper().replace("-", "")})
    assert arrival_pb2.ContactLinked.FromString(kept(read(told)).payload).to_contact_id == CONTACT


def test_input_that_is_not_declared_safe_is_masked_whole() -> None:
    read_in = read(event(input_collected={"name": "pin", "value": "8264"}))
    assert ivr_pb2.InputCollected.FromString(kept(read_in).payload).value == "[masked]"
    assert read_in.notes == ("INPUT_MASKED",)


def test_input_declared_safe_is_kept_but_for_cards() -> None:
    assert kept(read(event(input_collected={"value": "2", "safe": True}))).payload.find(b"2") > 0
    card = read(event(input_collected={"value": CARD, "safe": True}))
    assert ivr_pb2.InputCollected.FromString(kept(card).payload).value == "[card]"
    assert card.notes == ("CARD_NUMBER_MASKED",)


@pytest.mark.parametrize(
    "body",
    [
        {"note_added": {"text": f"card {CARD}"}},
        {"survey_answered": {"text": CARD}},
        {"transfer_started": {"context": {"notes": CARD}}},
        {"transfer_started": {"context": {"attributes": {"card": CARD}}}},
        {"system_fault_reported": {"text": CARD}},
        {"leg_ended": {"end_cause": {"text": CARD}}},
        {"bridged": {"observation": {"extra": {"memo": CARD}}}},
    ],
)
def test_card_numbers_are_masked_wherever_people_write(body: dict[str, Any]) -> None:
    told = read(event(**body))
    assert "CARD_NUMBER_MASKED" in told.notes
    assert b"4111" not in kept(told).payload


@pytest.mark.parametrize(
    "body",
    [
        {"leg_ringing": {"observation": {"extra": {"CallerIDNum": "030901820"}}}},
        {"leg_ringing": {"observation": {"extra": {"memo": "call +49 30 901820 back"}}}},
        {"leg_created": {"role": "LEG_ROLE_CALLER", "endpoint": "PJSIP/030901820-0001"}},
    ],
)
def test_customers_numbers_in_raw_attributes_are_masked(body: dict[str, Any]) -> None:
    told = read(event(**body))
    assert told.notes == ("NUMBER_MASKED",)
    assert b"901820" not in kept(told).payload.replace(b" ", b"")


def test_an_agents_endpoint_and_a_native_id_stay() -> None:
    body = {
        "role": "LEG_ROLE_AGENT",
        "endpoint": "PJSIP/20040001",
        "observation": {"extra": {"Uniqueid": "1384443386.2"}},
    }
    assert read(event(leg_created=body)).notes == ()


def test_a_number_is_sealed_and_stands_nowhere_in_clear() -> None:
    told = read(event(contact_arrived={"caller": {"number": "+49 30 901820"}, "service_number": "+498001234"}))
    assert told.number == "+4930901820"
    caller = a_caller()
    new = kept(told, caller)
    body = arrival_pb2.ContactArrived.FromString(new.payload)
    assert (body.caller.number, body.caller.caller_ref, body.service_number) == ("", ID, "+498001234")
    assert body.caller.quality == observation_pb2.NUMBER_QUALITY_USABLE
    assert unseal(caller, "acme", body.caller.sealed) == "+4930901820"
    assert told.notes == ("NUMBER_SEALED",)


def test_a_number_to_call_back_is_sealed_too() -> None:
    assert read(event(callback_requested={"caller": {"number": "030901820"}})).number == "030901820"


@pytest.mark.parametrize(
    ("caller", "quality"),
    [
        ({"number": "anonymous"}, observation_pb2.NUMBER_QUALITY_WITHHELD),
        ({"number": "030901820", "quality": "NUMBER_QUALITY_WITHHELD"}, observation_pb2.NUMBER_QUALITY_WITHHELD),
        ({"number": "0000000"}, observation_pb2.NUMBER_QUALITY_PLACEHOLDER),
        ({"number": "+498001234"}, observation_pb2.NUMBER_QUALITY_PLACEHOLDER),
    ],
)
def test_a_number_that_stands_for_nobody_is_left_out_and_its_worth_told(caller: Any, quality: int) -> None:
    told = read(event(contact_arrived={"caller": caller}), own_numbers=("+498001234",))
    body = arrival_pb2.ContactArrived.FromString(kept(told).payload)
    assert (told.number, body.caller.number, body.caller.caller_ref, body.caller.quality) == ("", "", "", quality)


def test_a_number_that_stands_for_nobody_leaves_no_trace_in_the_mac() -> None:
    macs = {
        kept(read(event(contact_arrived={"caller": {"number": number, "quality": "NUMBER_QUALITY_WITHHELD"}}))).body_mac
        for number in ("030901820", "030901821")
    }
    assert len(macs) == 1


def test_a_teller_cannot_set_sealed_values() -> None:
    assert reason(event(contact_arrived={"caller": {"sealed": {"key_id": "x"}}})) == "INVALID_FIELD"


def test_the_same_event_told_twice_has_one_mac_and_another_content_another() -> None:
    told = event(note_added={"text": f"card {CARD}"})
    again = ContactEvent.FromString(told.SerializeToString())
    other = event(note_added={"text": "card 5555 5555 5555 4444"})
    first, second, third = (kept(read(one)).body_mac for one in (told, again, other))
    assert first == second != third


def test_unknown_fields_are_left_out_noted_and_part_of_the_mac() -> None:
    told = event(note_added={"text": "hello"})
    newer = told.SerializeToString()
    body = after_pb2.NoteAdded(text="hello").SerializeToString() + b"\xc2\x3e\x0b" + b"+4930901820"
    known = told.note_added.SerializeToString()
    newer = newer.replace(bytes([len(known)]) + known, bytes([len(body)]) + body)
    found = read(ContactEvent.FromString(newer))
    assert found.notes == ("UNKNOWN_FIELDS_DROPPED",)
    assert kept(found).payload == known
    assert kept(found).body_mac != kept(read(told)).body_mac


def test_a_body_of_a_newer_schema_is_refused_as_such() -> None:
    told = event()
    newer = ContactEvent.FromString(told.SerializeToString() + b"\x92\x3e\x02\x0a\x00")
    with pytest.raises(EventRefused, match="may be newer") as refused:
        read(newer)
    assert refused.value.reason == "MISSING_BODY"


def test_one_refused_event_stands_among_good_ones_in_its_place() -> None:
    good, bad = event(contact_closed={}), event(contact_closed={})
    bad.event_id = ""
    found = intake().contact_events(pb.RecordContactEventsRequest(events=[good, bad, good]))
    assert [isinstance(one, Told) for one in found] == [True, False, True]


def agent_event(**more: Any) -> AgentEvent:
    told = AgentEvent(event_id=ID, source_id="pbx", **more)
    told.event_time.FromMicroseconds(NOW_US)
    return told


def test_an_agents_events_go_to_the_stream_of_their_day() -> None:
    told = read_agent(agent_event(agent_state_changed={"agent": "anna", "state": "AGENT_STATE_AVAILABLE"}))
    assert told.stream is not None
    assert (told.stream.category, str(told.stream.key)) == ("agent", identity.agent_stream_id("acme", "anna", NOW_US))


def test_what_a_source_says_of_itself_goes_to_its_own_stream() -> None:
    told = read_agent(agent_event(source_gap={"from_source_seq": 1, "to_source_seq": 4}))
    assert told.stream is not None
    assert (told.stream.category, str(told.stream.key)) == ("source", identity.source_stream_id("acme", "pbx", NOW_US))


def test_a_void_goes_to_the_stream_that_holds_the_event() -> None:
    void = agent_event(agent_event_voided={"agent": "anna", "event_id": CONTACT, "voided_event_time": {"seconds": 0}})
    told = read_agent(void)
    assert told.stream is not None
    assert str(told.stream.key) == identity.agent_stream_id("acme", "anna", 0)


def test_an_agents_event_without_the_agent_is_refused() -> None:
    with pytest.raises(EventRefused) as refused:
        read_agent(agent_event(agent_logged_in={}))
    assert (refused.value.reason, refused.value.field) == ("INVALID_FIELD", "agent")
