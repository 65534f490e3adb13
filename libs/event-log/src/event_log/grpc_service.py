"""holdfast.log.v1.LogService over any log: the door for services. Who may come in is the host's policy."""

# ruff: noqa: N802  # methods are named by the proto

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeAlias

import grpc

from event_log import wire
from event_log.errors import EventLogError, InvalidRead
from event_log.grpc_errors import abort
from event_log.log import HEARTBEAT, PACKED_PAGE_EVENTS, Log
from event_log.model import DEFAULT_PAGE_EVENTS, Cursor, Event, PackedPage
from holdfast.log.v1 import event_pb2, log_service_pb2, log_service_pb2_grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

MESSAGE_BYTES = 3_000_000
"""About what an answer may weigh, well below gRPC's usual bound of 4 MB."""
MAX_GROUPS = 10_000
SHORTEST_HEARTBEAT = timedelta(milliseconds=100)
LONGEST_HEARTBEAT = timedelta(seconds=30)


class LogServicer(log_service_pb2_grpc.LogServiceServicer):
    """Serves a log; add it with `add_LogServiceServicer_to_server`."""

    def __init__(self, log: Log) -> None:
        """Serve this log."""
        self._log = log

    async def GetHead(
        self, request: log_service_pb2.GetHeadRequest, context: Context
    ) -> log_service_pb2.GetHeadResponse:
        """See the proto."""
        async with _told(context):
            answer = log_service_pb2.GetHeadResponse(head=wire.cursor_to_wire(await self._log.head()))
            if request.HasField("held"):
                kept = await self._log.unchanged_until(wire.cursor_from_wire(request.held))
                answer.unchanged_until.CopyFrom(wire.cursor_to_wire(kept))
            return answer

    async def Append(self, request: log_service_pb2.AppendRequest, context: Context) -> log_service_pb2.AppendResponse:
        """See the proto."""
        async with _told(context):
            if len(request.groups) > MAX_GROUPS:
                raise InvalidRead(f"a message carries at most {MAX_GROUPS} groups")
            verdicts = await self._log.append_all([wire.group_from_wire(group) for group in request.groups])
            return log_service_pb2.AppendResponse(verdicts=map(wire.verdict_to_wire, verdicts))

    async def AcquireFence(
        self, request: log_service_pb2.AcquireFenceRequest, context: Context
    ) -> log_service_pb2.AcquireFenceResponse:
        """See the proto."""
        async with _told(context):
            fence = await self._log.acquire_fence(request.tenant, request.name)
            return log_service_pb2.AcquireFenceResponse(fence=log_service_pb2.Fence(name=fence.name, epoch=fence.epoch))

    async def ReadStream(
        self, request: log_service_pb2.ReadStreamRequest, context: Context
    ) -> log_service_pb2.ReadStreamResponse:
        """See the proto; a page may be cut short by its weight."""
        async with _told(context):
            page = await self._log.read_stream(
                request.tenant,
                wire.stream_from_wire(log_service_pb2.StreamName(category=request.category, key=request.key)),
                after_version=request.after_version,
                limit=request.limit or DEFAULT_PAGE_EVENTS,
                backwards=request.backwards,
            )
            events = first_megabytes(page.events)
            return log_service_pb2.ReadStreamResponse(
                events=events,
                as_of=wire.cursor_to_wire(page.as_of),
                cut_short=len(events) < len(page.events),
            )

    async def ReadStreams(
        self, request: log_service_pb2.ReadStreamsRequest, context: Context
    ) -> AsyncIterator[log_service_pb2.ReadStreamsResponse]:
        """See the proto."""
        async with _told(context):
            until = request.until_position if request.HasField("until_position") else None
            streams = wire.streams_from_wire(request.streams)
            found = await self._log.read_streams(request.tenant, streams, until_position=until)
            events = [event for some in found.values() for event in some]
            while events:
                some = first_megabytes(events)
                del events[: len(some)]
                yield log_service_pb2.ReadStreamsResponse(events=some)

    async def ReadEvents(
        self, request: log_service_pb2.ReadEventsRequest, context: Context
    ) -> log_service_pb2.ReadEventsResponse:
        """See the proto; a page may be cut short by its weight."""
        async with _told(context):
            page = await self._log.read(
                wire.cursor_from_wire(request.after),
                filter=wire.filter_from_wire(request.filter),
                limit=request.limit or DEFAULT_PAGE_EVENTS,
                backwards=request.backwards,
                until=request.until_position or None,
            )
            events = first_megabytes(page.events)
            return log_service_pb2.ReadEventsResponse(
                events=events,
                complete_to=wire.cursor_to_wire(_reached(page.complete_to, page.events, len(events))),
                head_position=page.head_position,
            )

    async def ReadPackedEvents(
        self, request: log_service_pb2.ReadPackedEventsRequest, context: Context
    ) -> AsyncIterator[log_service_pb2.ReadPackedEventsResponse]:
        """See the proto."""
        async with _told(context):
            pages = self._log.read_packed(
                wire.cursor_from_wire(request.after),
                filter=wire.filter_from_wire(request.filter),
                until=request.until_position or None,
                page_size=request.page_size or PACKED_PAGE_EVENTS,
                columns=request.columns,
            )
            async for page in pages:
                for stream, reached, count in _pieces(page):
                    yield log_service_pb2.ReadPackedEventsResponse(
                        arrow_ipc=stream,
                        complete_to=wire.cursor_to_wire(reached),
                        count=count,
                        head_position=page.head_position,
                    )

    async def SubscribeEvents(
        self, request: log_service_pb2.SubscribeEventsRequest, context: Context
    ) -> AsyncIterator[log_service_pb2.SubscribeEventsResponse]:
        """See the proto."""
        async with _told(context):
            answers = self._follow_packed(request) if request.packed else self._follow(request)
            async for answer in answers:
                yield answer

    async def _follow(
        self, request: log_service_pb2.SubscribeEventsRequest
    ) -> AsyncIterator[log_service_pb2.SubscribeEventsResponse]:
        pages = self._log.subscribe(
            wire.cursor_from_wire(request.after),
            filter=wire.filter_from_wire(request.filter),
            limit=request.limit or DEFAULT_PAGE_EVENTS,
            heartbeat=_heartbeat(request),
        )
        async for page in pages:
            events, sent = list(page.events), 0
            while True:
                some = first_megabytes(events[sent:])
                sent += len(some)
                yield log_service_pb2.SubscribeEventsResponse(
                    events=some,
                    complete_to=wire.cursor_to_wire(_reached(page.complete_to, events, sent)),
                    head_position=page.head_position,
                )
                if sent >= len(events):
                    break

    async def _follow_packed(
        self, request: log_service_pb2.SubscribeEventsRequest
    ) -> AsyncIterator[log_service_pb2.SubscribeEventsResponse]:
        pages = self._log.subscribe_packed(
            wire.cursor_from_wire(request.after),
            filter=wire.filter_from_wire(request.filter),
            limit=request.limit or PACKED_PAGE_EVENTS,
            columns=request.columns,
            heartbeat=_heartbeat(request),
        )
        async for page in pages:
            for stream, reached, _ in _pieces(page):
                yield log_service_pb2.SubscribeEventsResponse(
                    arrow_ipc=stream,
                    complete_to=wire.cursor_to_wire(reached),
                    head_position=page.head_position,
                )


