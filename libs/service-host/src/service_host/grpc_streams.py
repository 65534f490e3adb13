"""Streams: admitted once, ended when idle, too slow, too old, or when the process drains.

A handler is an async generator (or a coroutine, for one answer to many requests) over decoded requests. On draining the
requests end as if the caller had stopped sending; a handler that only sends is cancelled. Either way the caller is told
UNAVAILABLE / DRAINING and resumes elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeAlias

import grpc
from grpc.aio import ServicerContext

from service_host import call as calls
from service_host.edge import Edge, Method, gate_key
from service_host.errors import DeadlineExceeded, Unavailable

Context: TypeAlias = ServicerContext[Any, Any]
RETRY_AFTER = timedelta(milliseconds=100)


class Stream:
    """One stream under way: ``drain`` ends it, at once if it only waits."""

    def __init__(self, incoming: AsyncIterator[bytes] | None, decode: Callable[[bytes], Any], idle: float) -> None:
        self._incoming = incoming
        self._decode = decode
        self._idle_seconds = idle
        self._task = asyncio.current_task()
        self._reader: asyncio.Task[Any] | None = None
        self.draining = False

    def drain(self) -> None:
        """End it: no further requests; whoever waits for one stops waiting; who takes none is cancelled."""
        self.draining = True
        waiting = self._reader if self._incoming is not None else self._task
        if waiting is not None:
            waiting.cancel()

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Any:  # noqa: ANN401  # the method's request
        if self.draining or self._incoming is None:
            raise StopAsyncIteration
        self._reader = asyncio.current_task()
        try:
            async with asyncio.timeout(self._idle_seconds):
                return self._decode(await anext(self._incoming))
        except TimeoutError:
            raise DeadlineExceeded("STREAM_IDLE", "Nothing came for as long as a stream may be idle.") from None
        except asyncio.CancelledError:
            self._swallow_drain()
            raise StopAsyncIteration from None
        finally:
            self._reader = None

    def _swallow_drain(self) -> None:
        """Let a cancellation pass unless it is ours."""
        if not self.draining or self._reader is None or self._reader.uncancel() > 0:
            raise asyncio.CancelledError


class Streams:
    """All streams under way on one host."""

    def __init__(self) -> None:
        self._under_way: set[Stream] = set()

    def add(self, stream: Stream) -> None:
        """One more."""
        self._under_way.add(stream)

    def discard(self, stream: Stream) -> None:
        """One fewer."""
        self._under_way.discard(stream)

    def drain(self) -> None:
        """End them all."""
        for stream in tuple(self._under_way):
            stream.drain()


async def serve_stream(  # noqa: PLR0913  # everything a stream needs, once
    edge: Edge,
    streams: Streams,
    method: Method,
    handler: grpc.RpcMethodHandler[Any, Any],
    decode: Callable[[bytes], Any],
    incoming: Any,  # noqa: ANN401  # bytes or an iterator of them
    context: Context,
) -> Any:  # noqa: ANN401  # bytes, or nothing when the answers were written
    """Serve one stream within its bounds; raises what the guard is to tell."""
    headers = dict(context.invocation_metadata() or ())
    verified = await edge.identify(method, headers.get("authorization"))
    key = gate_key(verified, context)
    edge.streams.enter(key)
    idle = edge.limits.stream_idle.total_seconds()
    stream = Stream(incoming if handler.request_streaming else None, decode, idle)
    streams.add(stream)
    seconds = edge.stream_seconds(verified, context.time_remaining())
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            calls.begin(edge.begin(method, verified, seconds, headers))
            request = stream if handler.request_streaming else decode(incoming)
            return await _answer(edge, handler, request, context, stream)
    except TimeoutError:
        raise (edge.ended(verified) if limit.expired() else DeadlineExceeded("TIME_OUT", "It took too long.")) from None
    except asyncio.CancelledError:
        if stream.draining:
            raise _draining() from None
        raise
    finally:
        streams.discard(stream)
        edge.streams.leave(key)


async def _answer(
    edge: Edge, handler: grpc.RpcMethodHandler[Any, Any], request: object, context: Context, stream: Stream
) -> bytes | None:
    if not handler.response_streaming:
        reply: bytes = handler.response_serializer(await handler.stream_unary(request, context))
        if stream.draining:
            raise _draining()
        return reply
    behaviour = handler.stream_stream if handler.request_streaming else handler.unary_stream
    await _write_all(behaviour(request, context), handler.response_serializer, context, edge)
    if stream.draining:
        raise _draining()
    return None


async def _write_all(
    replies: AsyncIterator[Any], encode: Callable[[Any], bytes], context: Context, edge: Edge
) -> None:
    """Write what the handler yields; a reader who takes longer than a write may last is let go."""
    seconds = edge.limits.stream_write.total_seconds()
    write: Callable[[bytes], Awaitable[None]] = context.write
    try:
        async for reply in replies:
            try:
                async with asyncio.timeout(seconds):
                    await write(encode(reply))
            except TimeoutError:
                raise DeadlineExceeded("READER_TOO_SLOW", "The stream was not read in time.") from None
    finally:
        close = getattr(replies, "aclose", None)
        if close is not None:
            await close()


def _draining() -> Unavailable:
    return Unavailable("DRAINING", "The process is stopping; resume elsewhere.", retry_after=RETRY_AFTER)
