"""Events go through the log unchanged, and the dataclasses of the core say what the proto says."""

import random
from dataclasses import fields

import pytest

from holdfast.call_events.v1 import queueing_pb2, source_pb2
from holdfast.ivr_routing.v1 import configuration_pb2, reservation_pb2
from ivr_routing import event_codec
from ivr_routing.core import events as e
from ivr_routing.core import rules, words
from ivr_routing.core.rules import QueueExit, QueueRules, QueueStep, SkillRequirement
from routing_chance import HAPPENINGS, AnyCentre


@pytest.mark.parametrize("name", sorted(event_codec.TYPES))
def test_every_event_of_the_core_has_the_fields_of_its_message(name: str) -> None:
    message = event_codec.MESSAGES[name].DESCRIPTOR
    assert [each.name for each in fields(event_codec.TYPES[name])] == [field.name for field in message.fields]


@pytest.mark.parametrize("name", ["QueueRules", "QueueStep", "QueueExit", "AgentRules"])
def test_rules_have_the_fields_of_their_message(name: str) -> None:
    message = configuration_pb2.DESCRIPTOR.message_types_by_name[name]
    assert sorted(each.name for each in fields(getattr(rules, name))) == sorted(field.name for field in message.fields)


@pytest.mark.parametrize(
    ("enum", "described"),
    [
        (words.AgentState, source_pb2.AgentState.DESCRIPTOR),
        (words.DequeueKind, queueing_pb2.DequeueKind.DESCRIPTOR),
        (words.MatchingStrategy, reservation_pb2.MatchingStrategy.DESCRIPTOR),
        (words.ChosenBy, reservation_pb2.ChosenBy.DESCRIPTOR),
        (words.ExpiryKind, reservation_pb2.ExpiryKind.DESCRIPTOR),
        (words.RescindCause, reservation_pb2.RescindCause.DESCRIPTOR),
        (words.WrapUpKind, configuration_pb2.WrapUpKind.DESCRIPTOR),
        (words.CountedSource, configuration_pb2.CountedSource.DESCRIPTOR),
    ],
)
def test_words_have_the_numbers_of_the_wire(enum: type, described: object) -> None:
    values = described.values  # type: ignore[attr-defined]  # a descriptor of protobuf's own making
    assert [int(word) for word in enum] == [value.number for value in values]  # type: ignore[attr-defined]  # an IntEnum
    assert all(value.name.endswith(enum(value.number).name) for value in values)


def test_whatever_is_decided_is_read_as_it_was_written(chance: random.Random) -> None:
    seen = set()
    for _ in range(40):
        centre = AnyCentre()
        for _ in range(60):
            centre.happen((chance.randrange(len(HAPPENINGS)), chance.randrange(20), chance.randrange(20)))
        for _, event in centre.log:
            seen.add(type(event))
            assert event_codec.decode(*event_codec.encode(event)) == event
    assert len(seen) > len(event_codec.TYPES) // 2


def test_rules_survive_the_wire_whole() -> None:
    made = QueueRules(
        steps=(QueueStep(0, (SkillRequirement("french", 3),), ("inner",), preferred_agent_only=True), QueueStep(5_000)),
        on_full=QueueExit("second"),
        on_unstaffed=QueueExit(then="voicemail"),
        ring_all_limit=3,
        wrap_up=words.WrapUpKind.TIMED,
        wrap_up_ms=4_000,
        counts=words.CountedSource.PHONE_SYSTEM,
    )
    event = e.QueueConfigured("main", 1, made, "admin")
    assert event_codec.decode(*event_codec.encode(event)) == event


def test_rules_left_out_on_the_wire_are_the_defaults() -> None:
    payload = event_codec.MESSAGES["QueueConfigured"](queue="main", version=1).SerializeToString()
    assert event_codec.decode("QueueConfigured", payload) == e.QueueConfigured("main", 1, QueueRules())


def test_garbage_is_refused_and_a_foreign_type_is_nobodys() -> None:
    with pytest.raises(event_codec.MalformedPayload):
        event_codec.decode("QueueConfigured", b"\xff\xff")
    assert event_codec.decode("WindowOpened", b"") is None


def test_streams_are_the_contact_the_agents_day_and_the_object() -> None:
    contact = "8f14e45f-ceea-467f-a83e-2f1f3a2d4c11"
    day_us = 86_400_000_000
    opened = event_codec.stream_of("t", e.ContactFinished(contact, "handled"), 0)
    assert (opened.category, str(opened.key)) == ("contact", contact)
    lost = e.AgentHeartbeatLost("ann")
    assert event_codec.stream_of("t", lost, 0) != event_codec.stream_of("t", lost, day_us)
    assert event_codec.stream_of("t", e.QueueRetired("main", 2), 0).category == "queue"
