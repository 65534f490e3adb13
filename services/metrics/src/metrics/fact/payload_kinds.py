"""Message classes and enum words of every type that facts are folded from, of both logs, by name."""

from enum import IntEnum
from typing import Any, Final

from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from contact_life import codec, words
from holdfast.ivr_routing.v1 import configuration_pb2, events_pb2, reservation_pb2


def _decided() -> dict[str, type[Message]]:
    bodies: list[Any] = [
        field.message_type for field in events_pb2.RoutingEvent.DESCRIPTOR.oneofs_by_name["body"].fields
    ]
    return {body.name: GetMessageClass(body) for body in bodies}


DECIDED: Final = _decided()
"""Types of routing's log; none has the name of a type of call-events."""
MESSAGES: Final = codec.TYPES | DECIDED
_DECIDED_WORDS: Final[dict[str, Any]] = {
    "CountedSource": configuration_pb2.CountedSource,
    "MatchingStrategy": reservation_pb2.MatchingStrategy,
    "ExpiryKind": reservation_pb2.ExpiryKind,
    "RescindCause": reservation_pb2.RescindCause,
}


def words_of(enum_name: str) -> dict[int, str]:
    """Return the lower-case words of an enum's numbers, unspecified left out."""
    decided: EnumTypeWrapper | None = _DECIDED_WORDS.get(enum_name)
    if decided is not None:
        start = len(_prefix(enum_name))
        return {number: name[start:].lower() for name, number in decided.items() if number}
    members: type[IntEnum] = getattr(words, enum_name)
    return {member.value: member.name.lower() for member in members if member.value}


def _prefix(enum_name: str) -> str:
    """Return what the names of an enum's values begin with: MatchingStrategy gives MATCHING_STRATEGY_."""
    return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in enum_name).lstrip("_") + "_"
