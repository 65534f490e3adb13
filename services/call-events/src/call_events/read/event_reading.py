"""Reading and following a tenant's events by opaque cursors.

A log holds the events of all tenants. Here a tenant sees only its own, and nothing of how many others there are: no
positions, and no empty page for each stretch of the log that held nothing of theirs.
"""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from call_events.record.event_form import check_name
from event_log.log import Log
from event_log.model import Cursor, Event, Filter
from service_host.errors import InvalidArgument

START: Final = Cursor("", 0, 0)
DEFAULT_LIMIT: Final = 100
MOST_EVENTS: Final = 1_000
MOST_NAMES: Final = 100
FOLLOWED_PAGE: Final = 500
LONGEST_SEARCH: Final = timedelta(seconds=2)
"""How long one page may be searched for; it may then be short without being the last."""
HEARTBEAT: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Read:
    """Some events, where to go on, and whether the end of the log (as it was) is reached."""

    events: Sequence[Event]
    cursor: Cursor
    at_end: bool


def wanted(tenant: str, types: Sequence[str], categories: Sequence[str]) -> Filter:
    """What a reader asks for; InvalidArgument if it names too much."""
    if len(types) > MOST_NAMES or len(categories) > MOST_NAMES:
        raise InvalidArgument("TOO_MANY_NAMES", f"Name at most {MOST_NAMES} types and categories.", limit=MOST_NAMES)
    for name in (*types, *categories):
        check_name(name, "types")
    return Filter(tenant, tuple(categories), tuple(types))


def page_limit(asked: int) -> int:
    """How many events a page holds; InvalidArgument for fewer than none."""
    if asked < 0:
        raise InvalidArgument("INVALID_FIELD", "A limit is not negative.", field="limit")
    return min(asked or DEFAULT_LIMIT, MOST_EVENTS)


async def read(log: Log, after: Cursor, what: Filter, limit: int, *, backwards: bool = False) -> Read:
    """A page; looks on through other tenants' events until it is full, at the end, or has looked long enough."""
    until = time.monotonic() + LONGEST_SEARCH.total_seconds()
    events: list[Event] = []
    while True:
        page = await log.read(after, filter=what, limit=limit - len(events), backwards=backwards)
        events += page.events
        after = page.complete_to
        at_end = after.position <= 1 if backwards else after.position >= page.head_position
        if at_end or len(events) == limit or time.monotonic() > until:
            return Read(events, _within(after, page.head_position), at_end)


async def follow(log: Log, after: Cursor, what: Filter) -> AsyncIterator[Read]:
    """Pages for ever: with events while there are any, else one each heartbeat that only moves the cursor."""
    told_at = time.monotonic()
    async for page in log.subscribe(after, filter=what, limit=FOLLOWED_PAGE, heartbeat=HEARTBEAT):
        at_end = page.complete_to.position >= page.head_position
        if page.events or time.monotonic() - told_at >= HEARTBEAT.total_seconds():
            told_at = time.monotonic()
            yield Read(page.events, page.complete_to, at_end)


def _within(cursor: Cursor, head_position: int) -> Cursor:
    """The cursor, not beyond the head (backwards an empty log ends before its first position)."""
    if cursor.position <= head_position:
        return cursor
    return Cursor(cursor.log_id, cursor.incarnation, head_position)
