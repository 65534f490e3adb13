"""The canonical order of a stream's events, and which of them are void.

Facts arrive in any order and any number of times; everything else in this package works on what stands here: each
event once, in an order that depends on nothing but what was told. In turn it looks at

1. the instant (`Observed.time_us`);
2. the source's own count, between events of one source that counts;
3. the rank of the type: what begins stands before what goes on, and that before what ends;
4. the event id, so that the order is total. (Not the position: a file imported in another order must fold the same.)

At one instant several sources are merged as a pack of cards is: each keeps its own order, and of those that are next
the lowest rank goes first.
"""

from collections.abc import Iterable
from heapq import merge
from itertools import groupby
from operator import attrgetter
from typing import Final

from contact_life.identity import canonical_id
from contact_life.observed import Observed

_RANKED: Final = (
    "ContactArrived AgentLoggedIn",
    "CustomerIdentified ContactReasonSet",
    "FlowEntered",
    "NodeVisited InputCollected",
    "SelfServed",
    "FlowExited",
    "Enqueued",
    "StepAdvanced EstimateTold",
    "LegCreated AgentStateChanged",
    "LegRinging AgentRingStarted",
    "LegAnswered AgentRingEnded",
    "Dequeued",
    "Bridged ConferenceJoined",
    "LegHeld LegMediaLost ConsultStarted RecordingStarted",
    "LegResumed LegMediaBack ConsultEnded RecordingPaused",
    "TransferStarted RecordingResumed",
    "TransferCompleted TransferFailed",
    "Unbridged ConferenceLeft RecordingStopped",
    "LegEnded AgentLoggedOut",
    "WrapUpStarted",
    "WrapUpEnded",
    "ContactClosed",
    "EventVoided AgentEventVoided",
)
RANKS: Final = {name: rank for rank, names in enumerate(_RANKED) for name in names.split()}
"""Rank of each type at one instant; types not named (a note, a link) stand where a transfer starts."""

_ELSEWHERE: Final = RANKS["TransferStarted"]
_instant = attrgetter("time_us")


def _rank(event: Observed) -> tuple[int, str]:
    """Return the place among events of one instant that no count orders."""
    return RANKS.get(event.type, _ELSEWHERE), event.event_id


def _lane_key(event: Observed) -> tuple[int, str, bool, int, int, str]:
    """Return the place with the sources one after the other; right unless several tell of one instant."""
    seq = event.source_seq
    rank = RANKS.get(event.type, _ELSEWHERE)
    return event.time_us, event.source_id, seq is None, seq or 0, rank, event.event_id


def _lane(event: Observed) -> tuple[str, bool]:
    """Return the lane: events of one lane have an order of their own."""
    return event.source_id, event.source_seq is None


def _merged(ordered: list[Observed]) -> list[Observed]:
    """Return the events with the lanes of each instant merged by rank."""
    whole: list[Observed] = []
    for _, instant in groupby(ordered, _instant):
        lanes = [list(lane) for _, lane in groupby(instant, _lane)]
        whole.extend(merge(*lanes, key=_rank) if len(lanes) > 1 else lanes[0])
    return whole


def in_order(events: Iterable[Observed]) -> list[Observed]:
    """Return each event once, in canonical order; of several with one id the one at the lowest position."""
    once: dict[str, Observed] = {}
    for event in events:
        known = once.setdefault(event.event_id, event)
        if event.position < known.position:
            once[event.event_id] = event
    ordered = sorted(once.values(), key=_lane_key)
    lanes = {(event.source_id, event.source_seq is None) for event in ordered}
    return _merged(ordered) if len(lanes) > 1 else ordered


def voided_ids(ordered: list[Observed], void_type: str = "EventVoided") -> frozenset[str]:
    """Return the ids of events taken back by one of these, whether they are here or not.

    A void can be voided by a later one; what it had taken back then counts again. A void never takes back itself or a
    later void.
    """
    taken_back: set[str] = set()
    effective: set[str] = set()
    for event in reversed(ordered):
        if event.type == void_type and event.body is not None and event.event_id not in taken_back:
            effective.add(event.event_id)
            target = canonical_id(event.body.event_id)
            if target not in effective:
                taken_back.add(target)
    return frozenset(taken_back)


def is_before(first: Observed, second: Observed) -> bool:
    """Whether the first is known to be earlier than the second: by its instant, or as one source counts."""
    if first.time_us != second.time_us or first.source_id != second.source_id:
        return first.time_us < second.time_us
    if first.source_seq is None or second.source_seq is None:
        return False
    return first.source_seq < second.source_seq
