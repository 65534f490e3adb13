"""Rules about beginnings and ends of a contact's parts. What each says stands in `anomaly.RULES`."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from contact_life.contact import Contact
from contact_life.handling import ends_without_hold
from contact_life.leg import Leg
from contact_life.observed import Observed

Finding = tuple[str, Sequence[Observed]]

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


class Part(NamedTuple):
    """What the rules here look at of any part: its first begin and end in microseconds, and its events."""

    what: str
    begun_us: int | None
    ended_us: int | None
    is_open: bool
    events: Sequence[Observed]


def parts_of(contact: Contact) -> Iterator[Part]:
    """Give every part of a contact that begins and ends."""
    for flow in contact.flows:
        is_open = flow.entered_time_us is not None and flow.exited_time_us is None
        yield Part("flow", flow.entered_time_us, flow.exited_time_us, is_open, flow.events)
    for visit in contact.visits:
        ended = visit.dequeued_time_us
        yield Part("queue visit", visit.enqueued_time_us, ended, ended is None, visit.events)
    for leg in contact.legs:
        yield Part("leg", _leg_begun_us(leg), leg.ended_time_us, leg.ended_time_us is None, leg.events)
    for spell in contact.assignments:
        is_open = spell.ended_time_us is None
        yield Part("assignment", spell.started_time_us, spell.talk_ended_time_us, is_open, spell.events)
        if wraps := [event.time_us for event in spell.events if event.type == "WrapUpEnded"]:
            yield Part("wrap-up", spell.wrap_up_started_time_us, wraps[0], is_open=False, events=spell.events)
    for transfer in contact.transfers:
        ended = transfer.failed_time_us if transfer.completed_time_us is None else transfer.completed_time_us
        yield Part("transfer", transfer.started_time_us, ended, transfer.under_way, transfer.events)


def _leg_begun_us(leg: Leg) -> int | None:
    """Return the first instant of a leg, None if only its end was told."""
    told = [us for us in (leg.created_time_us, leg.ringing_time_us, leg.answered_time_us) if us is not None]
    return min(told) if told else None


def ended_before_it_began(contact: Contact) -> Iterator[Finding]:
    """Find ends before beginnings."""
    for what, begun, ended, _, events in parts_of(contact):
        if begun is not None and ended is not None and ended < begun:
            shown = [event for event in events if event.time_us in (begun, ended)]
            yield f"the {what} ended {(begun - ended) / 1_000_000:.3f} s before it began", shown


def end_without_beginning(contact: Contact) -> Iterator[Finding]:
    """Find ends whose beginning nobody told."""
    named: set[str] | None = None
    for what, begun, ended, _, events in parts_of(contact):
        if begun is not None or ended is None:
            continue
        if what in {"flow", "queue visit"}:
            yield f"a {what} ended that nobody had told of", [event for event in events if event.type in _ENDS[what]]
        elif what == "leg" and all(event.type == "LegEnded" for event in events):
            named = _legs_named(contact) if named is None else named
            if events[0].body.leg_id not in named:
                yield "a leg ended that nobody had told of", events
    for spell in contact.assignments:
        for event in ends_without_hold(spell.events):
            yield "a hold or consult ended that never began", [event]


def _legs_named(contact: Contact) -> set[str]:
    """Return the legs that the arrival, a bridge or a consult names."""
    named = {contact.native_id}
    for event in contact.valid:
        if event.type in {"Bridged", "Unbridged"}:
            named |= {event.body.leg_id, event.body.peer_leg_id}
        elif event.type in {"ConsultStarted", "ConsultEnded"}:
            named.add(event.body.leg_id)
    return named


def begun_twice(contact: Contact) -> Iterator[Finding]:
    """Find parts that one source began at different instants."""
    arrivals = [event for event in contact.valid if event.type == "ContactArrived"]
    if _apart(arrivals):
        yield f"the contact arrived at {len(arrivals)} different instants", arrivals
    for what, _, _, _, events in parts_of(contact):
        begins = [event for event in events if event.type in _BEGINS.get(what, ())]
        if _apart(begins):
            yield f"the {what} began at different instants", begins


def ended_twice(contact: Contact) -> Iterator[Finding]:
    """Find parts that ended at different instants for one source, or in different ways."""
    for what, _, _, _, events in parts_of(contact):
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


def never_ended(contact: Contact) -> Iterator[Finding]:
    """Find parts that were open when the contact was closed."""
    if contact.closed_time_us is not None:
        for part in parts_of(contact):
            if part.is_open:
                yield f"the {part.what} never ended", part.events


def overlapping_visits_of_same_queue(contact: Contact) -> Iterator[Finding]:
    """Find two stays in one queue at one time."""
    latest: dict[str, tuple[int | None, Observed]] = {}
    for visit in contact.visits:
        begun, ended = visit.enqueued_time_us, visit.dequeued_time_us
        if begun is None:
            continue
        until, first = latest.get(visit.queue, (begun, visit.events[0]))
        if until is None or until > begun:
            yield "the contact waited twice in one queue", [first, visit.events[0]]
        if until is not None and (ended is None or ended >= until):
            latest[visit.queue] = (ended, visit.events[0])
