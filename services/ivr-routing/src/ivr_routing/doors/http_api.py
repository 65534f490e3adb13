"""The JSON twin: every method that answers once, over HTTP, named as it is in the proto. Nothing is decided here.

What is listed or got is read by GET, fields in the query; whatever else is asked by POST. Fit for webhook platforms.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from holdfast.ivr_routing.v1 import (
    administration_service_pb2,
    agent_service_pb2,
    overview_service_pb2,
    phone_system_service_pb2,
)
from service_host import json_schema
from service_host.errors import InvalidArgument
from service_host.json_twin import JSON, from_json, from_values, to_json

_MODULES: Final = (administration_service_pb2, agent_service_pb2, overview_service_pb2, phone_system_service_pb2)
_WORDS: Final = re.compile(r"(?<!^)(?=[A-Z])")
_NAME: Final = re.compile(r"[a-z_]{1,64}")


@dataclass(frozen=True, slots=True)
class Door:
    """One route, and the method that answers."""

    verb: str
    service: str
    method: str
    request: Any
    response: Any

    @property
    def path(self) -> str:
        """The route's path: ListQueuesNow is /v1/list-queues-now."""
        return f"/v1/{_WORDS.sub('-', self.method).lower()}"

    @property
    def name(self) -> str:
        """The route as a policy names it."""
        return f"{self.verb} {self.path}"


def _doors() -> Iterator[Door]:
    for module in _MODULES:
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                if not (method.client_streaming or method.server_streaming):
                    verb = "GET" if method.name.startswith(("List", "Get")) else "POST"
                    yield Door(verb, service.name, method.name, method.input_type, method.output_type)


DOORS: Final = tuple(_doors())


def serve_on(app: FastAPI, apis: Mapping[str, object]) -> None:
    """Add the routes to the app and their schemas to its OpenAPI; `apis` are by the service's name."""
    router = APIRouter()
    for door in DOORS:
        router.add_api_route(
            door.path,
            _endpoint(door, getattr(apis[door.service], door.method)),
            methods=[door.verb],
            operation_id=door.method,
            responses={200: {"content": {JSON: {"schema": json_schema.reference(door.response)}}}},
            openapi_extra=_asked(door),
        )
    app.include_router(router)
    messages = [kind for door in DOORS for kind in (door.request, door.response)]
    app.openapi().setdefault("components", {}).setdefault("schemas", {}).update(json_schema.components(messages))


def _endpoint(door: Door, method: Callable[[Any, Any], Awaitable[Message]]) -> Callable[[Request], Awaitable[Response]]:
    kind = GetMessageClass(door.request)

    async def answer(request: Request) -> Response:
        told = from_json(await request.body(), kind()) if door.verb == "POST" else _from_query(kind(), request)
        return Response(to_json(await method(told, None)), media_type=JSON)

    return answer


def _from_query(message: Message, request: Request) -> Message:
    told: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name not in message.DESCRIPTOR.fields_by_name:
            field = name if _NAME.fullmatch(name) else ""
            raise InvalidArgument("MALFORMED", "There is no such parameter.", field=field)
        told[name] = value
    return from_values(told, message)


def _asked(door: Door) -> dict[str, Any]:
    """What the route takes, for OpenAPI."""
    if door.verb == "POST":
        return {"requestBody": {"required": True, "content": {JSON: {"schema": json_schema.reference(door.request)}}}}
    return {
        "parameters": [
            {"name": asked.name, "in": "query", "required": False, "schema": json_schema.field_schema(asked)}
            for asked in door.request.fields
        ]
    }
