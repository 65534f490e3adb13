"""A log behind holdfast.log.v1: the same interface, the same errors; the channel brings token and encryption."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import grpc

from event_log import wire
from event_log.calls import checked
from event_log.errors import AppendRefused, InvalidAppend, InvalidRead, LogUnavailable
from event_log.form import check_columns, check_limit
from event_log.grpc_errors import raised_by
from event_log.log import HEARTBEAT, PACKED_PAGE_EVENTS, Verdict
from event_log.model import (
    DEFAULT_PAGE_EVENTS,
    EVERYTHING,
    MAX_PAGE_EVENTS,
    MAX_READ_STREAMS,
    Append,
    Appended,
    Cursor,
    Event,
    Fence,
    Filter,
    PackedPage,
    Page,
    Stream,
    StreamPage,
)
from event_log.packed import COLUMNS
from holdfast.log.v1 import log_service_pb2, log_service_pb2_grpc

EOF: object = grpc.aio.EOF
REQUEST_BYTES = 3_000_000
"""About what a message of groups may weigh; more go in several."""
REQUEST_GROUPS = 5_000
CALL_DEADLINE = timedelta(seconds=15)
PATIENCE = timedelta(seconds=10)
"""A stream silent for this long beyond its heartbeat is taken for dead."""


class GrpcLog:
    """See Log."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """Speak over a channel; closing it is its opener's."""
        self._stub: Any = log_service_pb2_grpc.LogServiceStub(channel)
        self._seconds = CALL_DEADLINE.total_seconds()

    async def head(self) -> Cursor:
        """See Log.head."""
        with _ours():
            answer = await self._stub.GetHead(log_service_pb2.GetHeadRequest(), timeout=self._seconds)
        return wire.cursor_from_wire(answer.head)

    async def unchanged_until(self, held: Cursor) -> Cursor:
        """See Log.unchanged_until."""
        request = log_service_pb2.GetHeadRequest(held=wire.cursor_to_wire(held))
        with _ours():
            answer = await self._stub.GetHead(request, timeout=self._seconds)
        return wire.cursor_from_wire(answer.unchanged_until)

    async def append(self, append: Append) -> Appended:
        """See Log.append."""
        (verdict,) = await self.append_all((append,))
        if isinstance(verdict, AppendRefused):
            raise verdict
        return verdict

    async def append_all(self, appends: Sequence[Append]) -> list[Verdict]:
        """See Log.append_all; more than fits one message goes in several, one after the other."""
        good, _, _ = checked(appends)
        sendable = [append for append in good if isinstance(append, Append)]
        verdicts: list[Verdict] = []
        for groups in _messages(sendable):
            with _ours():
                request = log_service_pb2.AppendRequest(groups=groups)
                answer = await self._stub.Append(request, timeout=self._seconds)
            verdicts += map(wire.verdict_from_wire, answer.verdicts)
        answers = iter(verdicts)
        return [append if isinstance(append, InvalidAppend) else next(answers) for append in good]

    async def acquire_fence(self, tenant: str, name: str) -> Fence:
        """See Log.acquire_fence."""
        with _ours():
            request = log_service_pb2.AcquireFenceRequest(tenant=tenant, name=name)
            answer = await self._stub.AcquireFence(request, timeout=self._seconds)
        return Fence(answer.fence.name, answer.fence.epoch)

    async def read_stream(
        self,
        tenant: str,
        stream: Stream,
        *,
        after_version: int = 0,
        limit: int = DEFAULT_PAGE_EVENTS,
        backwards: bool = False,
    ) -> StreamPage:
        """See Log.read_stream; what the service cut short by weight is read on."""
        check_limit(limit, MAX_PAGE_EVENTS)
        events: list[Event] = []
        while True:
            request = log_service_pb2.ReadStreamRequest(
                tenant=tenant,
                category=stream.category,
                key=stream.key.bytes,
                after_version=events[-1].version if events else after_version,
                limit=limit - len(events),
                backwards=backwards,
            )
            with _ours():
                answer = await self._stub.ReadStream(request, timeout=self._seconds)
            events += wire.events_from_wire(answer.events)
            if not answer.cut_short:
                return StreamPage(events, wire.cursor_from_wire(answer.as_of))

    async def read_streams(
        self,
        tenant: str,
        streams: Sequence[Stream],
        *,
        until_position: int | None = None,
    ) -> Mapping[Stream, Sequence[Event]]:
        """See Log.read_streams."""
        if len(streams) > MAX_READ_STREAMS:
            raise InvalidRead(f"at most {MAX_READ_STREAMS} streams are read at once, not {len(streams)}")
        found: dict[Stream, list[Event]] = {stream: [] for stream in streams}
        request = log_service_pb2.ReadStreamsRequest(
            tenant=tenant,
            streams=map(wire.stream_to_wire, found),
            until_position=until_position,
        )
        with _ours():
            async for answer in self._stub.ReadStreams(request, timeout=self._seconds):
                for event in wire.events_from_wire(answer.events):
                    found[event.stream].append(event)
        return found

    async def read(
        self,
        after: Cursor | int,
        *,
        filter: Filter = EVERYTHING,
        limit: int = DEFAULT_PAGE_EVENTS,
        backwards: bool = False,
        until: int | None = None,
    ) -> Page:
        """See Log.read; a page may hold less than the limit and yet not be the last."""
        check_limit(limit, MAX_PAGE_EVENTS)
        request = log_service_pb2.ReadEventsRequest(
            after=wire.cursor_to_wire(after),
            filter=wire.filter_to_wire(filter),
            limit=limit,
            backwards=backwards,
            until_position=until or 0,
        )
        with _ours():
            answer = await self._stub.ReadEvents(request, timeout=self._seconds)
        reached = wire.cursor_from_wire(answer.complete_to)
        return Page(wire.events_from_wire(answer.events), reached, answer.head_position)

    async def read_packed(
        self,
        after: Cursor | int,
        *,
        filter: Filter = EVERYTHING,
        until: int | None = None,
        page_size: int = PACKED_PAGE_EVENTS,
        columns: Sequence[str] = (),
    ) -> AsyncIterator[PackedPage]:
        """See Log.read_packed."""
        request = log_service_pb2.ReadPackedEventsRequest(
            after=wire.cursor_to_wire(after),
            filter=wire.filter_to_wire(filter),
            until_position=until or 0,
            page_size=page_size,
            columns=check_columns(columns, COLUMNS),
        )
        async for answer in _answers(self._stub.ReadPackedEvents(request), PATIENCE):
            yield _packed_page(answer)

    async def subscribe(
        self,
        after: Cursor | int,
        *,
        filter: Filter = EVERYTHING,
        limit: int = DEFAULT_PAGE_EVENTS,
        heartbeat: timedelta = HEARTBEAT,
    ) -> AsyncIterator[Page]:
        """See Log.subscribe; raises LogUnavailable when the stream ends, for the service may end any."""
        request = log_service_pb2.SubscribeEventsRequest(
            after=wire.cursor_to_wire(after),
            filter=wire.filter_to_wire(filter),
            limit=limit,
            heartbeat_ms=_milliseconds(heartbeat),
        )
        async for answer in _answers(self._stub.SubscribeEvents(request), heartbeat + PATIENCE):
            reached = wire.cursor_from_wire(answer.complete_to)
            yield Page(wire.events_from_wire(answer.events), reached, answer.head_position)
        raise LogUnavailable("the service ended the subscription")

    async def subscribe_packed(
        self,
        after: Cursor | int,
        *,
        filter: Filter = EVERYTHING,
        limit: int = PACKED_PAGE_EVENTS,
        columns: Sequence[str] = (),
        heartbeat: timedelta = HEARTBEAT,
    ) -> AsyncIterator[PackedPage]:
        """See Log.subscribe_packed; raises LogUnavailable when the stream ends, for the service may end any."""
        request = log_service_pb2.SubscribeEventsRequest(
            after=wire.cursor_to_wire(after),
            filter=wire.filter_to_wire(filter),
            limit=limit,
            packed=True,
            columns=check_columns(columns, COLUMNS),
            heartbeat_ms=_milliseconds(heartbeat),
        )
        async for answer in _answers(self._stub.SubscribeEvents(request), heartbeat + PATIENCE):
            yield _packed_page(answer)
        raise LogUnavailable("the service ended the subscription")


