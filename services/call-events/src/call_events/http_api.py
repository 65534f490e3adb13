"""The JSON twin: the same methods over HTTP, in the protobuf JSON mapping with the fields' own names.

A thin layer over `grpc_api`: nothing is decided here. What is malformed is told by its place, never by its content.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from fastapi import APIRouter, FastAPI, Request, Response
from google.protobuf.message import Message

from call_events.grpc_api import CallEventsApi
from holdfast.call_events.v1 import call_events_service_pb2 as pb
from service_host import json_schema
from service_host.errors import InvalidArgument
from service_host.json_twin import JSON, from_json, from_values, to_json

Method: TypeAlias = Callable[[Any, Any], Awaitable[Message]]
_WORD: Final = re.compile(r"[a-z_]{1,64}")
"""A parameter's name that may be repeated: without digits it is nobody's number."""
_BOOLEANS: Final = {"true": True, "false": False}
_CONTACT_ID: Final = "contact_id"


@dataclass(frozen=True, slots=True)
class Door:
    """One route: what it takes and gives, and which method answers."""

    verb: str
    path: str
    summary: str
    request: type[Message]
    response: type[Message]
    example: Mapping[str, object] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The route as the policy names it."""
        return f"{self.verb} {self.path}"

    @property
    def method(self) -> str:
        """The method of the service that answers."""
        return self.request.DESCRIPTOR.name.removesuffix("Request")


_EVENT: Final = {
    "event_id": "8f14e45f-ceea-467f-a83e-2f1f3a2d4c11",
    "source_id": "pbx-1",
    "contact": {"alias": {"native_id": "1700000000.42"}},
    "event_time": "2026-11-23T09:00:00Z",
    "contact_arrived": {"caller": {"number": "+49 30 901820"}, "service_number": "+498001234"},
}
_AGENT_EVENT: Final = {
    "event_id": "c9f0f895-fb98-4b91-8b6b-0e4a4f8d3e77",
    "source_id": "pbx-1",
    "event_time": "2026-11-23T08:55:00Z",
    "agent_state_changed": {"agent": "anna", "state": "AGENT_STATE_AVAILABLE"},
}
DOORS: Final = (
    Door(
        "POST",
        "/v1/contact-events:record",
        "Record what happened to contacts; each event has a verdict of its own.",
        pb.RecordContactEventsRequest,
        pb.RecordContactEventsResponse,
        {"events": [_EVENT]},
    ),
    Door(
        "POST",
        "/v1/agent-events:record",
        "Record what a phone system says of its agents and of itself.",
        pb.RecordAgentEventsRequest,
        pb.RecordAgentEventsResponse,
        {"events": [_AGENT_EVENT]},
    ),
    Door("GET", "/v1/contacts/{contact_id}", "Tell a contact.", pb.GetContactRequest, pb.GetContactResponse),
    Door("GET", "/v1/contacts", "List contacts, newest first.", pb.ListContactsRequest, pb.ListContactsResponse),
    Door("GET", "/v1/events", "Read events in the order recorded.", pb.ReadEventsRequest, pb.ReadEventsResponse),
    Door(
        "POST",
        "/v1/callers:resolve",
        "Give the caller_ref of a number.",
        pb.ResolveCallerRequest,
        pb.ResolveCallerResponse,
        {"number": "+4930901820"},
    ),
    Door(
        "POST",
        "/v1/customers:erase",
        "Erase a customer for good.",
        pb.EraseCustomerRequest,
        pb.EraseCustomerResponse,
        {"number": "+4930901820"},
    ),
)


def serve_on(app: FastAPI, api: CallEventsApi) -> None:
    """Add the routes to the app and their schemas to its OpenAPI."""
    router = APIRouter()
    for door in DOORS:
        router.add_api_route(
            door.path,
            _endpoint(door, getattr(api, door.method)),
            methods=[door.verb],
            summary=door.summary,
            operation_id=door.method,
            responses={200: {"content": {JSON: {"schema": json_schema.reference(door.response.DESCRIPTOR)}}}},
            openapi_extra=_asked(door),
        )
    app.include_router(router)
    messages = [kind.DESCRIPTOR for door in DOORS for kind in (door.request, door.response)]
    app.openapi().setdefault("components", {}).setdefault("schemas", {}).update(json_schema.components(messages))


def _endpoint(door: Door, method: Method) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        told = from_json(await request.body(), door.request()) if door.verb == "POST" else _from_query(door, request)
        return Response(to_json(await method(told, None)), media_type=JSON)

    return answer


def _from_query(door: Door, request: Request) -> Message:
    """A request from the query's parameters, named as its fields are."""
    message = door.request()
    told: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        asked = message.DESCRIPTOR.fields_by_name.get(name)
        if asked is None or (asked.message_type is not None and asked.message_type.name != "Timestamp"):
            raise InvalidArgument(
                "MALFORMED", "There is no such parameter.", field=name if _WORD.fullmatch(name) else ""
            )
        if asked.is_repeated:
            told.setdefault(name, []).append(value)
        else:
            told[name] = _BOOLEANS.get(value, value) if asked.cpp_type == asked.CPPTYPE_BOOL else value
    if _CONTACT_ID in request.path_params:
        told["contact"] = {_CONTACT_ID: request.path_params[_CONTACT_ID]}
    return from_values(told, message)


def _asked(door: Door) -> dict[str, Any]:
    """What the route takes, for OpenAPI."""
    if door.verb == "POST":
        schema = json_schema.reference(door.request.DESCRIPTOR)
        content: dict[str, Any] = {"schema": schema, "example": door.example}
        return {"requestBody": {"required": True, "content": {JSON: content}}}
    path = [{"name": _CONTACT_ID, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}]
    query = [
        {"name": asked.name, "in": "query", "required": False, "schema": json_schema.field_schema(asked)}
        for asked in door.request.DESCRIPTOR.fields
        if asked.name != "contact"
    ]
    return {"parameters": (path if "{" in door.path else []) + query}
