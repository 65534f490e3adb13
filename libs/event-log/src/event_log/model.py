"""The values of a log: cursors, streams, events, appends and pages; no I/O and no rules.

Times are integer microseconds since 1970 UTC. Ids are UUIDs. Positions and versions count from 1; 0 is before them.
Nobody changes a value. Those that are made for each event on its way in are not frozen all the same: that would make
making them, which is much of what recording costs, six times as dear.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from uuid import UUID

if TYPE_CHECKING:
    import pyarrow as pa

MAX_STREAM_EVENTS = 10_000
"""Events that one stream may hold; an entity that lives for ever is cut into streams by day."""
MAX_APPEND_EVENTS = 1_000
"""Events that one append may carry over all its streams."""
MAX_APPEND_BYTES = 8_388_608
"""Bytes that the payloads of one append may have together."""
MAX_PAYLOAD_BYTES = 1_048_576
"""Bytes that one payload may have."""
MAX_PAGE_EVENTS = 10_000
"""Events that one page may hold."""
DEFAULT_PAGE_EVENTS = 1_000
"""Events of a page whose reader names no limit."""
MAX_READ_STREAMS = 10_000
"""Streams that one read of many whole streams may name."""


class Expect(enum.Enum):
    """What a stream's version may be before an append, where it is not an exact number."""

    ANY = "any"
    """Whatever it is."""
    NONE = "none"
    """The stream must not exist."""


ANY: Literal[Expect.ANY] = Expect.ANY
NONE: Literal[Expect.NONE] = Expect.NONE
Expected = Expect | int
"""Version that a stream must have before an append: any, none, or exactly n (0 says the same as none)."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a log. An empty log_id is of no log in particular and is not checked."""

    log_id: str
    incarnation: int
    position: int


@dataclass(frozen=True, slots=True)
class Stream:
    """Events of one entity, in order of version; the tenant stands beside it."""

    category: str
    key: UUID


@dataclass(slots=True)
class NewEvent:
    """An event as its teller hands it in; the log adds position, version and record time.

    body_mac is a keyed MAC of the caller's bytes as received: an event id told again with another one is refused.
    """

    event_id: UUID
    type: str
    event_time_us: int
    payload: bytes
    body_mac: bytes
    source_id: str
    source_seq: int | None = None
    correlation_id: UUID | None = None
    causation_id: UUID | None = None
    actor: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it stands in a log, for ever."""

    position: int
    tenant: str
    stream: Stream
    version: int
    event_id: UUID
    type: str
    event_time_us: int
    record_time_us: int
    payload: bytes
    body_mac: bytes
    source_id: str
    source_seq: int | None = None
    correlation_id: UUID | None = None
    causation_id: UUID | None = None
    actor: str = ""
    traceparent: str = ""

    @property
    def category(self) -> str:
        """Kind of its stream."""
        return self.stream.category

    @property
    def key(self) -> UUID:
        """Its stream within the category."""
        return self.stream.key


@dataclass(frozen=True, slots=True)
class Fence:
    """A named right to append; a successor takes it by raising the epoch."""

    name: str
    epoch: int


@dataclass(slots=True)
class StreamAppend:
    """Events for one stream. Without events it only demands a version."""

    stream: Stream
    events: Sequence[NewEvent]
    expected: Expected = ANY
    presumed_new: bool = False
    """Whether the caller takes the stream for one that does not exist yet: a store need not look first, and one that
    finds itself wrong about it does. Nothing but time depends on it."""


@dataclass(slots=True)
class Append:
    """What one caller wants written: whole or not at all. A stream stands in it at most once."""

    tenant: str
    streams: Sequence[StreamAppend]
    fence: Fence | None = None


@dataclass(slots=True)
class Placement:
    """Where an event stands; duplicate says that it stood there before this append."""

    position: int
    version: int
    duplicate: bool


@dataclass(slots=True)
class Appended:
    """Placements of an append's events, in the order of its streams and their events."""

    placements: Sequence[Placement]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events a reader wants; empty fields select all, fields are joined by *and*."""

    tenant: str = ""
    categories: tuple[str, ...] = ()
    types: tuple[str, ...] = ()

    def passes(self, event: Event) -> bool:
        """Say whether the event is wanted."""
        return (
            (not self.tenant or event.tenant == self.tenant)
            and (not self.categories or event.stream.category in self.categories)
            and (not self.types or event.type in self.types)
        )


EVERYTHING = Filter()
"""The filter that all events pass."""


@dataclass(frozen=True, slots=True)
class StreamPage:
    """Some events of one stream, and the place in the log that they were read at."""

    events: Sequence[Event]
    as_of: Cursor


@dataclass(frozen=True, slots=True)
class Page:
    """Some events by position.

    Forwards, complete_to says how far everything that passes the filter is in this page or before it: go on from there.
    Backwards it is the lowest position looked at: go on from there until it is 1 or less.
    """

    events: Sequence[Event]
    complete_to: Cursor
    head_position: int


@dataclass(frozen=True, slots=True)
class PackedPage:
    """Some events by position as columns (see event_log.packed); complete_to as in Page."""

    batch: "pa.RecordBatch"
    complete_to: Cursor
    head_position: int

    @property
    def count(self) -> int:
        """Number of events in it."""
        return int(self.batch.num_rows)
