"""The rules of appending: who is refused, what is a duplicate, where the rest stands; pure, shared by every store.

`Known` is what a store holds in memory of its streams and fences. Taking an append changes it at once, so that the
next one of the same flush sees it; if the flush then fails, the whole of it is thrown away and read anew.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from event_log.errors import AppendRefused, EventIdReused, Fenced, StreamFull, VersionConflict
from event_log.model import (
    MAX_STREAM_EVENTS,
    Append,
    Appended,
    Event,
    Expect,
    Fence,
    NewEvent,
    Placement,
    StreamAppend,
)

StreamId = tuple[str, str, int]
"""Tenant, category and the key's integer: hashes many times faster than the dataclasses."""


Told = tuple[bytes, int, int]
"""What a stream holds of one event, enough to recognise it when told again: body MAC, position, version."""
Written = tuple[str, StreamAppend, NewEvent, int, int]
"""An event to write: its tenant, the part of the append that it stands in, itself, its position, its version."""


@dataclass(slots=True)
class StreamState:
    """A stream's version and its events by the integer of their ids."""

    version: int = 0
    told: dict[int, Told] = field(default_factory=dict)
    until_position: int = 0
    """Up to here (exclusive) the store's directory of streams already says that the stream has events."""
    last_position: int = 0
    """Where its newest event stands, as far as this process wrote or read it."""


@dataclass(slots=True)
class Placed:
    """Events that accepted appends brought, in order of position."""

    written: list[Written] = field(default_factory=list)
    reached: list[Written] = field(default_factory=list)
    """Those of them with which a stream comes into a partition for the first time."""


@dataclass(slots=True)
class Known:
    """Streams and fences as the store's memory has them; a stream that is not in it is taken for new."""

    streams: dict[StreamId, StreamState] = field(default_factory=dict)
    fences: dict[tuple[str, str], int] = field(default_factory=dict)
    head: int = 0
    partition_events: int = 2**62
    held: int = 0
    """How much is in memory: 1 for each stream, and 1 for each of its events."""

    def load(self, states: Mapping[StreamId, StreamState]) -> None:
        """Take in what the store says of streams."""
        for name, state in states.items():
            self._drop(name)
            self.streams[name] = state
            self.held += 1 + len(state.told)

    def take(self, append: Append, placed: Placed) -> Appended | AppendRefused:
        """Decide about an append of good form and, if it is accepted, place its new events after the head."""
        tenant, streams = append.tenant, self.streams
        states = [streams.get(stream_id(tenant, part)) or StreamState() for part in append.streams]
        try:
            fresh = list(map(_count_fresh, append.streams, states))
            if any(fresh):
                if append.fence is not None:
                    self._check_fence(tenant, append.fence)
                for part, state, count in zip(append.streams, states, fresh, strict=True):
                    _check_version(part, state, count)
        except AppendRefused as refusal:
            return refusal
        placements: list[Placement] = []
        for part, state in zip(append.streams, states, strict=True):
            self._place(tenant, part, state, placed, placements)
        return Appended(placements)

    def _check_fence(self, tenant: str, fence: Fence) -> None:
        if self.fences.get((tenant, fence.name)) != fence.epoch:
            raise Fenced(fence.name, fence.epoch)

    def _place(
        self, tenant: str, part: StreamAppend, state: StreamState, placed: Placed, placements: list[Placement]
    ) -> None:
        told = state.told
        if not state.version:
            name = stream_id(tenant, part)
            self.held += name not in self.streams
            self.streams[name] = state
        self.held -= len(told)
        for event in part.events:
            key = event.event_id.int
            known = told.get(key)
            if known is not None:
                placements.append(Placement(known[1], known[2], duplicate=True))
                continue
            self.head = state.last_position = position = self.head + 1
            state.version = version = state.version + 1
            told[key] = (event.body_mac, position, version)
            placements.append(Placement(position, version, duplicate=False))
            new = (tenant, part, event, position, version)
            placed.written.append(new)
            if position >= state.until_position:
                placed.reached.append(new)
                state.until_position = self.end_of_partition(position)
        self.held += len(told)

    def forget(self, bound: int, committed: int) -> None:
        """Drop the oldest streams until no more than so much is held; those with events beyond `committed` stay."""
        surplus, oldest = self.held - bound, list[StreamId]()
        for name, state in self.streams.items():
            if surplus <= 0:
                break
            if state.last_position <= committed:
                surplus -= 1 + len(state.told)
                oldest.append(name)
        for name in oldest:
            self._drop(name)

    def _drop(self, name: StreamId) -> None:
        state = self.streams.pop(name, None)
        if state is not None:
            self.held -= 1 + len(state.told)

    def end_of_partition(self, position: int) -> int:
        """Return where the partition of a position ends, exclusive."""
        return (position // self.partition_events + 1) * self.partition_events


def _count_fresh(part: StreamAppend, state: StreamState) -> int:
    """Return how many events were not told before; raise EventIdReused for an id with another body."""
    told = state.told
    fresh: dict[int, bytes] = {}
    for event in part.events:
        key, body_mac = event.event_id.int, event.body_mac
        known = told.get(key)
        if (known[0] if known is not None else fresh.setdefault(key, body_mac)) != body_mac:
            raise EventIdReused(part.stream, event.event_id)
    return len(fresh)


def _check_version(part: StreamAppend, state: StreamState, fresh: int) -> None:
    """Raise VersionConflict or StreamFull; events told before do not need the version they once expected."""
    version = state.version
    if part.expected is not Expect.ANY and (fresh or not part.events) and version != wanted_version(part):
        raise VersionConflict(part.stream, version)
    if version + fresh > MAX_STREAM_EVENTS:
        raise StreamFull(part.stream)


def stream_id(tenant: str, part: StreamAppend) -> StreamId:
    """Return the key under which the part's stream is known."""
    return tenant, part.stream.category, part.stream.key.int


def wanted_version(part: StreamAppend) -> int:
    """Return the exact version that a part demands; `none` is version 0."""
    return 0 if isinstance(part.expected, Expect) else part.expected


def streams_of(append: Append) -> Iterator[StreamId]:
    """Return the streams that must be known before the append is taken."""
    return (stream_id(append.tenant, part) for part in append.streams)


def part_of(append: Append, key: UUID, category: str) -> StreamAppend:
    """Return the part of an append that is about one stream."""
    return next(part for part in append.streams if (part.stream.key, part.stream.category) == (key, category))


def as_event(written: Written, record_time_us: int) -> Event:
    """Return the event as it will stand in the log."""
    tenant, part, new, position, version = written
    return Event(
        position,
        tenant,
        part.stream,
        version,
        new.event_id,
        new.type,
        new.event_time_us,
        record_time_us,
        new.payload,
        new.body_mac,
        new.source_id,
        new.source_seq,
        new.correlation_id,
        new.causation_id,
        new.actor,
        new.traceparent,
    )
