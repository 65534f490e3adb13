"""Rules about answers, bridges and what agents did. What each says stands in `anomaly.RULES`."""

from collections.abc import Iterator, Sequence
from typing import Final

from contact_life.contact import Contact
from contact_life.examined import Examined, Finding
from contact_life.leg import AGENT_SIDE, CALLER_SIDE
from contact_life.observed import Observed
from contact_life.pairing import SAME_MOMENT_US
from contact_life.words import DequeueKind


def bridged_without_answer(seen: Examined) -> Iterator[Finding]:
    """Find agents' legs that were bridged and never answered."""
    serving = {leg_id for spell in seen.contact.assignments for leg_id in spell.leg_ids}
    for leg in seen.contact.legs:
        begun = leg.created_time_us is not None or leg.ringing_time_us is not None
        if leg.leg_id in serving and leg.role in AGENT_SIDE and begun and leg.answered_time_us is None:
            yield "an agent's leg was bridged and never answered", leg.events


def bridged_before_answer(seen: Examined) -> Iterator[Finding]:
    """Find bridges well before the answer."""
    for spell in seen.contact.assignments:
        late_us = spell.started_time_us - spell.bridged_time_us
        if late_us > SAME_MOMENT_US:
            shown = _bridges_and_answers(spell.events)
            yield f"an agent was bridged {late_us / 1_000_000:.3f} s before the answer", shown


def _bridges_and_answers(events: Sequence[Observed]) -> list[Observed]:
    """Return the bridges and answers."""
    return [event for event in events if event.type in {"Bridged", "LegAnswered", "ConferenceJoined"}]


def bridged_after_end(seen: Examined) -> Iterator[Finding]:
    """Find bridges well after the agent's legs had ended."""
    for spell in seen.contact.assignments:
        if spell.talk_ended_time_us is not None:
            limit = spell.talk_ended_time_us + SAME_MOMENT_US
            late = [event for event in _bridges_and_answers(spell.events) if event.time_us > limit]
            if late:
                yield "an agent was bridged after their legs had ended", late


def answered_without_arrival(seen: Examined) -> Iterator[Finding]:
    """Find answered contacts that never arrived."""
    if seen.contact.arrived_time_us is not None:
        return
    answers = [event for event in seen.valid if event.type == "Bridged"]
    if seen.contact.assignments or any(visit.dequeue_kind == DequeueKind.ANSWERED for visit in seen.contact.visits):
        yield "the contact was answered and never arrived", answers


def dequeued_answered_without_bridge(seen: Examined) -> Iterator[Finding]:
    """Find answered visits without an agent; while the caller is there the bridge may still be told."""
    if not _caller_gone(seen.contact):
        return
    for visit in seen.contact.visits:
        if visit.dequeue_kind == DequeueKind.ANSWERED and visit.bridged_time_us is None:
            yield "a queue visit was answered and nobody was bridged", visit.events


def _caller_gone(contact: Contact) -> bool:
    ended = [leg.ended_time_us is not None for leg in contact.legs if leg.role in CALLER_SIDE]
    return contact.closed_time_us is not None or (bool(ended) and all(ended))


_ANSWERED: Final = frozenset({int(DequeueKind.ANSWERED), int(DequeueKind.UNSPECIFIED)})


def abandoned_yet_bridged(seen: Examined) -> Iterator[Finding]:
    """Find unanswered visits that a bridge says it answered."""
    for visit in seen.contact.visits:
        if visit.bridged_time_us is not None and visit.dequeue_kind not in _ANSWERED:
            yield "a queue visit ended unanswered and was bridged", visit.events


def wrap_up_before_talk_ended(seen: Examined) -> Iterator[Finding]:
    """Find wrap-ups that were over while the agent's legs were up."""
    for spell in seen.contact.assignments:
        ends = [event for event in spell.events if event.type == "WrapUpEnded"]
        ended = spell.talk_ended_time_us
        if ends and ended is not None and ends[0].time_us < ended:
            yield "wrap-up was over before the talk ended", ends


def of_no_assignment(seen: Examined) -> Iterator[Finding]:
    """Find what agents did outside every assignment."""
    if seen.contact.unplaced:
        types = ", ".join(sorted({event.type for event in seen.contact.unplaced}))
        yield f"belongs to no assignment: {types}", seen.contact.unplaced
