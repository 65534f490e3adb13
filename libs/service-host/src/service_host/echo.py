"""A service that says back what it is told, for tests and as the measure other calls are compared with.

It is hosted like any other (``python -m service_host.echo``), so what it costs is what hosting costs. Methods
take and give a ``BytesValue``::

    Say      answers the request
    Wait     answers after as many milliseconds as the request's text says
    Count    answers 1 … n, then waits for the end of the stream
    Talk     answers each request as it comes
    Sum      answers the number of requests when they have ended
    Fail     raises a ValueError holding the request's text
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from fastapi import APIRouter
from google.protobuf.wrappers_pb2 import BytesValue
from pydantic import BaseModel, ConfigDict, Field

from service_host import process
from service_host.authorisation import Policy, Rule
from service_host.edge import Edge
from service_host.grpc_host import GrpcHost
from service_host.http_host import HttpHost
from service_host.settings import HostSettings

SERVICE = "holdfast.echo.v1.EchoService"
SCOPE = "echo"
_RULE = Rule(scope=SCOPE)
POLICY = Policy(
    {f"/{SERVICE}/{name}": _RULE for name in ("Say", "Wait", "Count", "Talk", "Sum", "Fail")}
    | {f"POST /v1/echo:{name}": _RULE for name in ("say", "wait", "fail")}
)


class EchoSettings(HostSettings, env_prefix="HOLDFAST_ECHO_"):
    """Nothing beyond what every host is told."""


class Told(BaseModel):
    """What is said to the echo by HTTP, and what it says back."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=1_000_000)


class Echo:
    """The handlers."""

    async def say(self, request: BytesValue, context: object) -> BytesValue:
        """The request."""
        del context
        return request

    async def wait(self, request: BytesValue, context: object) -> BytesValue:
        """The request, after as many milliseconds as it says."""
        del context
        await asyncio.sleep(int(request.value) / 1000)
        return request

    async def count(self, request: BytesValue, context: object) -> AsyncIterator[BytesValue]:
        """1 … n, then nothing until the stream ends."""
        del context
        for number in range(1, int(request.value) + 1):
            yield BytesValue(value=b"%d" % number)
        await asyncio.Event().wait()

    async def talk(self, requests: AsyncIterator[BytesValue], context: object) -> AsyncIterator[BytesValue]:
        """Each request as it comes."""
        del context
        async for request in requests:
            yield request

    async def sum(self, requests: AsyncIterator[BytesValue], context: object) -> BytesValue:
        """How many requests there were."""
        del context
        count = 0
        async for _ in requests:
            count += 1
        return BytesValue(value=b"%d" % count)

    async def fail(self, request: BytesValue, context: object) -> BytesValue:
        """Nothing: raises what a careless handler would."""
        del context
        raise ValueError(request.value.decode())


def add_echo_to_server(servicer: Echo, server: Any) -> None:  # a server, or what records for one
    """As the function that would be generated for the service."""
    coding: dict[str, Any] = {
        "request_deserializer": BytesValue.FromString,
        "response_serializer": BytesValue.SerializeToString,
    }
    handlers = {
        "Say": grpc.unary_unary_rpc_method_handler(servicer.say, **coding),
        "Wait": grpc.unary_unary_rpc_method_handler(servicer.wait, **coding),
        "Count": grpc.unary_stream_rpc_method_handler(servicer.count, **coding),
        "Talk": grpc.stream_stream_rpc_method_handler(servicer.talk, **coding),
        "Sum": grpc.stream_unary_rpc_method_handler(servicer.sum, **coding),
        "Fail": grpc.unary_unary_rpc_method_handler(servicer.fail, **coding),
    }
    server.add_registered_method_handlers(SERVICE, handlers)


def router() -> APIRouter:
    """The same by HTTP."""
    made = APIRouter(prefix="/v1")

    @made.post("/echo:say")
    async def say(told: Told) -> Told:
        return told

    @made.post("/echo:wait")
    async def wait(told: Told) -> Told:
        await asyncio.sleep(int(told.text) / 1000)
        return told

    @made.post("/echo:fail")
    async def fail(told: Told) -> Told:
        raise ValueError(told.text)

    return made


async def open_service(settings: EchoSettings, service: process.Service) -> None:
    """Serve the echo at both doors."""
    edge = Edge(settings, POLICY)
    grpc_host = GrpcHost(edge)
    grpc_host.add(add_echo_to_server, Echo())
    http_host = HttpHost(edge, title="echo")
    http_host.app.include_router(router())
    service.serve(grpc_host, http_host)


if __name__ == "__main__":
    process.run("echo", EchoSettings, open_service)
