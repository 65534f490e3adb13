"""Decided events to the log's payloads and back. The only module of routing's log that knows protobuf.

The log's payload is the message of the event's name; fields go by name, so the dataclasses of the core and the proto
cannot drift apart unseen (a test compares them). Within a type changes are only additive, and a default means what was
before.

    MalformedPayload   the bytes are no message of their type: whoever wrote them is at fault
"""

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from enum import IntEnum
from functools import lru_cache
from types import NoneType
from typing import Any, Final, TypeAlias, get_args, get_origin, get_type_hints
from uuid import UUID

from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from contact_life import identity
from event_log.model import Stream
from holdfast.ivr_routing.v1 import events_pb2
from ivr_routing.core import events as decided

_Encoder: TypeAlias = Callable[[Any], Any]
_Decoder: TypeAlias = Callable[[Any], Any]

CONTACT, AGENT, SOURCE, QUEUE, AGENT_CONFIGURATION = "contact", "agent", "source", "queue", "agent_configuration"

STREAMS_REMEMBERED: Final = 20_000
"""Of contacts and of agents each: a decision names the same stream for each of its events."""


class MalformedPayload(Exception):
    """The bytes are no message of their type."""


def encode(event: decided.Event) -> tuple[str, bytes]:
    """Return the type's name and the payload."""
    name = type(event).__name__
    return name, bytes(message_of(event).SerializeToString(deterministic=True))


def message_of(event: decided.Event) -> Message:
    """Return the event as its message."""
    message: Message = MESSAGES[type(event).__name__](**_ENCODERS[type(event)](event))
    return message


def decode(event_type: str, payload: bytes) -> decided.Event | None:
    """Return the event, or None for a type that the core does not decide; raise MalformedPayload for garbage."""
    known = TYPES.get(event_type)
    if known is None:
        return None
    try:
        message = MESSAGES[event_type].FromString(payload)
        event: decided.Event = _DECODERS[known](message)
    except (DecodeError, ValueError) as error:
        raise MalformedPayload(f"a payload is no {event_type}") from error
    return event


def stream_of(tenant: str, event: decided.Event, event_time_us: int) -> Stream:
    """Return the stream of an event: its contact, its agent's or source's UTC day, or its configuration object."""
    contact = getattr(event, "contact_id", "")
    if contact and not isinstance(event, decided.AgentSpellBegan):
        return contact_stream(contact)
    if isinstance(event, decided.QueueConfigured | decided.QueueRetired | decided.QueueOpennessChanged):
        return Stream(QUEUE, UUID(identity.configuration_id(tenant, QUEUE, event.queue)))
    if isinstance(event, decided.SourceDoubted | decided.SourceTrusted):
        return Stream(SOURCE, UUID(identity.source_stream_id(tenant, event.source_id, event_time_us)))
    agent: str = getattr(event, "agent", "")
    if isinstance(event, decided.AgentConfigured):
        return Stream(AGENT_CONFIGURATION, UUID(identity.configuration_id(tenant, AGENT_CONFIGURATION, agent)))
    return _agent_stream(tenant, agent, event_time_us // identity.DAY_US)


@lru_cache(maxsize=STREAMS_REMEMBERED)
def contact_stream(contact_id: str) -> Stream:
    """Return the stream of a contact."""
    return Stream(CONTACT, UUID(contact_id))


@lru_cache(maxsize=STREAMS_REMEMBERED)
def _agent_stream(tenant: str, agent: str, day: int) -> Stream:
    return Stream(AGENT, UUID(identity.agent_stream_id(tenant, agent, day * identity.DAY_US)))


# ---- by name, from the dataclasses' own types


def _same(value: Any) -> Any:
    return value


def _encoder(kind: Any) -> _Encoder:
    """Return how a value of a type is given to a message's constructor."""
    if get_origin(kind) is tuple:
        inner = _encoder(get_args(kind)[0])
        return list if inner is _same else lambda values: [inner(value) for value in values]
    if NoneType in get_args(kind):
        inner = _encoder(get_args(kind)[0])
        return lambda value: None if value is None else inner(value)
    return _dataclass_encoder(kind) if is_dataclass(kind) else _same


def _dataclass_encoder(kind: Any) -> _Encoder:
    hints = get_type_hints(kind)
    parts = [(name, _encoder(hints[name])) for name in (each.name for each in fields(kind))]
    return lambda value: {name: encoder(getattr(value, name)) for name, encoder in parts}


def _decoder(kind: Any) -> _Decoder:
    """Return how a message's field becomes a value of a type."""
    if get_origin(kind) is tuple:
        inner = _decoder(get_args(kind)[0])
        return tuple if inner is _same else lambda values: tuple(inner(value) for value in values)
    if get_origin(kind) is dict:
        return dict
    if NoneType in get_args(kind):
        return _decoder(get_args(kind)[0])
    if is_dataclass(kind):
        return _dataclass_decoder(kind)
    return kind if isinstance(kind, type) and issubclass(kind, IntEnum) else _same


def _dataclass_decoder(kind: Any) -> _Decoder:
    hints = get_type_hints(kind)
    parts = [
        (each.name, _decoder(hints[each.name]), _default(each), _optional(hints[each.name])) for each in fields(kind)
    ]

    def decode_fields(message: Any) -> Any:
        values: list[Any] = []
        for name, decoder, default, optional in parts:
            if optional and not message.HasField(name):
                values.append(None)
            else:
                value = decoder(getattr(message, name))
                values.append(value if value or default is None else default)
        return kind(*values)

    return decode_fields


def _default(each: Any) -> Any:
    """Return what a field left out on the wire means, where that is not its zero."""
    return None if each.default is MISSING or not each.default else each.default


def _optional(kind: Any) -> bool:
    return NoneType in get_args(kind)


TYPES: Final[dict[str, Any]] = {kind.__name__: kind for kind in get_args(decided.Event)}
"""The types that the core decides, by name."""
_BODIES: Final[list[Any]] = [
    each.message_type for each in events_pb2.RoutingEvent.DESCRIPTOR.oneofs_by_name["body"].fields
]
MESSAGES: Final[dict[str, Any]] = {body.name: GetMessageClass(body) for body in _BODIES}
"""The message class of every type of routing's log."""
_ENCODERS: Final = {kind: _dataclass_encoder(kind) for kind in TYPES.values()}
_DECODERS: Final = {kind: _dataclass_decoder(kind) for kind in TYPES.values()}
