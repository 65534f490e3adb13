"""Handlers wrapped once, when they are registered: admission, deadlines, guard and metrics around each call.

Wrapping costs one coroutine a call where a chain of interceptors costs one each. Requests are decoded here, inside the
guard: gRPC itself would answer UNKNOWN and log a traceback for every message of garbage.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast

import grpc
from grpc.aio import AbortError
from opentelemetry.trace import INVALID_SPAN, Span

from service_host import call as calls
from service_host import telemetry
from service_host.edge import CALL, Edge, Meter, Method, gate_key
from service_host.errors import DeadlineExceeded, trailers
from service_host.grpc_handler import Context, Handler
from service_host.grpc_streams import Streams, serve_stream

Answer: TypeAlias = Callable[[Any, Context], Awaitable[Any]]


def wrap(edge: Edge, streams: Streams, method: Method, handler: Handler) -> grpc.RpcMethodHandler[Any, Any]:
    """``handler`` behind ``edge``; the same kind of handler, taking and giving bytes."""
    if not handler.takes_stream and not handler.gives_stream:
        return grpc.unary_unary_rpc_method_handler(_guarded(edge, method, _unary(edge, method, handler)))

    async def stream(incoming: Any, context: Context) -> Any:
        return await serve_stream(edge, streams, method, handler, incoming, context)

    behaviour: Any = _guarded(edge, method, stream)
    if not handler.gives_stream:
        return grpc.stream_unary_rpc_method_handler(behaviour)
    if handler.takes_stream:
        return grpc.stream_stream_rpc_method_handler(behaviour)
    return grpc.unary_stream_rpc_method_handler(behaviour)


def _unary(edge: Edge, method: Method, handler: Handler) -> Answer:
    decode, encode, behaviour = handler.decode, handler.encode, handler.answer

    async def answer(raw: bytes, context: Context) -> bytes:
        headers = cast("dict[str, str]", dict(context.invocation_metadata() or ()))  # only *-bin keys have bytes
        verified = await edge.identify(method, headers.get("authorization"))
        key = gate_key(verified, context)
        edge.unary.enter(key)
        try:
            asked: float | None = context.time_remaining()
            seconds = edge.allowed_seconds(method, asked)
            calls.begin(edge.begin(method, verified, seconds, headers))
            request = decode(raw)
            if asked == seconds:  # gRPC itself cancels at the caller's own deadline
                return encode(await behaviour(request, context))
            return encode(await _in_time(behaviour(request, context), seconds))
        finally:
            edge.unary.leave(key)

    return answer


def _guarded(edge: Edge, method: Method, answer: Answer) -> Answer:
    """Await an answer; whatever goes wrong is told as a refusal, counted, and nothing else leaves."""
    meter = Meter("grpc", method.name)

    async def guarded(incoming: Any, context: Context, span: Span = INVALID_SPAN) -> Any:
        code = "CANCELLED"
        started = time.perf_counter()
        try:
            found = await answer(incoming, context)
        except AbortError:
            code = "ABORTED_BY_HANDLER"
            raise
        except Exception as error:  # noqa: BLE001 - the outermost guard
            refusal = edge.guard.refusal(error, method.name)
            code = refusal.status.name
            await context.abort(refusal.status, refusal.message, trailers(refusal))
        else:
            code = "OK"
            return found
        finally:
            meter.record(code, time.perf_counter() - started)
            span.set_attribute("code", code)

    async def traced(incoming: Any, context: Context) -> Any:
        if not telemetry.tracing():
            return await guarded(incoming, context)
        headers = cast("dict[str, str]", dict(context.invocation_metadata() or ()))  # only *-bin keys have bytes
        with CALL.start(str(headers.get("traceparent", "")), method=method.name, door="grpc") as span:
            return await guarded(incoming, context, span)

    return traced


async def _in_time(answer: Awaitable[Any], seconds: float) -> Any:
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await answer
    except TimeoutError:
        if limit.expired():
            raise DeadlineExceeded("DEADLINE_EXCEEDED", "The call took longer than it may.") from None
        raise
