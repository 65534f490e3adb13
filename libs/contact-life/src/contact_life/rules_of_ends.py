"""Rules about beginnings and ends of a contact's parts. What each says stands in `anomaly.RULES`."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from contact_life.contact import Contact
from contact_life.handling import ends_without_hold
from contact_life.observed import Observed

Finding = tuple[str, Sequence[Observed]]


def _of(events: Sequence[Observed], *types: str) -> list[Observed]:
    """Return the events of some types."""
    return [event for event in events if event.type in types]


def _told(events: Sequence[Observed], *types: str) -> list[Observed]:
    """Return the events of some types that were not inferred."""
    return [event for event in events if event.type in types and not event.body.observation.inferred]


def ended_before_it_began(contact: Contact) -> Iterator[Finding]:
    """Find ends before beginnings."""
    for flow in contact.flows:
        yield from _early("flow", flow.entered_time_us, flow.exited_time_us, flow.events)
    for visit in contact.visits:
        yield from _early("queue visit", visit.enqueued_time_us, visit.dequeued_time_us, visit.events)
    for leg in contact.legs:
        begins = (leg.created_time_us, leg.ringing_time_us, leg.answered_time_us)
        begun = min((time_us for time_us in begins if time_us is not None), default=None)
        yield from _early("leg", begun, leg.ended_time_us, leg.events)
    for spell in contact.assignments:
        yield from _early("assignment", spell.started_time_us, spell.talk_ended_time_us, spell.events)
        ends = _of(spell.events, "WrapUpEnded")
        if ends:
            yield from _early("wrap-up", spell.wrap_up_started_time_us, ends[0].time_us, spell.events)
    for transfer in contact.transfers:
        ended = transfer.failed_time_us if transfer.completed_time_us is None else transfer.completed_time_us
        yield from _early("transfer", transfer.started_time_us, ended, transfer.events)


def _early(part: str, begun_us: int | None, ended_us: int | None, events: Sequence[Observed]) -> Iterator[Finding]:
    """Find an end before a beginning."""
    if begun_us is not None and ended_us is not None and ended_us < begun_us:
        shown = [event for event in events if event.time_us in (begun_us, ended_us)]
        yield f"the {part} ended {(begun_us - ended_us) / 1_000_000:.3f} s before it began", shown


def end_without_beginning(contact: Contact) -> Iterator[Finding]:
    """Find ends whose beginning nobody told."""
    for flow in contact.flows:
        if flow.entered_time_us is None and flow.exited_time_us is not None:
            yield "a flow was left that was never entered", _of(flow.events, "FlowExited")
    for visit in contact.visits:
        if visit.enqueued_time_us is None:
            yield "a queue was left that was never entered", _of(visit.events, "Dequeued")
    lone = [leg for leg in contact.legs if all(event.type == "LegEnded" for event in leg.events)]
    named = _legs_named(contact) if lone else set()
    for leg in lone:
        if leg.leg_id not in named:
            yield "a leg ended that nobody had told of", leg.events
    for spell in contact.assignments:
        for event in ends_without_hold(spell.events):
            yield "a hold or consult ended that never began", [event]


def _legs_named(contact: Contact) -> set[str]:
    """Return the legs that the arrival, a bridge or a consult names."""
    named = {contact.native_id}
    for event in _of(contact.valid, "Bridged", "Unbridged"):
        named |= {event.body.leg_id, event.body.peer_leg_id}
    return named | {event.body.leg_id for event in _of(contact.valid, "ConsultStarted", "ConsultEnded")}


def begun_twice(contact: Contact) -> Iterator[Finding]:
    """Find parts that one source began at different instants."""
    if len(contact.valid) > 1:
        yield from _apart("the contact arrived", _of(contact.valid, "ContactArrived"))
    for visit in contact.visits:
        yield from _apart("a queue visit began", _of(visit.events, "Enqueued"))
    for leg in contact.legs:
        yield from _apart("a leg was created", _of(leg.events, "LegCreated"))
        yield from _apart("a leg was answered", _of(leg.events, "LegAnswered"))
    for transfer in contact.transfers:
        yield from _apart("a transfer began", _of(transfer.events, "TransferStarted"))


def ended_twice(contact: Contact) -> Iterator[Finding]:
    """Find parts that ended at different instants for one source, or in different ways."""
    for flow in contact.flows:
        yield from _apart("a flow was left", _told(flow.events, "FlowExited"))
    for visit in contact.visits:
        ends = _told(visit.events, "Dequeued")
        if len({event.body.kind for event in ends}) > 1:
            yield "a queue visit ended in different ways", ends
        else:
            yield from _apart("a queue visit ended", ends)
    for leg in contact.legs:
        yield from _apart("a leg ended", _told(leg.events, "LegEnded"))
    for transfer in contact.transfers:
        ends = _told(transfer.events, "TransferCompleted", "TransferFailed")
        if len({event.type for event in ends}) > 1:
            yield "a transfer both completed and failed", ends
        else:
            yield from _apart("a transfer ended", ends)
    for spell in contact.assignments:
        yield from _apart("a wrap-up ended", _told(spell.events, "WrapUpEnded"))


def _apart(what: str, events: Sequence[Observed]) -> Iterator[Finding]:
    """Find two events of one source at different instants."""
    if len(events) > 1 and len({(event.source_id, event.time_us) for event in events}) > len(
        {event.source_id for event in events}
    ):
        yield f"{what} at different instants, {len(events)} times", events


def never_ended(contact: Contact) -> Iterator[Finding]:
    """Find parts that were open when the contact was closed."""
    if contact.closed_time_us is None:
        return
    for flow in contact.flows:
        if flow.entered_time_us is not None and flow.exited_time_us is None:
            yield "a flow was never left", flow.events
    for visit in contact.visits:
        if visit.dequeued_time_us is None:
            yield "a queue was never left", visit.events
    for leg in contact.legs:
        if leg.ended_time_us is None:
            yield "a leg never ended", leg.events
    for spell in contact.assignments:
        if spell.ended_time_us is None:
            yield "an assignment never ended", spell.events
    for transfer in contact.transfers:
        if transfer.under_way:
            yield "a transfer never ended", transfer.events


def overlapping_visits_of_same_queue(contact: Contact) -> Iterator[Finding]:
    """Find two stays in one queue at one time."""
    if len(contact.visits) < 2:  # noqa: PLR2004 - two visits make an overlap
        return
    for queue in sorted({visit.queue for visit in contact.visits}):
        visits = [visit for visit in contact.visits if visit.queue == queue and visit.enqueued_time_us is not None]
        for one, next_one in pairwise(visits):
            ended = one.dequeued_time_us
            if ended is None or ended > (next_one.enqueued_time_us or 0):
                yield "the contact waited twice in one queue", [one.events[0], next_one.events[0]]
