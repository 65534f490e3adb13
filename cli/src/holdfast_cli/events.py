"""Events asked of call-events: the tenant's log as it grows, and one contact's life."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from holdfast.call_events.v1 import call_events_service_pb2 as calls
from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactEvent
from holdfast_cli import system
from holdfast_cli.home import Running


@dataclass(frozen=True, slots=True)
class Recent:
    """The last events, oldest first, and a cursor from which to go on: some of them may come again."""

    events: Sequence[calls.TenantEvent]
    cursor: str


def types() -> Sequence[str]:
    """Return the names of all types of events."""
    bodies = (kind.DESCRIPTOR.oneofs_by_name["body"] for kind in (ContactEvent, AgentEvent))
    return [field.message_type.name for body in bodies for field in body.fields if field.message_type]


async def recent(running: Running, limit: int, types: Sequence[str]) -> Recent:
    """Return the last events."""
    request = calls.ReadEventsRequest(limit=max(1, limit), types=types, backwards=True)
    async with system.call_events(running) as channel:
        page = await CallEventsServiceStub(channel).ReadEvents(request)
    return Recent(list(reversed(page.events)), page.cursor)


async def follow(running: Running, types: Sequence[str], after: Recent) -> AsyncIterator[calls.TenantEvent]:
    """Yield events as they are recorded after those known, none left out, until the service goes."""
    known = {_identity(event) for event in after.events}
    request = calls.SubscribeEventsRequest(cursor=after.cursor, types=types)
    async with system.call_events(running) as channel:
        async for page in CallEventsServiceStub(channel).SubscribeEvents(request):
            for event in page.events:
                if not known or _identity(event) not in known:
                    yield event


def _identity(event: calls.TenantEvent) -> tuple[bytes, bytes]:
    recorded = event.contact_event if event.HasField("contact_event") else event.agent_event
    return recorded.envelope.key, recorded.envelope.event_id


async def contact(running: Running, name: str) -> calls.GetContactResponse:
    """Return a contact with its events; ``name`` is its id, or an alias as source:native_id."""
    request = calls.GetContactRequest(include_events=True)
    source, colon, native = name.partition(":")
    if colon:
        request.contact.alias.source_id, request.contact.alias.native_id = source, native
    else:
        request.contact.contact_id = name
    async with system.call_events(running) as channel:
        return await CallEventsServiceStub(channel).GetContact(request)


def as_document(message: Message) -> dict[str, Any]:
    """Return a message as JSON with the names of the proto."""
    return dict(MessageToDict(message, preserving_proto_field_name=True))
