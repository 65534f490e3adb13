"""Rings over midnight: an agent's stream is cut by UTC day, so a ring may begin in one stream and end in the next.

A beginning without an end and an end without a beginning are one ring where they were told under one id. An end that
names none belongs to the ring begun last before it for the same contact, within LONGEST_RING_US, unless another such
end lies between them. One at the very instant at which another ring begins for the contact is taken for that one's
end: the new day's stream cannot tell.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from contact_life.agent_ring import MIN_RING_US, AgentRing, by_start, ring_of, same_ring

LONGEST_RING_US: Final = 3_600_000_000
"""Nothing rings for longer; an end so long after a beginning is of a ring whose beginning was not told."""
_Half = tuple[int, AgentRing]
"""A ring with the number of its day."""


def over_midnight(days: Iterable[Sequence[AgentRing]], min_ring_us: int = MIN_RING_US) -> tuple[AgentRing, ...]:
    """Return the rings of one agent, given those of each day's stream, in order of their first instant."""
    rings = [(number, ring) for number, day in enumerate(days) for ring in day]
    begun = [half for half in rings if half[1].ended_time_us is None]
    ended = [half for half in rings if not _has_begun(half[1])]
    shared = Counter(ring.ring_id for _, ring in rings)
    pairs = [*_by_id(begun, ended), *_by_contact(begun, ended, shared)]
    gone = {id(ring) for pair in pairs for ring in pair}
    whole = [ring_of(first.ring_id, first.events[0], last.events[0], {}, min_ring_us) for first, last in pairs]
    return tuple(sorted([*whole, *(ring for _, ring in rings if id(ring) not in gone)], key=by_start))


def _by_id(begun: Sequence[_Half], ended: Sequence[_Half]) -> list[tuple[AgentRing, AgentRing]]:
    first = {ring.ring_id: ring for _, ring in begun}
    named = [(first[ring.ring_id], ring) for _, ring in ended if ring.ring_id in first]
    return [(begin, end) for begin, end in named if _time(begin) <= _time(end)]


def _by_contact(
    begun: Sequence[_Half], ended: Sequence[_Half], shared: Mapping[str, int]
) -> list[tuple[AgentRing, AgentRing]]:
    nameless = [half for half in ended if not half[1].events[0].body.ring_id]
    halves = sorted([*begun, *nameless], key=lambda half: (half[1].contact_id, _time(half[1]), *_order(half[1])))
    return [
        (begin, end)
        for (day, begin), (next_day, end) in pairwise(halves)
        if _has_begun(begin) and not _has_begun(end) and day != next_day and shared[begin.ring_id] == 1
        and _time(end) - _time(begin) <= LONGEST_RING_US and same_ring(begin.events[0], end.events[0])
    ]  # fmt: skip


def _has_begun(ring: AgentRing) -> bool:
    return ring.events[0].type == "AgentRingStarted"


def _time(ring: AgentRing) -> int:
    return ring.events[0].time_us


def _order(ring: AgentRing) -> tuple[bool, str]:
    """Return the place among those of one instant: beginnings first."""
    return not _has_begun(ring), ring.ring_id
