"""Streams: admitted once, ended when idle, too slow, too old, or when the process drains.

A handler is an async generator (or a coroutine, for one answer to many requests) over decoded requests. On draining the
requests end as if the caller had stopped sending; a handler that only sends is cancelled. Either way the caller is told
UNAVAILABLE / DRAINING and resumes elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta
from typing import Any, Self, cast

from service_host import call as calls
from service_host.edge import Edge, Method, gate_key
from service_host.errors import DeadlineExceeded, Unavailable
from service_host.grpc_handler import Context, Decode, Encode, Handler
from service_host.settings import Limits

RETRY_AFTER = timedelta(milliseconds=100)


class Stream:
    """One stream under way: ``drain`` ends it, at once if it only waits."""

    def __init__(self, incoming: AsyncIterator[bytes] | None, decode: Decode, limits: Limits) -> None:
        self._incoming = incoming
        self._decode = decode
        self._idle_seconds = limits.stream_idle.total_seconds()
        self.write_seconds = limits.stream_write.total_seconds()
        self._task = asyncio.current_task()
        self._reader: asyncio.Task[Any] | None = None
        self.draining = False

    def drain(self) -> None:
        """End it: no further requests; whoever waits for one stops waiting; who takes none is cancelled."""
        self.draining = True
        waiting = self._reader if self._incoming is not None else self._task
        if waiting is not None:
            waiting.cancel()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
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


async def serve_stream(
    edge: Edge, streams: Streams, method: Method, handler: Handler, incoming: Any, context: Context
) -> bytes | None:
    """Serve one stream within its bounds; raises what the guard is to tell. ``incoming`` is bytes or an iterator."""
    headers = cast("dict[str, str]", dict(context.invocation_metadata() or ()))  # only *-bin keys have bytes
    verified = await edge.identify(method, headers.get("authorization"))
    key = gate_key(verified, context)
    edge.streams.enter(key)
    stream = Stream(incoming if handler.takes_stream else None, handler.decode, edge.limits)
    streams.add(stream)
    seconds = edge.stream_seconds(verified, context.time_remaining())
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            calls.begin(edge.begin(method, verified, seconds, headers))
            return await _answer(handler, stream if handler.takes_stream else handler.decode(incoming), context, stream)
    except TimeoutError:
        if limit.expired():
            raise edge.ended(verified) from None
        raise
    except asyncio.CancelledError:
        if stream.draining:
            raise _draining() from None
        raise
    finally:
        streams.discard(stream)
        edge.streams.leave(key)


async def _answer(handler: Handler, request: Any, context: Context, stream: Stream) -> bytes | None:
    reply = None
    if handler.gives_stream:
        await _write_all(handler.answer(request, context), handler.encode, context, stream.write_seconds)
    else:
        reply = handler.encode(await handler.answer(request, context))
    if stream.draining:
        raise _draining()
    return reply


async def _write_all(replies: AsyncGenerator[Any, None], encode: Encode, context: Context, seconds: float) -> None:
    """Write what the handler yields; a reader who takes longer than a write may last is let go."""
    try:
        async for reply in replies:
            try:
                async with asyncio.timeout(seconds):
                    await context.write(encode(reply))
            except TimeoutError:
                raise DeadlineExceeded("READER_TOO_SLOW", "The stream was not read in time.") from None
    finally:
        await replies.aclose()


def _draining() -> Unavailable:
    return Unavailable("DRAINING", "The process is stopping; resume elsewhere.", retry_after=RETRY_AFTER)
