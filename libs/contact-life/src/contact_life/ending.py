"""Where a contact stands and how it ended, from its parts.

A contact has no state of its own: it is as far as its furthest open part, and its end follows from how the parts
ended. The caller's part is over once a closure was told, or every leg of theirs that was told has ended, or (where no
leg of theirs was told) nothing is left open after something that ends a contact.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from contact_life.assignment import Assignment
from contact_life.flow import Flow
from contact_life.leg import CALLER_SIDE, LegDraft
from contact_life.observed import Observed
from contact_life.pairing import LOOK_BACK, SAME_MOMENT_US
from contact_life.transfer import Transfer
from contact_life.visit import Visit, VisitDraft
from contact_life.words import ContactEnd, DequeueKind, EndedHow, LegRole, Phase, ReleaseSide


@dataclass(frozen=True, slots=True)
class Parts:
    """What phase and end are derived from. `others` are callbacks and voicemails, `closed` the closure, if told."""

    flows: tuple[Flow, ...]
    visits: tuple[Visit, ...]
    assignments: tuple[Assignment, ...]
    transfers: tuple[Transfer, ...]
    legs: dict[str, LegDraft]
    others: Sequence[Observed]
    closed: Observed | None

    @property
    def open_visit(self) -> bool:
        """Whether a visit waits."""
        return any(visit.dequeued_time_us is None for visit in self.visits)

    @property
    def talking(self) -> list[Assignment]:
        """The assignments whose legs are up."""
        return [spell for spell in self.assignments if spell.talk_ended_time_us is None and spell.ended_time_us is None]

    @property
    def in_flow(self) -> bool:
        """Whether the last flow was entered and not left, nor followed by a queue or an agent."""
        last = self.flows[-1] if self.flows else None
        if last is None or last.exited_time_us is not None or last.entered_time_us is None:
            return False
        later = [visit.enqueued_time_us or 0 for visit in self.visits]
        later += [spell.started_time_us for spell in self.assignments]
        return all(time_us < last.entered_time_us for time_us in later)


def callers_gone(legs: Iterable[LegDraft], closed: Observed | None) -> int | None:
    """Return when the caller's part ended as their legs, else the closure, tell it; None if it runs or none tells."""
    mine = [leg.end for leg in legs if leg.role in CALLER_SIDE]
    ends = [end.time_us for end in mine if end is not None]
    if ends and (len(ends) == len(mine) or closed is not None):
        return max(ends)
    return closed.time_us if closed is not None else None


def has_caller_leg(legs: Iterable[LegDraft]) -> bool:
    """Whether any leg of the caller was told."""
    return any(leg.role in CALLER_SIDE for leg in legs)


def rang_at_end(visits: Sequence[VisitDraft], legs: Iterable[LegDraft], gone_us: int | None) -> frozenset[str]:
    """Return the ids of visits that an agent's endpoint rang for when they ended (or rings for, while they wait)."""
    rung = [(leg.ringing, leg) for leg in legs if leg.role == LegRole.AGENT and leg.ringing]
    if not rung:
        return frozenset()
    rung.sort(key=lambda pair: pair[0].time_us)
    for_any = [(ringing.time_us, leg) for ringing, leg in rung if not ringing.body.visit_id]
    for_one: dict[str, list[LegDraft]] = {}
    for ringing, leg in rung:
        for_one.setdefault(ringing.body.visit_id, []).append(leg)
    found = set()
    for visit in visits:
        until = visit.end_told.time_us if visit.end_told else gone_us
        last = len(for_any) if until is None else bisect_right(for_any, until, key=itemgetter(0))
        near = [leg for _, leg in for_any[max(0, last - LOOK_BACK) : last]]
        if any(_rings(leg, until) for leg in (*near, *for_one.get(visit.spell_id, ()))):
            found.add(visit.spell_id)
    return frozenset(found)


