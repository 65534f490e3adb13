"""Readers of the log who follow it all the while and write down what they were shown: one by each door."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from grpc import StatusCode
from grpc.aio import AioRpcError

from event_log.errors import IncarnationChanged
from event_log.feed import Feed
from event_log.model import Cursor
from fault_suite.checks import Seen
from holdfast.call_events.v1 import call_events_service_pb2 as pb

SERVICES, TENANT = "the services' door", "the tenant's door"
COLUMNS = ("position", "event_id")
PAUSE_SECONDS = 0.1
CURSOR_OUTDATED = {StatusCode.FAILED_PRECONDITION}


class Notes:
    """What readers were shown, a line a page."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1, encoding="utf-8")

    def shown(self, feed: str, incarnation: int, events: Iterable[tuple[int, str]]) -> None:
        """Write down a page."""
        found = list(events)
        if found:
            self._file.write(json.dumps([feed, incarnation, found], separators=(",", ":")) + "\n")

    def close(self) -> None:
        """Write no more."""
        self._file.close()


def read_notes(path: Path) -> list[Seen]:
    """Return what each feed showed of each incarnation, in order of incarnations."""
    found: dict[tuple[str, int], list[tuple[int, str]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        feed, incarnation, events = json.loads(line)
        found.setdefault((feed, incarnation), []).extend((position, event) for position, event in events)
    return [Seen(feed, incarnation, events) for (feed, incarnation), events in sorted(found.items())]


class ServicesReader:
    """Follows the log by the door for services; `place` is how far it has come."""

    def __init__(self, feed: Feed, notes: Notes) -> None:
        self.place = Cursor("", 1, 0)
        self._feed = feed
        self._notes = notes

    async def follow(self) -> None:
        """Follow for ever; a restored log is read from its beginning."""
        while True:
            try:
                await self._follow_on()
            except IncarnationChanged as changed:
                self.place = Cursor(changed.actual.log_id, changed.actual.incarnation, 0)

    async def _follow_on(self) -> None:
        after: Cursor | int = self.place if self.place.log_id else 0
        async for page in self._feed.packed_pages(after, columns=COLUMNS):
            columns = page.batch.to_pydict()
            ids = (str(UUID(bytes=event)) for event in columns["event_id"])
            shown = zip(columns["position"], ids, strict=True)
            self._notes.shown(SERVICES, page.complete_to.incarnation, shown)
            self.place = page.complete_to


class TenantReader:
    """Follows the tenant's own events by opaque cursors. Where nobody else has events, they are the whole log."""

    def __init__(self, stub: Any, notes: Notes) -> None:
        self.position = 0
        self._stub = stub
        self._notes = notes
        self._cursor = ""
        self._beginnings = 1

    async def follow(self) -> None:
        """Follow until cancelled; what is away is asked again, an outdated cursor is thrown away."""
        while True:
            try:
                await self._follow_on()
            except AioRpcError as error:
                if error.code() in CURSOR_OUTDATED:
                    self._cursor, self.position = "", 0
                    self._beginnings += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async def _follow_on(self) -> None:
        async for page in self._stub.SubscribeEvents(pb.SubscribeEventsRequest(cursor=self._cursor)):
            events = list(_events(page))
            self._notes.shown(TENANT, self._beginnings, events)
            self._cursor = page.cursor
            self.position = events[-1][0] if events else self.position


def _events(page: pb.SubscribeEventsResponse) -> Iterator[tuple[int, str]]:
    for event in page.events:
        recorded: Any = getattr(event, event.WhichOneof("event") or "contact_event")
        yield recorded.envelope.position, recorded.event.event_id