async def _answers(call: Any, patience: timedelta) -> AsyncIterator[Any]:
    """Yield a stream's messages; end the call when the reader goes, raise LogUnavailable when it falls silent."""
    try:
        with _ours():
            while True:
                async with asyncio.timeout(patience.total_seconds()):  # unlike wait_for, which may lose a cancellation
                    message = await call.read()
                if message is EOF:
                    return
                yield message
    finally:
        call.cancel()


@contextmanager
def _ours() -> Iterator[None]:
    """Raise the log's errors for gRPC's."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise raised_by(error) from error
    except TimeoutError as error:
        raise LogUnavailable("the log's service fell silent") from error


def _messages(appends: Sequence[Append]) -> Iterator[list[log_service_pb2.AppendGroup]]:
    """Yield the appends as messages' worth of groups, in order."""
    groups: list[log_service_pb2.AppendGroup] = []
    weight = 0
    for append in appends:
        group = wire.group_to_wire(append)
        size = group.ByteSize() + 8
        if groups and (weight + size > REQUEST_BYTES or len(groups) >= REQUEST_GROUPS):
            yield groups
            groups, weight = [], 0
        groups.append(group)
        weight += size
    if groups:
        yield groups


def _packed_page(answer: Any) -> PackedPage:
    batch = wire.batch_from_wire(answer.arrow_ipc)
    return PackedPage(batch, wire.cursor_from_wire(answer.complete_to), answer.head_position)


def _milliseconds(length: timedelta) -> int:
    return round(length.total_seconds() * 1000)