def _rings(leg: LegDraft, until_us: int | None) -> bool:
    """Whether a leg rang at an instant, or rings now if there is none."""
    if until_us is None:
        return leg.answered is None and leg.end is None
    return leg.rings_at(until_us, SAME_MOMENT_US)


def phase_of(parts: Parts, end: ContactEnd) -> Phase:
    """Return the furthest open part: the caller's, or an agent's wrap-up once the caller is gone."""
    wrapping = any(spell.talk_ended_time_us and spell.ended_time_us is None for spell in parts.assignments)
    if end is not ContactEnd.OPEN:
        return Phase.WRAP_UP if wrapping and parts.closed is None else Phase.ENDED
    if talking := parts.talking:
        return Phase.ON_HOLD if all(spell.on_hold for spell in talking) else Phase.BRIDGED
    if parts.open_visit:
        rings = any(visit.ringing for visit in parts.visits if visit.dequeued_time_us is None)
        return Phase.OFFERED if rings else Phase.QUEUED
    if parts.in_flow:
        return Phase.IN_IVR
    return Phase.WRAP_UP if wrapping else Phase.ARRIVED


def end_of(parts: Parts, gone_us: int | None) -> ContactEnd:
    """Return how the contact ended, OPEN if it has not; `gone_us` is what `callers_gone` gave."""
    if gone_us is None and (has_caller_leg(parts.legs.values()) or not _nothing_left(parts)):
        return ContactEnd.OPEN
    served = parts.assignments or any(visit.dequeue_kind == DequeueKind.ANSWERED for visit in parts.visits)
    if not served:
        return _aside(parts.others) or _unserved(parts, gone_us)
    if _left_after_service(parts):
        left = _left_queue(parts.visits[-1], parts, gone_us)
        return ContactEnd.HANDLED if left is ContactEnd.UNKNOWN else left
    return ContactEnd.DROPPED if _line_failed(parts) else ContactEnd.HANDLED


def _left_after_service(parts: Parts) -> bool:
    """Whether the contact was sent to a queue again after its last agent, and not answered there."""
    last = parts.visits[-1] if parts.visits else None
    if last is None or last.enqueued_time_us is None or last.bridged_time_us is not None:
        return False
    if last.dequeue_kind == DequeueKind.ANSWERED:
        return False
    return all(spell.bridged_time_us <= last.enqueued_time_us for spell in parts.assignments)


def _nothing_left(parts: Parts) -> bool:
    """Whether nothing is open after something that ends a contact, for contacts without a leg of the caller."""
    moving = any(transfer.under_way for transfer in parts.transfers)
    if moving or parts.open_visit or parts.talking or parts.in_flow or _callback_pending(parts.others):
        return False
    last = parts.visits[-1].dequeue_kind if parts.visits else DequeueKind.UNSPECIFIED
    served = parts.assignments or any(flow.self_served and flow.exited_time_us for flow in parts.flows)
    return bool(served) or last in _FINAL or _aside(parts.others) is not None or _only_left_flow(parts)


def _only_left_flow(parts: Parts) -> bool:
    """Whether the contact left its flow, went to no queue and no agent, and none is rung for it.

    Who tells nothing of the caller's leg tells a hang-up in the flow by its exit alone. Should a queue follow, which
    comes within the same moment, the contact goes on.
    """
    left = bool(parts.flows) and parts.flows[-1].exited_time_us is not None
    return left and not parts.visits and not _rung_now(parts, None)


def _rung_now(parts: Parts, gone_us: int | None) -> bool:
    """Whether an agent's endpoint rang when the caller went, or rings now."""
    return any(leg.role == LegRole.AGENT and leg.ringing and _rings(leg, gone_us) for leg in parts.legs.values())


_FINAL: Final = frozenset({int(DequeueKind.ABANDONED), int(DequeueKind.CLOSED), int(DequeueKind.FULL)})


