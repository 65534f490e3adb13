"""The interface of a log; memory, Postgres and the gRPC client all keep it, and one contract suite proves it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from event_log.errors import AppendRefused
from event_log.model import (
    DEFAULT_PAGE_EVENTS,
    EVERYTHING,
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

Verdict = Appended | AppendRefused
"""What became of one append of many."""

HEARTBEAT = timedelta(seconds=5)
"""A subscription without news yields an empty page after this long."""
PACKED_PAGE_EVENTS = 50_000
"""Events of a packed page whose reader names no size."""


class Log(Protocol):
    """An append-only log: dense positions in commit order, streams with versions, feeds by position.

    Every method may raise Unavailable; reads that take a cursor raise IncarnationChanged if it is of another
    incarnation or beyond the head, and InvalidRead if they ask for the impossible.
    """

    async def head(self) -> Cursor:
        """Tell the log's name, incarnation and last position."""
        ...

    async def unchanged_until(self, held: Cursor) -> Cursor:
        """Tell up to where the log still is what the holder of a cursor read, as a cursor of the present incarnation.

        Raises IncarnationChanged for a cursor of another log, or of an incarnation that is not known here.
        """
        ...

    async def append(self, append: Append) -> Appended:
        """Write one append, durable when this returns; raise AppendRefused if it cannot be."""
        ...

    async def append_all(self, appends: Sequence[Append]) -> list[Verdict]:
        """Write many appends, each whole or not at all, and answer with a verdict for each, in order.

        They are taken in order: a later one sees what an earlier one wrote. Much cheaper than as many calls.
        """
        ...

    async def acquire_fence(self, tenant: str, name: str) -> Fence:
        """Raise the fence's epoch; appends under a lower one are refused from then on."""
        ...

    async def read_stream(
        self,
        tenant: str,
        stream: Stream,
        *,
        after_version: int = 0,
        limit: int = DEFAULT_PAGE_EVENTS,
        backwards: bool = False,
    ) -> StreamPage:
        """Read a page of one stream; backwards from before after_version, or from the end if that is 0."""
        ...

    async def read_streams(
        self,
        tenant: str,
        streams: Sequence[Stream],
        *,
        until_position: int | None = None,
    ) -> Mapping[Stream, Sequence[Event]]:
        """Read many whole streams, as they were at until_position if given; unknown ones are empty."""
        ...

    async def read(
        self,
        after: Cursor | int,
        *,
        filter: Filter = EVERYTHING,
        limit: int = DEFAULT_PAGE_EVENTS,
        backwards: bool = False,
        until: int | None = None,
    ) -> Page:
        """Read a page by position, up to and with `until` (None or 0: the head).

        Backwards it goes from before `after` (0: the head), and `until` is not looked at.
        """
        ...

    def read_packed(
        self,
        after: Cursor | int,
        *,
        filter: Filter = EVERYTHING,
        until: int | None = None,
        page_size: int = PACKED_PAGE_EVENTS,
        columns: Sequence[str] = (),
    ) -> AsyncIterator[PackedPage]:
        """Read pages of columns up to `until` or the head at the start; empty `columns`: all of packed.SCHEMA."""
        ...

    def subscribe(
        self,
        after: Cursor | int,
        *,
        filter: Filter = EVERYTHING,
        limit: int = DEFAULT_PAGE_EVENTS,
        heartbeat: timedelta = HEARTBEAT,
    ) -> AsyncIterator[Page]:
        """Catch up, then follow the log live; an empty page tells complete_to when nothing passes the filter."""
        ...

    def subscribe_packed(
        self,
        after: Cursor | int,
        *,
        filter: Filter = EVERYTHING,
        limit: int = PACKED_PAGE_EVENTS,
        columns: Sequence[str] = (),
        heartbeat: timedelta = HEARTBEAT,
    ) -> AsyncIterator[PackedPage]:
        """Like subscribe, in columns."""
        ...
