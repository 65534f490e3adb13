"""A log in a schema of Postgres: reads by anybody, appends by the one process that holds the lease."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from event_log.connections import Connections
from event_log.doorbell import Doorbell
from event_log.errors import MAX_CONFLICTING_EVENTS, AppendRefused, Fenced, InvalidRead, VersionConflict
from event_log.following import follow, follow_packed
from event_log.form import check_columns, check_cursor, check_limit
from event_log.lease import held_elsewhere
from event_log.limits import WriterLimits
from event_log.listener import Listener
from event_log.log import HEARTBEAT, PACKED_PAGE_EVENTS, Verdict
from event_log.memory import clock_us
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
from event_log.packed_reading import PackedReader
from event_log.reading import (
    SCAN_EVENTS,
    Range,
    read_head,
    read_range,
    read_stream,
    read_streams,
    read_unchanged_until,
)
from event_log.turns import CallerName, nobody
from event_log.verdicts import part_of, wanted_version
from event_log.watching import AppendWatch, Unwatched
from event_log.writer import Writer

STREAMS_A_STATEMENT = 500
DEFAULT_LIMITS = WriterLimits()
UNWATCHED = Unwatched()


@asynccontextmanager
async def open_log(
    dsn: str,
    schema: str,
    *,
    now_us: Callable[[], int] = clock_us,
    limits: WriterLimits = DEFAULT_LIMITS,
    caller: CallerName = nobody,
    watch: AppendWatch = UNWATCHED,
) -> AsyncIterator["PostgresLog"]:
    """Give the log of a schema that event_log.migrations has been applied to; drain and close it at the end.

    `caller` names for whom a task reads or appends: readers take turns, so that none waits behind another one's crowd,
    and no caller's appends take all the room there is. `watch` is told how appending does.
    """
    log = PostgresLog(Connections(dsn, schema, caller=caller), now_us, limits, watch, caller)
    try:
        yield log
    finally:
        await log.close()


class PostgresLog:
    """See Log. Opens nothing before it is used, and comes back by itself when the server does."""

    def __init__(
        self,
        connections: Connections,
        now_us: Callable[[], int],
        limits: WriterLimits,
        watch: AppendWatch,
        caller: CallerName,
    ) -> None:
        """Name the schema; the clock gives microseconds since 1970 UTC."""
        self._connections = connections
        self._lease = limits.lease
        self._doorbell = Doorbell()
        self._listener = Listener(connections, self._doorbell)
        self._watch = watch
        self._writer = Writer(connections, now_us, self._doorbell.ring, limits, watch, caller)
        self._packed = PackedReader(connections)

    async def close(self) -> None:
        """Write what waits, then close every session."""
        await self._writer.close()
        await self._listener.close()
        await self._packed.close()
        await self._connections.close()

    async def head(self) -> Cursor:
        """See Log.head."""
        async with self._connections.read() as session:
            return await read_head(session)

    async def unchanged_until(self, held: Cursor) -> Cursor:
        """See Log.unchanged_until."""
        async with self._connections.read() as session:
            return await read_unchanged_until(session, held)

    async def stands_by(self) -> bool:
        """Whether another process is the active appender, and lives: until it ends, what is appended here waits."""
        if self._lease is None:
            return False
        async with self._connections.read() as session:
            return await held_elsewhere(session, self._writer.lease_pid, self._lease)

    async def append(self, append: Append) -> Appended:
        """See Log.append."""
        (verdict,) = await self._writer.submit((append,))
        if isinstance(verdict, Appended):
            return verdict
        raise await self._with_events(append, verdict)

    async def append_all(self, appends: Sequence[Append]) -> list[Verdict]:
        """See Log.append_all."""
        verdicts = await self._writer.submit(appends)
        for number, verdict in enumerate(verdicts):
            if isinstance(verdict, AppendRefused):
                verdicts[number] = await self._with_events(appends[number], verdict)
        return verdicts

    async def acquire_fence(self, tenant: str, name: str) -> Fence:
        """See Log.acquire_fence."""
        async with self._connections.read() as session:
            return Fence(name, await session.fetchval("select acquire_fence($1, $2)", tenant, name))

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
        async with self._connections.read() as session:
            head = await read_head(session)
            events = await read_stream(
                session,
                tenant,
                stream,
                after_version=after_version,
                limit=limit,
                backwards=backwards,
                until_position=head.position,
            )
        return StreamPage(events, head)

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
        wanted = list(found)
        for start in range(0, len(wanted), STREAMS_A_STATEMENT):
            async with self._connections.read() as session:
                until = (await read_head(session)).position if until_position is None else until_position
                some = wanted[start : start + STREAMS_A_STATEMENT]
                for stream, event in await read_streams(session, tenant, some, until):
                    found[stream].append(event)
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
        """See Log.read; where a filter passes little, a page may hold less than the limit and yet not be the last."""
        check_limit(limit, MAX_PAGE_EVENTS)
        async with self._connections.read() as session:
            head = await read_head(session)
            start = check_cursor(after, head)
            if backwards:
                wanted = Range(0, start - 1 if start else head.position)
            else:
                wanted = Range(start, min(until or head.position, head.position))
            looked = wanted.cut(limit if filter == EVERYTHING else max(limit, SCAN_EVENTS), backwards=backwards)
            events = await read_range(session, filter, limit, looked, backwards=backwards)
        end = looked.after + 1 if backwards else max(looked.until, start)
        reached = events[-1].position if len(events) == limit else min(end, start) if backwards and start else end
        return Page(events, Cursor(head.log_id, head.incarnation, reached), head.position)

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

    def packed_pages(
        self,
        head: Cursor,
        after: int,
        until: int,
        wanted: Filter,
        page_size: int,
        columns: Sequence[str],
    ) -> AsyncIterator[PackedPage]:
        """See following.Followed."""
        return self._packed.read(head, Range(after, until), wanted, page_size, columns)

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
        self._listener.start()
        return await self._doorbell.wait_beyond(position, deadline)

    async def _with_events(self, append: Append, refusal: AppendRefused) -> AppendRefused:
        """Add to a conflict the events written since the version expected."""
        if isinstance(refusal, (VersionConflict, Fenced)):
            self._watch.conflicted(refusal.reason)
        if not isinstance(refusal, VersionConflict):
            return refusal
        part = part_of(append, refusal.stream.key, refusal.stream.category)
        page = await self.read_stream(
            append.tenant, part.stream, after_version=wanted_version(part), limit=MAX_CONFLICTING_EVENTS
        )
        return VersionConflict(refusal.stream, refusal.actual_version, page.events)
