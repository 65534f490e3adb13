"""A log to follow for ever: trouble of the world is waited out, from where the reader was."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import TypeAlias, TypeVar

import grpc

from event_log.errors import Unavailable
from event_log.log import HEARTBEAT, PACKED_PAGE_EVENTS, Log
from event_log.model import DEFAULT_PAGE_EVENTS, EVERYTHING, Cursor, Filter, PackedPage, Page

logger = logging.getLogger(__name__)

OpenChannel: TypeAlias = Callable[[str], grpc.aio.Channel]
"""Makes a channel to host:port, with whatever token and encryption the process uses."""
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 5.0

_APage = TypeVar("_APage", Page, PackedPage)


class Feed:
    """A log to follow for ever: trouble of the world is waited out, from where the reader was."""

    def __init__(self, url: str, log: Log) -> None:
        """Follow a log under the name it was opened by."""
        self.url = url
        self.log = log

    async def pages(
        self,
        after: Cursor | int,
        *,
        filter: Filter = EVERYTHING,
        limit: int = DEFAULT_PAGE_EVENTS,
        heartbeat: timedelta = HEARTBEAT,
    ) -> AsyncIterator[Page]:
        """Catch up, then follow live; raises IncarnationChanged, NotAllowed and InvalidRead, never Unavailable."""
        pages = _resumed(
            after,
            lambda cursor: self.log.subscribe(cursor, filter=filter, limit=limit, heartbeat=heartbeat),
        )
        async for page in pages:
            yield page

    async def packed_pages(
        self,
        after: Cursor | int,
        *,
        filter: Filter = EVERYTHING,
        limit: int = PACKED_PAGE_EVENTS,
        columns: Sequence[str] = (),
        heartbeat: timedelta = HEARTBEAT,
    ) -> AsyncIterator[PackedPage]:
        """Like pages, in columns."""
        pages = _resumed(
            after,
            lambda cursor: self.log.subscribe_packed(
                cursor, filter=filter, limit=limit, columns=columns, heartbeat=heartbeat
            ),
        )
        async for page in pages:
            yield page


async def _resumed(
    cursor: Cursor | int,
    follow: Callable[[Cursor | int], AsyncIterator[_APage]],
) -> AsyncIterator[_APage]:
    """Yield pages for ever, going on from the last one whenever the log is unavailable."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            async for page in follow(cursor):
                cursor, pause = page.complete_to, FIRST_PAUSE_SECONDS
                yield page
        except Unavailable as away:
            logger.info("a feed is away: %s", away)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