def first_megabytes(events: Sequence[Event]) -> list[event_pb2.Event]:
    """Return as messages the first events that fit into one answer, at least one if there is any."""
    messages: list[event_pb2.Event] = []
    weight = 0
    for event in events:
        message = wire.event_to_wire(event)
        weight += message.ByteSize() + 8
        if messages and weight > MESSAGE_BYTES:
            break
        messages.append(message)
    return messages


def _pieces(page: PackedPage) -> list[tuple[bytes, Cursor, int]]:
    """Return a page as streams that fit into one answer each, how far each reaches and how many events it holds."""
    parts = wire.batch_to_wire(page.batch, MESSAGE_BYTES)
    last = len(parts) - 1
    reached = [
        page.complete_to if number == last else _cut(page.complete_to, batch.column("position")[-1].as_py())
        for number, (batch, _) in enumerate(parts)
    ]
    return [(stream, cursor, batch.num_rows) for (batch, stream), cursor in zip(parts, reached, strict=True)]


def _reached(complete_to: Cursor, events: Sequence[Event], sent: int) -> Cursor:
    """Return how far an answer reaches that was cut after so many of a page's events."""
    return complete_to if sent == len(events) else _cut(complete_to, events[sent - 1].position)


def _cut(cursor: Cursor, position: int) -> Cursor:
    return Cursor(cursor.log_id, cursor.incarnation, position)


def _heartbeat(request: log_service_pb2.SubscribeEventsRequest) -> timedelta:
    asked = timedelta(milliseconds=request.heartbeat_ms) if request.heartbeat_ms else HEARTBEAT
    return min(max(asked, SHORTEST_HEARTBEAT), LONGEST_HEARTBEAT)


@asynccontextmanager
async def _told(context: Context) -> AsyncIterator[None]:
    """End the call as the table says if the log raises one of its errors, or if an id is malformed."""
    try:
        yield
    except EventLogError as error:
        await abort(context, error)
    except ValueError:
        await abort(context, InvalidRead("an id is not the 16 bytes of a UUID"))
