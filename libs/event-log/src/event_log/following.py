"""Following a log: catch up page by page, then wait for its doorbell; never polls, always says how far it is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Protocol

from event_log.form import check_columns, check_cursor
from event_log.model import Cursor, Filter, PackedPage, Page
from event_log.packed import COLUMNS, pack

GATHER_SECONDS = 0.01
"""A reader who has caught up reads at most once in this time, however often the log is written."""


class Followed(Protocol):
    """What following needs of a log."""

    async def head(self) -> Cursor:
        """See Log.head."""
        ...

    async def read(self, after: Cursor | int, *, filter: Filter, limit: int) -> Page:
        """See Log.read."""
        ...

    def packed_pages(
        self,
        head: Cursor,
        after: int,
        until: int,
        wanted: Filter,
        page_size: int,
        columns: Sequence[str],
    ) -> AsyncIterator[PackedPage]:
        """Yield pages of columns of some positions, as Log.read_packed does, for a head that was read before."""
        ...

    async def wait_beyond(self, position: int, deadline: timedelta) -> bool:
        """Return True as soon as the head is beyond the position, False after the deadline."""
        ...


async def follow(
    log: Followed,
    after: Cursor | int,
    wanted: Filter,
    limit: int,
    heartbeat: timedelta,
) -> AsyncIterator[Page]:
    """Yield pages for ever: with events while there are any, else one each heartbeat that tells complete_to."""
    cursor = after
    while True:
        page = await log.read(cursor, filter=wanted, limit=limit)
        cursor = page.complete_to
        yield page
        if page.complete_to.position >= page.head_position:
            await _wait_for_news(log, page.complete_to.position, heartbeat)


async def follow_packed(
    log: Followed,
    after: Cursor | int,
    wanted: Filter,
    limit: int,
    columns: Sequence[str],
    heartbeat: timedelta,
) -> AsyncIterator[PackedPage]:
    """Like follow, in columns."""
    cursor, wanted_columns = after, check_columns(columns, COLUMNS)
    while True:
        head = await log.head()
        position = check_cursor(cursor, head)
        if position >= head.position:
            yield PackedPage(pack((), wanted_columns), head, head.position)
            await _wait_for_news(log, position, heartbeat)
            continue
        async for page in log.packed_pages(head, position, head.position, wanted, limit, wanted_columns):
            cursor = page.complete_to
            yield page


async def _wait_for_news(log: Followed, position: int, heartbeat: timedelta) -> None:
    """Wait for the doorbell, then a moment more: a live reader takes what is written meanwhile in the same page."""
    if await log.wait_beyond(position, heartbeat):
        await asyncio.sleep(GATHER_SECONDS)
