"""The words are those of the proto files."""

from enum import IntEnum
from typing import Any

import pytest

from contact_life import words
from holdfast.call_events.v1 import agent_pb2, arrival_pb2, leg_pb2, observation_pb2, queueing_pb2, source_pb2, talk_pb2

PROTO = [
    (words.LegRole, leg_pb2.LegRole, "LEG_ROLE_"),
    (words.Direction, observation_pb2.Direction, "DIRECTION_"),
    (words.EndedHow, observation_pb2.EndedHow, "ENDED_HOW_"),
    (words.ReleaseSide, observation_pb2.ReleaseSide, "RELEASE_SIDE_"),
    (words.DequeueKind, queueing_pb2.DequeueKind, "DEQUEUE_KIND_"),
    (words.TransferKind, talk_pb2.TransferKind, "TRANSFER_KIND_"),
    (words.TransferReason, talk_pb2.TransferReason, "TRANSFER_REASON_"),
    (words.ContactLinkReason, arrival_pb2.ContactLinkReason, "CONTACT_LINK_REASON_"),
    (words.AgentState, source_pb2.AgentState, "AGENT_STATE_"),
    (words.RingOutcome, agent_pb2.RingOutcome, "RING_OUTCOME_"),
]


@pytest.mark.parametrize(("ours", "proto", "prefix"), PROTO)
def test_words_have_the_names_and_numbers_of_the_proto(ours: type[IntEnum], proto: Any, prefix: str) -> None:
    assert {prefix + member.name: member.value for member in ours} == dict(proto.items())


def test_a_number_has_its_word_and_one_from_a_newer_schema_says_so() -> None:
    assert words.word(words.AgentState, 6) == "not_ready"
    assert words.word(words.AgentState, 77) == "unknown_77"
