"""What flows told, read from routing's log: the same facts however often they are read."""

from typing import Final
from uuid import UUID

import pytest
from google.protobuf.message import DecodeError

from event_log.model import Event, Stream
from holdfast.ivr_routing.v1.flow_pb2 import FlowStepTaken
from ivr_routing.flow.step import FlowEntered, NodeVisited
from ivr_routing.flow.telling import contact_fact
from ivr_routing.lead.flow_facts import SOURCE, facts_of

CONTACT: Final = "2386d7b9-2e02-5431-a6e7-e1b749f192c3"
TIME_US: Final = 1_764_000_000_000_000


def taken(payload: bytes, event_id: int = 7) -> Event:
    """Return a step of a walk as it stands in the log."""
    return Event(
        position=1,
        tenant="acme",
        stream=Stream("contact", UUID(CONTACT)),
        version=1,
        event_id=UUID(int=event_id),
        type="FlowStepTaken",
        event_time_us=TIME_US,
        record_time_us=TIME_US,
        payload=payload,
        body_mac=b"",
        source_id="",
    )


def step() -> bytes:
    told = (FlowEntered("shop", "v1"), NodeVisited("shop", "v1", "welcome"), NodeVisited("shop", "v1", "main"))
    return FlowStepTaken(contact_id=CONTACT, told=[contact_fact(one) for one in told]).SerializeToString()


def test_read_again_they_are_the_same_events() -> None:
    assert list(facts_of(taken(step()))) == list(facts_of(taken(step())))


def test_each_has_an_id_of_its_own_also_among_those_of_other_steps() -> None:
    ids = [fact.event_id for number in (1, 2) for fact in facts_of(taken(step(), number))]
    assert len(set(ids)) == len(ids)


def test_they_are_told_in_order_in_the_name_of_routing() -> None:
    facts = list(facts_of(taken(step())))
    assert [fact.event_time.ToMicroseconds() for fact in facts] == [TIME_US, TIME_US + 1, TIME_US + 2]
    assert {(fact.source_id, fact.contact.contact_id) for fact in facts} == {(SOURCE, CONTACT)}
    assert [fact.WhichOneof("body") for fact in facts] == ["flow_entered", "node_visited", "node_visited"]


def test_garbage_is_told_from_facts() -> None:
    with pytest.raises(DecodeError):
        list(facts_of(taken(b"\xff\xff")))
