"""The form that appends and reads must have, whoever stores them; pure."""

from collections.abc import Sequence
from functools import lru_cache

from event_log.errors import IncarnationChanged, InvalidAppend, InvalidRead
from event_log.model import (
    MAX_APPEND_BYTES,
    MAX_APPEND_EVENTS,
    MAX_PAYLOAD_BYTES,
    Append,
    Cursor,
    Expect,
    NewEvent,
    StreamAppend,
)

MAX_NAME_CHARACTERS = 200
"""Characters of a tenant, a source, a category, a type, an actor or a fence's name."""
MAX_MAC_BYTES = 64
MIN_INT64, MAX_INT64 = -(2**63), 2**63 - 1


def check_append(append: Append) -> tuple[int, int]:
    """Return how many events it has and the bytes of their payloads.

    Raise InvalidAppend, in one sentence, for the first thing that is wrong.
    """
    events = weight = 0
    _check_name("tenant", append.tenant)
    if append.fence is not None:
        _check_name("fence's name", append.fence.name)
    for part in append.streams:
        weight += _check_part(part)
        events += len(part.events)
    if not 0 < events <= MAX_APPEND_EVENTS:
        raise InvalidAppend(f"an append carries 1 to {MAX_APPEND_EVENTS} events, this one {events}")
    if weight > MAX_APPEND_BYTES:
        raise InvalidAppend(f"an append's payloads have at most {MAX_APPEND_BYTES} bytes together")
    if len(append.streams) > 1 and len({part.stream for part in append.streams}) < len(append.streams):
        raise InvalidAppend("a stream stands twice in one append")
    return events, weight


def check_limit(limit: int, most: int) -> None:
    """Raise InvalidRead unless 1 ≤ limit ≤ most."""
    if not 1 <= limit <= most:
        raise InvalidRead(f"a limit is 1 to {most}, this one is {limit}")


def check_cursor(held: Cursor | int, head: Cursor) -> int:
    """Return the cursor's position; raise IncarnationChanged if it cannot be one of the log as it now is."""
    if isinstance(held, int):
        held = Cursor("", 0, held)
    foreign = held.log_id and (held.log_id, held.incarnation) != (head.log_id, head.incarnation)
    if foreign or held.position > head.position:
        raise IncarnationChanged(held, head)
    if held.position < 0:
        raise InvalidRead(f"a position is not negative, this one is {held.position}")
    return held.position


def unchanged(held: Cursor, head: Cursor, kept: int | None) -> Cursor:
    """Return Log.unchanged_until; `kept`: the least position after which an incarnation after the held one began."""
    if held.log_id != head.log_id or held.incarnation > head.incarnation:
        raise IncarnationChanged(held, head)
    position = min(held.position, head.position if kept is None else kept)
    return Cursor(head.log_id, head.incarnation, position)


def check_columns(columns: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return the columns asked for, or all known ones; raise InvalidRead for an unknown one."""
    unknown = set(columns) - set(known)
    if unknown:
        raise InvalidRead(f"no such column: {', '.join(sorted(unknown))}")
    return list(columns or known)


def _check_part(part: StreamAppend) -> int:
    _check_name("category", part.stream.category)
    if not isinstance(part.expected, Expect) and part.expected < 0:
        raise InvalidAppend(f"an expected version is not negative, this one is {part.expected}")
    return sum(map(_check_event, part.events))


def _check_event(event: NewEvent) -> int:
    if not (is_name(event.type) and is_name(event.source_id) and (not event.actor or is_name(event.actor))):
        raise InvalidAppend(f"an event's type, source and actor are texts of at most {MAX_NAME_CHARACTERS} characters")
    trace = event.traceparent
    if trace and not (len(trace) <= MAX_NAME_CHARACTERS and trace.isascii() and "\0" not in trace):
        raise InvalidAppend(f"a traceparent has at most {MAX_NAME_CHARACTERS} ASCII characters")
    if len(event.payload) > MAX_PAYLOAD_BYTES or len(event.body_mac) > MAX_MAC_BYTES:
        raise InvalidAppend(f"a payload has at most {MAX_PAYLOAD_BYTES} bytes, a body MAC {MAX_MAC_BYTES}")
    if not MIN_INT64 <= event.event_time_us <= MAX_INT64 or not MIN_INT64 <= (event.source_seq or 0) <= MAX_INT64:
        raise InvalidAppend("an event's time and source sequence fit in 64 bits")
    return len(event.payload)


def _check_name(what: str, name: str) -> None:
    if not is_name(name):
        raise InvalidAppend(f"a {what} is a text of 1 to {MAX_NAME_CHARACTERS} characters")


@lru_cache(maxsize=10_000)
def is_name(name: str) -> bool:
    """Say whether a name has a fit length and only characters that every store keeps (no NUL, no lone surrogate)."""
    if not 0 < len(name) <= MAX_NAME_CHARACTERS or "\0" in name:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in name)
