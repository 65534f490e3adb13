"""A contact as the rules look at it: with what several of them need made once."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from contact_life.contact import Contact
from contact_life.leg import Leg
from contact_life.observed import Observed

Finding = tuple[str, Sequence[Observed]]
"""What was found in words without personal data, and the events that show it."""


class Part(NamedTuple):
    """What rules look at of any part: its first begin and end in microseconds, and its events."""

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


class Examined(NamedTuple):
    """A contact, all its parts that begin and end, and its events that count, in canonical order."""

    contact: Contact
    parts: tuple[Part, ...]
    valid: tuple[Observed, ...]


def examined(contact: Contact) -> Examined:
    """Return a contact made ready for the rules."""
    return Examined(contact, tuple(parts_of(contact)), contact.valid)
