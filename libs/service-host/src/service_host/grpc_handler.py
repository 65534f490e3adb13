"""A method's handler as generated code registers it, in one shape for all four kinds of call."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError
from grpc.aio import ServicerContext

from service_host.errors import InvalidArgument

Context: TypeAlias = ServicerContext[Any, Any]
Decode: TypeAlias = Callable[[bytes], Any]
Encode: TypeAlias = Callable[[Any], bytes]


@dataclass(frozen=True, slots=True)
class Handler:
    """What answers one method: a coroutine, or an async generator if it answers with a stream."""

    takes_stream: bool
    gives_stream: bool
    decode: Decode
    encode: Encode
    answer: Callable[[Any, Context], Any]


def handler(name: str, registered: grpc.RpcMethodHandler[Any, Any]) -> Handler:
    """What generated code registered for method ``name``; TypeError if it is not asynchronous."""
    kinds: dict[tuple[bool, bool], Callable[..., Any] | None] = {
        (False, False): registered.unary_unary,
        (False, True): registered.unary_stream,
        (True, False): registered.stream_unary,
        (True, True): registered.stream_stream,
    }
    answer = kinds[registered.request_streaming, registered.response_streaming]
    asynchronous = inspect.isasyncgenfunction if registered.response_streaming else inspect.iscoroutinefunction
    if answer is None or not asynchronous(answer):
        raise TypeError(f"{name} must be a coroutine, or an async generator if it answers with a stream.")
    return Handler(
        registered.request_streaming,
        registered.response_streaming,
        _decoder(registered.request_deserializer or bytes),
        registered.response_serializer or bytes,
        answer,
    )


def _decoder(deserialise: Decode) -> Decode:
    """``deserialise``, but garbage is the caller's fault and told so."""

    def decode(raw: bytes) -> Any:
        try:
            return deserialise(raw)
        except (DecodeError, ValueError):
            raise InvalidArgument("MALFORMED", "The bytes are not a request of this method.") from None

    return decode
