"""Payloads and bodies, and events as they stand in a log's page."""

import pytest

from contact_life.codec import AGENT_TYPES, CONTACT_TYPES, MalformedPayload, body_of, decode, encode, observe
from contact_life.identity import key_of
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent
from holdfast.call_events.v1.queueing_pb2 import Enqueued
from holdfast.log.v1.event_pb2 import Event

EVENT_ID = "0dc5c3b5-3c8f-5dbb-8a0b-3c3c40b2f7a1"


def test_the_types_are_those_of_the_two_oneofs() -> None:
    assert {"ContactArrived", "EventVoided", "Enqueued"} <= CONTACT_TYPES.keys()
    assert {"AgentLoggedIn", "SourceGap", "AgentEventVoided"} <= AGENT_TYPES.keys()
    assert not CONTACT_TYPES.keys() & AGENT_TYPES.keys()


def test_a_body_is_its_type_and_bytes_and_back() -> None:
    body = Enqueued(queue="sales")
    assert decode(*encode(body)) == body


def test_a_type_of_a_newer_schema_has_no_body() -> None:
    assert decode("HologramShown", b"\x0a\x01x") is None


def test_garbage_is_refused_without_being_repeated() -> None:
    with pytest.raises(MalformedPayload, match=r"^a payload is no Enqueued$"):
        decode("Enqueued", b"\xff972541234567")


def test_an_event_of_the_log_is_observed() -> None:
    body = Enqueued(queue="sales")
    name, payload = encode(body)
    event = Event(
        position=7,
        event_id=key_of(EVENT_ID),
        type=name,
        event_time_us=1_772_445_600_000_000,
        record_time_us=1_772_445_600_000_005,
        source_id="pbx",
        payload=payload,
    )
    seen = observe(event)
    assert (seen.position, seen.event_id, seen.type, seen.body) == (7, EVENT_ID, "Enqueued", body)
    assert (seen.source_seq, seen.time_us) == (None, 1_772_445_600_000_000)
    event.source_seq = 0
    assert observe(event).source_seq == 0


def test_a_request_carries_its_body_in_the_oneof() -> None:
    assert body_of(ContactEvent(enqueued=Enqueued(queue="sales"))) == Enqueued(queue="sales")
    assert body_of(ContactEvent()) is None
