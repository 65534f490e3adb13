"""What flows and callbacks told, from routing's log to call-events: in order, at least once, once in effect by ids.

The cursor moves after call-events holds the facts. While it is away they wait in the log; one that it refuses is left
out and counted. A tenant without a token of its own is not told of.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import grpc
from google.protobuf.message import DecodeError

from contact_life import identity
from event_log.errors import IncarnationChanged
from event_log.log import Log
from event_log.model import Cursor, Event, Filter, Page
from event_log.resuming import Feed
from holdfast.call_events.v1 import after_pb2
from holdfast.call_events.v1.call_events_service_pb2 import DESCRIPTOR, RecordContactEventsRequest
from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent
from holdfast.ivr_routing.v1.flow_pb2 import FlowStepTaken
from holdfast.ivr_routing.v1.queueing_pb2 import CallbackAttemptFailed, CallbackPlaceEnded, CallbackPlaceKept
from ivr_routing import telemetry
from service_host import client
from service_host.postgres import Connection, Database

if TYPE_CHECKING:
    from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceAsyncStub

SOURCE: Final = "ivr-routing"
"""The source in whose name flows are told."""
PAGE_EVENTS: Final = 250
MOST_IN_A_MESSAGE: Final = 500
CALL_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 0.5
DATABASE_SECONDS: Final = 5.0
_SERVICE: Final = DESCRIPTOR.services_by_name["CallEventsService"]
_FIND: Final = "select log_id, incarnation, position from told_cursor where log_id = $1"
_MOVE: Final = """
    insert into told_cursor (log_id, incarnation, position) values ($1, $2, $3)
    on conflict (log_id) do update set incarnation = excluded.incarnation, position = excluded.position
