"""What tests of hosted services share: the echo service really served, tokens for it, and the log lines as written."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
import pytest
from google.protobuf.wrappers_pb2 import BytesValue

from service_host import client, echo
from service_host.errors import Refused
from service_host.grpc_host import GrpcHost

Metadata: TypeAlias = tuple[tuple[str, str], ...]
Credentials: TypeAlias = Callable[..., Metadata]


@dataclass(frozen=True)
class Echoing:
    """The echo service under test and a plain channel to it."""

    host: GrpcHost
    channel: grpc.aio.Channel

    def method(self, name: str) -> Any:
        """Give a raw callable for one of its methods; a request may be bytes, to be sent as they are."""
        return echo_method(self.channel, name)


Serve: TypeAlias = Callable[..., AbstractAsyncContextManager[Echoing]]


class Lines:
    """The log so far, line by line."""

    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter([json.loads(line) for line in self._stream.getvalue().splitlines()])

    def __str__(self) -> str:
        return self._stream.getvalue()


def echo_method(channel: Any, name: str) -> Any:
    """Give a callable for one method of the echo service over ``channel``."""
    kind = {"Count": "unary_stream", "Talk": "stream_stream", "Sum": "stream_unary"}.get(name, "unary_unary")
    coding = {"request_serializer": _encode, "response_deserializer": BytesValue.FromString}
    return getattr(channel, kind)(f"/{echo.SERVICE}/{name}", **coding)


async def refused(call: Any) -> Refused:
    """Await a call that must be refused, and give what it was refused with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return client.refusal(caught.value)


def _encode(request: BytesValue | bytes) -> bytes:
    return request if isinstance(request, bytes) else request.SerializeToString()
