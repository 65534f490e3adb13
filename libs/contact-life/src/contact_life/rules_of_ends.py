"""Rules about beginnings and ends of a contact's parts. What each says stands in `anomaly.RULES`."""

from collections.abc import Iterator, Sequence
from typing import Final

from contact_life.examined import Examined, Finding
from contact_life.handling import ends_without_hold
from contact_life.observed import Observed

_BEGINS: Final = {
    "queue visit": frozenset({"Enqueued"}),
    "leg": frozenset({"LegCreated"}),
    "transfer": frozenset({"TransferStarted"}),
}
_ENDS: Final = {
    "flow": frozenset({"FlowExited"}),
    "queue visit": frozenset({"Dequeued"}),
    "leg": frozenset({"LegEnded"}),
    "transfer": frozenset({"TransferCompleted", "TransferFailed"}),
    "wrap-up": frozenset({"WrapUpEnded"}),
}


def ended_before_it_began(seen: Examined) -> Iterator[Finding]:
    """Find ends before beginnings."""
    for what, begun, ended, _, events in seen.parts:
        if begun is not None and ended is not None and ended < begun:
            shown = [event for event in events if event.time_us in (begun, ended)]
            yield f"the {what} ended {(begun - ended) / 1_000_000:.3f} s before it began", shown


def end_without_beginning(seen: Examined) -> Iterator[Finding]:
    """Find ends whose beginning nobody told."""
    named: set[str] | None = None
    for what, begun, ended, _, events in seen.parts:
        if begun is not None or ended is None:
            continue
        if what in {"flow", "queue visit"}:
            yield f"a {what} ended that nobody had told of", [event for event in events if event.type in _ENDS[what]]
        elif what == "leg" and all(event.type == "LegEnded" for event in events):
            named = _legs_named(seen) if named is None else named
            if events[0].body.leg_id not in named:
                yield "a leg ended that nobody had told of", events
    for spell in seen.contact.assignments:
        for event in ends_without_hold(spell.events):
            yield "a hold or consult ended that never began", [event]


def _legs_named(seen: Examined) -> set[str]:
    """Return the legs that the arrival, a bridge or a consult names."""
    named = {seen.contact.native_id}
    for event in seen.valid:
        if event.type in {"Bridged", "Unbridged"}:
            named |= {event.body.leg_id, event.body.peer_leg_id}
        elif event.type in {"ConsultStarted", "ConsultEnded"}:
            named.add(event.body.leg_id)
    return named


def begun_twice(seen: Examined) -> Iterator[Finding]:
    """Find parts that one source began at different instants."""
    arrivals = [event for event in seen.valid if event.type == "ContactArrived"]
    if _apart(arrivals):
        yield f"the contact arrived at {len(arrivals)} different instants", arrivals
    for what, _, _, _, events in seen.parts:
        begins = [event for event in events if event.type in _BEGINS.get(what, ())]
        if _apart(begins):
            yield f"the {what} began at different instants", begins


def ended_twice(seen: Examined) -> Iterator[Finding]:
    """Find parts that ended at different instants for one source, or in different ways."""
    for what, _, _, _, events in seen.parts:
        ends = [event for event in events if event.type in _ENDS.get(what, ())]
        if len(ends) > 1:
            told = [event for event in ends if not event.body.observation.inferred]
            if len(set(map(_way, told))) > 1:
                yield f"the {what} ended in different ways", told
            elif _apart(told):
                yield f"the {what} ended at different instants", told


def _way(event: Observed) -> tuple[str, int]:
    """Return how an event says that its part ended."""
    return event.type, event.body.kind if event.type == "Dequeued" else 0


def _apart(events: Sequence[Observed]) -> bool:
    """Whether one source told several instants."""
    if len(events) <= 1:
        return False
    return len({(event.source_id, event.time_us) for event in events}) > len({event.source_id for event in events})


def never_ended(seen: Examined) -> Iterator[Finding]:
    """Find parts that were open when the contact was closed."""
    if seen.contact.closed_time_us is not None:
        for part in seen.parts:
            if part.is_open:
                yield f"the {part.what} never ended", part.events


def overlapping_visits_of_same_queue(seen: Examined) -> Iterator[Finding]:
    """Find two stays in one queue at one time."""
    latest: dict[str, tuple[int | None, Observed]] = {}
    for visit in seen.contact.visits:
        begun, ended = visit.enqueued_time_us, visit.dequeued_time_us
        if begun is None:
            continue
        until, first = latest.get(visit.queue, (begun, visit.events[0]))
        if until is None or until > begun:
            yield "the contact waited twice in one queue", [first, visit.events[0]]
        if until is not None and (ended is None or ended >= until):
            latest[visit.queue] = (ended, visit.events[0])