"""


def facts_of(event: Event) -> Iterator[ContactEvent]:
    """Yield what an event tells of its contact, as call-events is to record it: the same however often it is read.

    Facts of one event are a microsecond apart, so that their order is told as well. Raises DecodeError for garbage.
    """
    kind, read = _READERS[event.type]
    message = kind.FromString(event.payload)
    for place, fact in enumerate(read(message)):
        fact.event_id = identity.event_id(SOURCE, message.contact_id, "flow", f"{event.event_id}.{place}")
        fact.contact.contact_id = message.contact_id
        fact.source_id = SOURCE
        fact.event_time.FromMicroseconds(event.event_time_us + place)
        fact.causation_id = str(event.event_id)
        yield fact


def _of_step(step: FlowStepTaken) -> Iterator[ContactEvent]:
    yield from map(ContactEvent.FromString, step.told)


def _of_place(kept: CallbackPlaceKept) -> Iterator[ContactEvent]:
    asked = after_pb2.CallbackRequested(callback_id=kept.callback_id, queue=kept.queue)
    if kept.promised_us:
        asked.promised_time.FromMicroseconds(kept.promised_us)
    yield ContactEvent(callback_requested=asked)


def _of_attempt(failed: CallbackAttemptFailed) -> Iterator[ContactEvent]:
    yield _attempted(failed.callback_id, failed.attempt)


def _of_end(ended: CallbackPlaceEnded) -> Iterator[ContactEvent]:
    if ended.outcome == "reached":
        yield _attempted(ended.callback_id, ended.attempt)
        yield ContactEvent(callback_completed=after_pb2.CallbackCompleted(callback_id=ended.callback_id))
    else:
        cause = _CAUSES.get(ended.cause, ended.cause or ended.outcome)
        failed = after_pb2.CallbackFailed(callback_id=ended.callback_id, cause=cause)
        yield ContactEvent(callback_failed=failed)


def _attempted(callback_id: str, attempt: int) -> ContactEvent:
    return ContactEvent(callback_attempted=after_pb2.CallbackAttempted(callback_id=callback_id, attempt=attempt))


_CAUSES: Final = {"customer_no_answer": "no_answer", "customer_busy": "busy", "withdrawn": "cancelled"}
_READERS: Final[dict[str, tuple[Any, Callable[[Any], Iterator[ContactEvent]]]]] = {
    "FlowStepTaken": (FlowStepTaken, _of_step),
    "CallbackPlaceKept": (CallbackPlaceKept, _of_place),
    "CallbackAttemptFailed": (CallbackAttemptFailed, _of_attempt),
    "CallbackPlaceEnded": (CallbackPlaceEnded, _of_end),
}
_WANTED: Final = Filter(types=tuple(_READERS))


class FlowFacts:
    """The way of flows' facts to call-events, for the process that decides."""

    def __init__(self, log: Log, database: Database, address: str, tokens: Path) -> None:
        """Tell call-events at an address (host:port); a tenant's token stands in a folder, in TENANT.token."""
        self._log = log
        self._database = database
        self._address = address
        self._tokens = tokens
        self._stubs: dict[str, CallEventsServiceAsyncStub] = {}

    async def run(self) -> None:
        """Tell for ever; ends by raising what the log or the database raise."""
        feed = Feed(SOURCE, self._log)
        async with AsyncExitStack() as channels:
            try:
                async with aclosing(_pages(feed, await self._place())) as pages:
                    async for page in pages:
                        await self._tell(page, channels)
            except IncarnationChanged:
                head = await self._log.head()
                await self._move(Cursor(head.log_id, head.incarnation, 0))
            finally:
                self._stubs.clear()

    async def _tell(self, page: Page, channels: AsyncExitStack) -> None:
        facts: dict[str, list[ContactEvent]] = defaultdict(list)
        for event in page.events:
            facts[event.tenant] += _readable(event)
        for tenant, told in facts.items():
            stub = self._stub(tenant, channels)
            if stub is not None:
                for first in range(0, len(told), MOST_IN_A_MESSAGE):
                    await _record(stub, told[first : first + MOST_IN_A_MESSAGE])
        if page.events:
            await self._move(page.complete_to)

    def _stub(self, tenant: str, channels: AsyncExitStack) -> "CallEventsServiceAsyncStub | None":
        """Return the door for a tenant; None if there is no token for it."""
        file = self._tokens / f"{quote(tenant, safe='')}.token"
        if tenant not in self._stubs:
            if not file.exists():
                telemetry.FLOW_FACTS_WITHOUT_TOKEN.warning()
                return None
            channel = client.connect(self._address, token=_reader(file), services=[_SERVICE])
            channels.push_async_callback(channel.close, None)
            self._stubs[tenant] = CallEventsServiceStub(channel)
        return self._stubs[tenant]

    async def _place(self) -> Cursor:
        """Where to go on; a first start begins with the log."""
        head = await self._log.head()
        async with self._database.acquire(DATABASE_SECONDS) as connection:
            row = await connection.fetchrow(_FIND, head.log_id)
        return Cursor(row["log_id"], row["incarnation"], row["position"]) if row else _beginning(head)

    async def _move(self, to: Cursor) -> None:
        """Keep the place without waiting for the disk, which the log needs: what is lost of it is told twice."""

        async def move(connection: Connection) -> None:
            await connection.execute("set local synchronous_commit = off")
            await connection.execute(_MOVE, to.log_id, to.incarnation, to.position)

        await self._database.run(move, DATABASE_SECONDS)


async def _pages(feed: Feed, after: Cursor) -> AsyncGenerator[Page, None]:
    async for page in feed.pages(after, filter=_WANTED, limit=PAGE_EVENTS):
        yield page


async def _record(stub: "CallEventsServiceAsyncStub", facts: Sequence[ContactEvent]) -> None:
    """Tell until it is recorded; a service that is away is waited for."""
    while True:
        try:
            answer = await stub.RecordContactEvents(RecordContactEventsRequest(events=facts), timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as trouble:
            telemetry.FLOW_FACTS_NOT_TOLD.info(status=trouble.code().name)
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        for verdict in answer.verdicts:
            if verdict.HasField("refused"):
                telemetry.FLOW_FACTS_REFUSED.add(1, verdict.refused.reason)
        telemetry.FLOW_FACTS.add(len(facts))
        return


def _readable(event: Event) -> list[ContactEvent]:
    """Return the facts of an event; none, with an alarm, if it cannot be read."""
    try:
        return list(facts_of(event))
    except (DecodeError, ValueError) as garbage:
        telemetry.FACT_FAILED.error(type=event.type, error_class=type(garbage).__name__, places="")
        return []


def _reader(file: Path) -> Callable[[], str]:
    """Return what reads a token as its file has it now."""
    return lambda: file.read_text().strip()


def _beginning(head: Cursor) -> Cursor:
    return Cursor(head.log_id, head.incarnation, 0)
