"""A log in memory: the whole contract without a disk, for tests and for thinking; gone with the process."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import timedelta

from event_log.doorbell import Doorbell
from event_log.errors import MAX_CONFLICTING_EVENTS, AppendRefused, InvalidAppend, InvalidRead, VersionConflict
from event_log.following import follow, follow_packed
from event_log.form import check_append, check_columns, check_cursor, check_limit, unchanged
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
from event_log.packed import COLUMNS, pack
from event_log.verdicts import Known, Placed, StreamId, StreamState, as_event, part_of, streams_of, wanted_version


def clock_us() -> int:
    """Return the machine's clock in microseconds since 1970 UTC."""
    return time.time_ns() // 1_000


class MemoryLog:
    """Keeps every event in a list; its appends are taken one after the other by construction."""

    def __init__(self, log_id: str = "memory", now_us: Callable[[], int] = clock_us) -> None:
        """Begin an empty log."""
        self._cursor = Cursor(log_id, 1, 0)
        self._began: dict[int, int] = {}
        self._now_us = now_us
        self._known = Known()
        self._events: list[Event] = []
        self._streams: dict[StreamId, list[Event]] = {}
        self._doorbell = Doorbell()

    async def head(self) -> Cursor:
        """See Log.head."""
        return Cursor(self._cursor.log_id, self._cursor.incarnation, len(self._events))

    async def unchanged_until(self, held: Cursor) -> Cursor:
        """See Log.unchanged_until."""
        kept = (position for incarnation, position in self._began.items() if incarnation > held.incarnation)
        return unchanged(held, await self.head(), min(kept, default=None))

    def raise_incarnation(self) -> None:
        """Tell every reader that the log may have lost something, as a restored one does."""
        at = self._cursor
        self._cursor = Cursor(at.log_id, at.incarnation + 1, at.position)
        self._began[self._cursor.incarnation] = len(self._events)

    async def append(self, append: Append) -> Appended:
        """See Log.append."""
        verdict = self._append(append)
        if isinstance(verdict, AppendRefused):
            raise verdict
        return verdict

    async def append_all(self, appends: Sequence[Append]) -> list[Verdict]:
        """See Log.append_all."""
        return [self._append(append) for append in appends]

    async def acquire_fence(self, tenant: str, name: str) -> Fence:
        """See Log.acquire_fence."""
        epoch = self._known.fences.get((tenant, name), 0) + 1
        self._known.fences[tenant, name] = epoch
        return Fence(name, epoch)

    async def read_stream(
        self,
        tenant: str,
        stream: Stream,
        *,
        after_version: int = 0,
        limit: int = DEFAULT_PAGE_EVENTS,
        backwards: bool = False,
    ) -> StreamPage:
        """See Log.read_stream."""
        check_limit(limit, MAX_PAGE_EVENTS)
        events = self._streams.get((tenant, stream.category, stream.key.int), [])
        if backwards:
            page = events[: after_version - 1 if after_version else None][::-1][:limit]
        else:
            page = events[after_version : after_version + limit]
        return StreamPage(page, await self.head())

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
        until = len(self._events) if until_position is None else until_position
        return {
            stream: [
                event
                for event in self._streams.get((tenant, stream.category, stream.key.int), [])
                if event.position <= until
            ]
            for stream in streams
        }

    async def read(
        self,
        after: Cursor | int,
        *,
        filter: Filter = EVERYTHING,
        limit: int = DEFAULT_PAGE_EVENTS,
        backwards: bool = False,
        until: int | None = None,
    ) -> Page:
        """See Log.read."""
        check_limit(limit, MAX_PAGE_EVENTS)
        return self._page(after, filter, limit, until, backwards=backwards)

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
        wanted = check_columns(columns, COLUMNS)
        head = await self.head()
        start, last = check_cursor(after, head), min(until or head.position, head.position)
        async for page in self.packed_pages(head, start, last, filter, page_size, wanted):
            yield page

    async def packed_pages(
        self,
        head: Cursor,
        after: int,
        until: int,
        wanted: Filter,
        page_size: int,
        columns: Sequence[str],
    ) -> AsyncIterator[PackedPage]:
        """See following.Followed."""
        while after < until:
            page = self._page(after, wanted, page_size, until)
            after = page.complete_to.position
            yield PackedPage(pack(page.events, columns), page.complete_to, head.position)

    async def subscribe(
        self,
        after: Cursor | int,
        *,
        filter: Filter = EVERYTHING,
        limit: int = DEFAULT_PAGE_EVENTS,
        heartbeat: timedelta = HEARTBEAT,
    ) -> AsyncIterator[Page]:
        """See Log.subscribe."""
        async for page in follow(self, after, filter, limit, heartbeat):
            yield page

    async def subscribe_packed(
        self,
        after: Cursor | int,
        *,
        filter: Filter = EVERYTHING,
        limit: int = PACKED_PAGE_EVENTS,
        columns: Sequence[str] = (),
        heartbeat: timedelta = HEARTBEAT,
    ) -> AsyncIterator[PackedPage]:
        """See Log.subscribe_packed."""
        async for page in follow_packed(self, after, filter, limit, columns, heartbeat):
            yield page

    async def wait_beyond(self, position: int, deadline: timedelta) -> bool:
        """Return True as soon as the head is beyond the position, False after the deadline."""
        return await self._doorbell.wait_beyond(position, deadline)

    def _append(self, append: Append) -> Verdict:
        try:
            check_append(append)
        except InvalidAppend as invalid:
            return invalid
        for key in streams_of(append):
            self._known.streams.setdefault(key, StreamState())
        placed = Placed()
        verdict = self._known.take(append, placed)
        if isinstance(verdict, VersionConflict):
            return self._with_events(append, verdict)
        now_us = self._record_time_us()
        self._keep([as_event(written, now_us) for written in placed.written])
        return verdict

    def _keep(self, events: list[Event]) -> None:
        self._events.extend(events)
        for event in events:
            key = (event.tenant, event.stream.category, event.stream.key.int)
            self._streams.setdefault(key, []).append(event)
        self._doorbell.ring(len(self._events))

    def _record_time_us(self) -> int:
        return max(self._now_us(), self._events[-1].record_time_us if self._events else 0)

    def _with_events(self, append: Append, conflict: VersionConflict) -> VersionConflict:
        part = part_of(append, conflict.stream.key, conflict.stream.category)
        events = self._streams.get((append.tenant, part.stream.category, part.stream.key.int), [])
        return VersionConflict(
            conflict.stream, conflict.actual_version, events[wanted_version(part) :][:MAX_CONFLICTING_EVENTS]
        )

    def _page(
        self,
        after: Cursor | int,
        wanted: Filter,
        limit: int,
        until: int | None,
        *,
        backwards: bool = False,
    ) -> Page:
        head = Cursor(self._cursor.log_id, self._cursor.incarnation, len(self._events))
        start = check_cursor(after, head)
        if backwards:
            seen = self._events[: start - 1 if start else None][::-1]
        else:
            seen = self._events[start : until or head.position]
        chosen = [event for event in seen if wanted.passes(event)][:limit]
        reached = chosen[-1].position if len(chosen) == limit else seen[-1].position if seen else start
        return Page(chosen, Cursor(head.log_id, head.incarnation, reached), head.position)
