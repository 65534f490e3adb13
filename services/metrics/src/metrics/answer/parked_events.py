"""Answers about events that were set aside: listed, tried again, left out for good; only the tenant's own."""

from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.metrics.v1 import metrics_service_pb2 as pb
from metrics.errors import InvalidPageToken
from metrics.follow import parked
from metrics.follow.parked import Parked
from metrics.follow.retrying import Retrying
from metrics.generation import live_generation
from metrics.report.question import is_name
from service_host import call
from service_host.postgres import Database

DEFAULT_SIZE: Final = 100
LARGEST_SIZE: Final = 1_000
LONGEST_REASON: Final = 200


class ParkedEvents:
    """Answers to ListParkedEvents, RetryParkedEvent and SkipParkedEvent."""

    def __init__(self, database: Database, retrying: Retrying) -> None:
        self._database = database
        self._retrying = retrying

    async def listed(self, request: pb.ListParkedEventsRequest) -> pb.ListParkedEventsResponse:
        """Return a page of the tenant's events; raises InvalidPageToken."""
        tenant, after = call.caller().tenant, _place(request.page_token)
        size = min(max(request.page_size, 0) or DEFAULT_SIZE, LARGEST_SIZE)
        async with self._database.acquire() as connection:
            generation = await live_generation(connection) or ""
            found = await parked.listed(connection, generation, tenant, after=after, limit=size + 1)
            total = await parked.counted(connection, generation, tenant)
        return pb.ListParkedEventsResponse(
            events=map(_event, found[:size]),
            next_page_token=_token(found[size - 1]) if len(found) > size else "",
            total=total,
        )

    async def retry(self, request: pb.RetryParkedEventRequest) -> pb.RetryParkedEventResponse:
        """Apply an event; raises NotParked, AmbiguousPosition, StillUnfoldable."""
        event = await self._retrying.retry(request.position, call.caller().tenant, request.log_id)
        return pb.RetryParkedEventResponse(event=_event(event))

    async def skip(self, request: pb.SkipParkedEventRequest) -> pb.SkipParkedEventResponse:
        """Leave an event out for good; raises NotParked, AmbiguousPosition."""
        reason = request.reason[:LONGEST_REASON].replace("\0", "")
        event = await self._retrying.skip(request.position, reason, call.caller().tenant, request.log_id)
        return pb.SkipParkedEventResponse(event=_event(event))


def _token(last: Parked) -> str:
    return f"{last.position}@{last.log_id}"


def _place(token: str) -> parked.Place:
    if not token:
        return "", 0
    position, _, log_id = token.partition("@")
    if not (position.isascii() and position.isdigit() and len(position) < len(str(2**63)) and is_name(log_id)):
        raise InvalidPageToken
    return log_id, int(position)


def _event(found: Parked) -> pb.ParkedEvent:
    parked_time = Timestamp()
    parked_time.FromDatetime(found.parked_time)
    return pb.ParkedEvent(
        log_id=found.log_id,
        position=found.position,
        category=found.category,
        stream_id=str(found.key),
        type=found.type,
        reason=found.reason,
        attempts=found.attempts,
        parked_time=parked_time,
    )
