"""Handlers wrapped once, when they are registered: admission, deadlines, guard and metrics around each call.

Wrapping costs one coroutine a call where a chain of interceptors costs one each. Requests are decoded here, inside the
guard: gRPC itself would answer UNKNOWN and log a traceback for every message of garbage.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError
from grpc.aio import AbortError, ServicerContext

from service_host import call as calls
from service_host import telemetry
from service_host.edge import CALL, Edge, Meter, Method, gate_key
from service_host.errors import DeadlineExceeded, InvalidArgument, trailers
from service_host.grpc_streams import Streams, serve_stream

Context: TypeAlias = ServicerContext[Any, Any]
Decode: TypeAlias = Callable[[bytes], Any]
Encode: TypeAlias = Callable[[Any], bytes]


def wrap(edge: Edge, streams: Streams, method: Method, handler: grpc.RpcMethodHandler[Any, Any]) -> Any:  # noqa: ANN401
    """``handler`` behind ``edge``; the same kind of handler, taking and giving bytes."""
    decode = _decoder(handler.request_deserializer)
    if handler.request_streaming or handler.response_streaming:
        return _wrap_stream(edge, streams, method, handler, decode)
    behaviour = _unary(edge, method, handler.unary_unary, decode, handler.response_serializer)
    return grpc.unary_unary_rpc_method_handler(behaviour)


def _unary(
    edge: Edge, method: Method, behaviour: Callable[[Any, Any], Awaitable[Any]], decode: Decode, encode: Encode
) -> Callable[[bytes, Context], Awaitable[bytes]]:
    guarded = _guarded(edge, method)

    async def admitted(raw: bytes, context: Context) -> bytes:
        headers = dict(context.invocation_metadata() or ())
        verified = await edge.identify(method, headers.get("authorization"))
        key = gate_key(verified, context)
        edge.unary.enter(key)
        try:
            asked = context.time_remaining()
            seconds = edge.allowed_seconds(method, asked)
            calls.begin(edge.begin(method, verified, seconds, headers))
            request = decode(raw)
            if asked is not None and asked <= seconds:  # gRPC itself cancels at the caller's own deadline
                return encode(await behaviour(request, context))
            return encode(await _in_time(behaviour(request, context), seconds))
        finally:
            edge.unary.leave(key)

    async def answer(raw: bytes, context: Context) -> bytes:
        return await guarded(admitted(raw, context), context)

    return answer


def _wrap_stream(
    edge: Edge, streams: Streams, method: Method, handler: grpc.RpcMethodHandler[Any, Any], decode: Decode
) -> Any:  # noqa: ANN401  # three kinds of handler
    guarded = _guarded(edge, method)

    async def answer(incoming: Any, context: Context) -> Any:  # noqa: ANN401  # bytes or an iterator of them
        return await guarded(serve_stream(edge, streams, method, handler, decode, incoming, context), context)

    if not handler.response_streaming:
        return grpc.stream_unary_rpc_method_handler(answer)
    if handler.request_streaming:
        return grpc.stream_stream_rpc_method_handler(answer)
    return grpc.unary_stream_rpc_method_handler(answer)


def _guarded(edge: Edge, method: Method) -> Callable[[Awaitable[Any], Context], Awaitable[Any]]:
    """Await an answer; whatever goes wrong is told as a refusal, counted, and nothing else leaves."""
    meter = Meter("grpc", method.name)

    async def run(answer: Awaitable[Any], context: Context) -> Any:  # noqa: ANN401  # the method's answer
        code = "CANCELLED"
        started = time.perf_counter()
        try:
            with _traced(method, context):
                found = await answer
            code = "OK"
        except AbortError:
            code = "ABORTED_BY_HANDLER"
            raise
        except Exception as error:  # noqa: BLE001  # the outermost guard
            refusal = edge.guard.refusal(error, method.name)
            code = refusal.status.name
            await context.abort(refusal.status, refusal.message, trailers(refusal))
        else:
            return found
        finally:
            meter.record(code, time.perf_counter() - started)

    return run


def _traced(method: Method, context: Context) -> Any:  # noqa: ANN401  # a context manager
    if not telemetry.tracing():
        return nullcontext()
    headers = dict(context.invocation_metadata() or ())
    return CALL.start(str(headers.get("traceparent", "")), method=method.name, door="grpc")


async def _in_time(answer: Awaitable[Any], seconds: float) -> Any:  # noqa: ANN401  # the handler's answer
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await answer
    except TimeoutError:
        if limit.expired():
            raise DeadlineExceeded("DEADLINE_EXCEEDED", "The call took longer than it may.") from None
        raise


def _decoder(deserialise: Decode | None) -> Decode:
    if deserialise is None:
        return bytes

    def decode(raw: bytes) -> Any:  # noqa: ANN401  # the method's request
        try:
            return deserialise(raw)
        except (DecodeError, ValueError):
            raise InvalidArgument("MALFORMED", "The bytes are not a request of this method.") from None

    return decode