def _callback_pending(others: Sequence[Observed]) -> bool:
    """Whether a callback was asked for and neither reached nor given up."""
    callbacks = [event.type for event in others if event.type.startswith("Callback")]
    return bool(callbacks) and callbacks[-1] in {"CallbackRequested", "CallbackAttempted"}


def _aside(others: Sequence[Observed]) -> ContactEnd | None:
    """Return the end that a voicemail or a callback that was given up makes, if there was one."""
    told = {event.type for event in others}
    if "VoicemailLeft" in told:
        return ContactEnd.VOICEMAIL
    return ContactEnd.CALLBACK_FAILED if "CallbackFailed" in told else None


def _unserved(parts: Parts, gone_us: int | None) -> ContactEnd:
    """Return the end of a contact that no agent served and that left nothing behind."""
    if parts.visits:
        return _left_queue(parts.visits[-1], parts, gone_us)
    if _rung_now(parts, gone_us):
        return ContactEnd.ABANDONED_RINGING
    if any(flow.self_served for flow in parts.flows):
        return ContactEnd.CONTAINED
    return ContactEnd.ABANDONED_IVR if parts.flows else ContactEnd.UNKNOWN


def _left_queue(last: Visit, parts: Parts, gone_us: int | None) -> ContactEnd:
    """Return the end of a contact whose last visit was not answered."""
    hung_up = gone_us is not None and has_caller_leg(parts.legs.values())
    if last.dequeue_kind == DequeueKind.ABANDONED or (hung_up and last.dequeue_kind == DequeueKind.UNSPECIFIED):
        return ContactEnd.ABANDONED_RINGING if last.ringing else ContactEnd.ABANDONED_QUEUE
    if last.dequeue_kind == DequeueKind.CLOSED:
        return ContactEnd.REFUSED_CLOSED
    if last.dequeue_kind == DequeueKind.FULL:
        return ContactEnd.REFUSED_FULL
    served = any(flow.self_served for flow in parts.flows)
    return ContactEnd.CONTAINED if served else ContactEnd.UNKNOWN


def _line_failed(parts: Parts) -> bool:
    """Whether the leg that ended first of those last up failed, with nobody meaning it.

    Only what the leg's own end says. Nothing here tells whose side it was, or weighs any other sign of a drop.
    """
    if not parts.assignments:
        return False
    last = parts.assignments[-1]
    heard_us = max(event.time_us for event in last.events if event.type in _HEARD)
    legs = [leg for leg in parts.legs.values() if leg.role in CALLER_SIDE or leg.leg_id in last.leg_ids]
    ends = [leg.end for leg in legs if leg.end is not None and leg.end.time_us >= heard_us]
    if not ends:
        return False
    body = min(ends, key=lambda end: end.time_us).body
    return body.ended_how in _FAILED and body.release_side not in _MEANT and not body.observation.inferred


_HEARD: Final = frozenset({"Bridged", "ConferenceJoined"})
_FAILED: Final = frozenset({int(EndedHow.MEDIA_TIMEOUT), int(EndedHow.NODE_FAILURE)})
_MEANT: Final = frozenset({int(ReleaseSide.CALLER), int(ReleaseSide.AGENT), int(ReleaseSide.SUPERVISOR)})


def ended_time_us(parts: Parts, end: ContactEnd, gone_us: int | None) -> int | None:
    """Return when the caller's part ended: with their legs, else with the last part to end, else with the closure."""
    if end is ContactEnd.OPEN:
        return None
    if gone_us is not None and has_caller_leg(parts.legs.values()):
        return gone_us
    times = [visit.dequeued_time_us for visit in parts.visits]
    times += [spell.talk_ended_time_us or spell.ended_time_us for spell in parts.assignments]
    times += [flow.exited_time_us for flow in parts.flows]
    times += [event.time_us for event in parts.others]
    known = [time_us for time_us in times if time_us is not None]
    return max(known) if known else gone_us
