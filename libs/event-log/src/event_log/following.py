"""Following a log: catch up page by page, then wait for its doorbell; never polls, always says how far it is."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Protocol

from event_log.form import check_columns, check_cursor
from event_log.model import Cursor, Filter, PackedPage, Page
from event_log.packed import COLUMNS, pack


class Followed(Protocol):
    """What following needs of a log."""

    async def head(self) -> Cursor:
        """See Log.head."""
        ...

    async def read(self, after: Cursor | int, *, filter: Filter, limit: int) -> Page:
        """See Log.read."""
        ...

    def read_packed(
        self,
        after: Cursor | int,
        *,
        filter: Filter,
        until: int | None,
        page_size: int,
        columns: Sequence[str],
    ) -> AsyncIterator[PackedPage]:
        """See Log.read_packed."""
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
            await log.wait_beyond(page.complete_to.position, heartbeat)


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
            await log.wait_beyond(position, heartbeat)
            continue
        pages = log.read_packed(cursor, filter=wanted, until=head.position, page_size=limit, columns=wanted_columns)
        async for page in pages:
            cursor = page.complete_to
            yield page
