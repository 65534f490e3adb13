"""Payloads in the log to message bodies and back. The only module here that knows protobuf at run time.

The log's payload is the body alone and its type the body's message name, so the two oneofs `body` of ContactEvent and
AgentEvent are the list of all types; nothing is listed by hand. Within a type changes are only additive.

    CodecError
     └── MalformedPayload   the bytes are no message of their type: whoever wrote them is at fault; park the event
"""

from typing import Any, Final

from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from contact_life.identity import id_of
from contact_life.observed import Observed
from holdfast.call_events.v1 import contact_event_pb2
from holdfast.log.v1 import event_pb2


class CodecError(Exception):
    """A payload and its type do not go together."""


class MalformedPayload(CodecError):
    """The bytes are no message of their type."""


def _classes(carrier: type[Message]) -> dict[str, type[Message]]:
    """Return the message class of every type in the carrier's oneof `body`."""
    bodies: list[Any] = [field.message_type for field in carrier.DESCRIPTOR.oneofs_by_name["body"].fields]
    return {body.name: GetMessageClass(body) for body in bodies}


CONTACT_TYPES: Final = _classes(contact_event_pb2.ContactEvent)
"""Types of a contact's stream, by name."""

AGENT_TYPES: Final = _classes(contact_event_pb2.AgentEvent)
"""Types of an agent's or source's stream, by name."""

TYPES: Final = CONTACT_TYPES | AGENT_TYPES
"""Every type."""


def decode(event_type: str, payload: bytes) -> Message | None:
    """Return the body, or None for a type that this version does not know; raise MalformedPayload for garbage."""
    known = TYPES.get(event_type)
    if known is None:
        return None
    try:
        return known.FromString(payload)
    except DecodeError as error:
        msg = f"a payload is no {event_type}"
        raise MalformedPayload(msg) from error


def encode(body: Message) -> tuple[str, bytes]:
    """Return the type's name and the payload, the same bytes for the same body on this version of protobuf."""
    return body.DESCRIPTOR.name, body.SerializeToString(deterministic=True)


def observe(event: event_pb2.Event) -> Observed:
    """Return an event of a log's page as the folds take it; raise MalformedPayload for garbage."""
    seq = event.source_seq if event.HasField("source_seq") else None
    return Observed(
        event.position,
        id_of(event.event_id),
        event.type,
        event.event_time_us,
        event.record_time_us,
        event.source_id,
        seq,
        decode(event.type, event.payload),
    )


def body_of(event: contact_event_pb2.ContactEvent | contact_event_pb2.AgentEvent) -> Any:
    """Return the body of an event as a request carries it, or None if it carries none that we know."""
    name = event.WhichOneof("body")
    return getattr(event, name) if name else None
