"""A queue visit: one stay of a contact in one queue, from its events."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from contact_life.identity import queue_visit_id
from contact_life.observed import Observed
from contact_life.pairing import (
    LOOK_BACK,
    SAME_MOMENT_US,
    Draft,
    adopt_early_ends,
    belongs_to,
    in_turn,
    is_inferred,
)
from contact_life.words import DequeueKind, WaitClock

_instant = attrgetter("time_us")


@dataclass(frozen=True, slots=True)
class Visit:
    """One stay of a contact in one queue; instants and lengths in microseconds.

    A visit whose end was not told but that was bridged ended at the bridge, answered. `wait_us` is None while it waits
    and where no length can be told: the end was inferred, or lies before the beginning. `step` is the last one told,
    0 if none. `ringing` says that an agent's endpoint rang for it when it ended (or rings, while it waits).
    """

    visit_id: str
    queue: str
    ordinal: int
    priority: int
    step: int
    enqueued_time_us: int | None
    dequeued_time_us: int | None
    dequeue_kind: int
    inferred: bool
    bridged_time_us: int | None
    ringing: bool
    wait_us: int | None
    wait_clock: WaitClock
    source_id: str
    events: tuple[Observed, ...]


class VisitDraft(Draft):
    """A visit's events while the fold goes through them, and the bridge that answered it."""

    __slots__ = ("bridge",)

    def __init__(self, spell_id: str, name: str, *, id_told: bool) -> None:
        """Begin an empty draft."""
        super().__init__(spell_id, name, id_told=id_told)
        self.bridge: Observed | None = None

    @property
    def may_be_answered(self) -> bool:
        """Whether a bridge that names no visit can be this visit's answer."""
        end = self.end_told
        kind = DequeueKind.UNSPECIFIED if end is None else end.body.kind
        return self.bridge is None and kind in (DequeueKind.UNSPECIFIED, DequeueKind.ANSWERED)


def visit_drafts(contact_id: str, events: Sequence[Observed]) -> list[VisitDraft]:
    """Sort the queue events of a contact, given in canonical order, into visits by their beginning."""
    drafts: dict[str, VisitDraft] = {}
    named = [event for event in events if event.type == "Enqueued" and event.body.visit_id]
    for event in events:
        if event.type == "Enqueued":
            _draft(drafts, contact_id, event, _begun_as(named, event)).begin(event)
        else:
            _place(drafts, contact_id, event)
    found = list(drafts.values())
    if any(not draft.begins for draft in found):
        found = adopt_early_ends(found)
    return in_turn(found) if len(found) > 1 else found


def _begun_as(named: Sequence[Observed], event: Observed) -> str:
    """Return the visit that a beginning names, else the one of its queue begun in the same moment; empty if none.

    Who reckons a beginning back from the end of a wait knows neither its id nor its very second.
    """
    if event.body.visit_id or not named:
        return str(event.body.visit_id)
    first = bisect_left(named, event.time_us - SAME_MOMENT_US, key=_instant)
    near = [other for other in named[first : first + LOOK_BACK] if _is_near(other, event)]
    return str(min(near, key=lambda other: abs(other.time_us - event.time_us)).body.visit_id) if near else ""


def _is_near(other: Observed, event: Observed) -> bool:
    """Whether two beginnings are of one queue and one moment."""
    return other.body.queue == event.body.queue and abs(other.time_us - event.time_us) <= SAME_MOMENT_US


def _draft(drafts: dict[str, VisitDraft], contact_id: str, event: Observed, begun_as: str = "") -> VisitDraft:
    """Return the draft that the event names or begins again, a new one if it is the first of it."""
    body = event.body
    visit_id = body.visit_id or begun_as or queue_visit_id(contact_id, body.queue, event.event_time_us)
    draft = drafts.get(visit_id)
    if draft is None:
        draft = drafts[visit_id] = VisitDraft(visit_id, body.queue, id_told=bool(body.visit_id))
    draft.name = draft.name or body.queue
    return draft


def _place(drafts: dict[str, VisitDraft], contact_id: str, event: Observed) -> None:
    """Put an event that does not begin a visit where it belongs; a step or estimate of no visit belongs nowhere."""
    body = event.body
    draft = drafts.get(body.visit_id) if body.visit_id else belongs_to(drafts.values(), event, body.queue)
    if event.type == "Dequeued":
        (draft or _draft(drafts, contact_id, event)).end(event)
    elif draft is not None:
        draft.events.append(event)


def finished_visits(drafts: Sequence[VisitDraft], ringing: frozenset[str]) -> tuple[Visit, ...]:
    """Return the visits, numbered from 1; `ringing` has the ids of those that ended while an endpoint rang."""
    return tuple(_finished(draft, number, draft.spell_id in ringing) for number, draft in enumerate(drafts, 1))


def _finished(draft: VisitDraft, ordinal: int, ringing: bool) -> Visit:  # noqa: FBT001 - one of many plain facts
    """Return the visit that a draft tells of."""
    end, bridge = draft.end_told, draft.bridge
    kind = end.body.kind if end else DequeueKind.UNSPECIFIED
    if bridge and (end is None or (is_inferred(end) and kind == DequeueKind.ANSWERED)):
        end, kind = bridge, int(DequeueKind.ANSWERED)
    begin = _beginning(draft, end)
    wait, clock = wait_between(begin, end)
    return Visit(
        visit_id=draft.spell_id,
        queue=draft.name,
        ordinal=ordinal,
        priority=begin.body.priority if begin else 0,
        step=max((event.body.step for event in draft.events if event.type == "StepAdvanced"), default=0),
        enqueued_time_us=begin.time_us if begin else None,
        dequeued_time_us=end.time_us if end else None,
        dequeue_kind=kind,
        inferred=end is not None and is_inferred(end),
        bridged_time_us=bridge.time_us if bridge else None,
        ringing=ringing,
        wait_us=wait,
        wait_clock=clock,
        source_id=draft.events[0].source_id,
        events=tuple(draft.events),
    )


def _beginning(draft: VisitDraft, end: Observed | None) -> Observed | None:
    """Return the beginning that counts: of several the first told as the end is, with the visit's id or without."""
    by_id = end is not None and bool(end.body.visit_id)
    alike = (event for event in draft.begins if end is not None and bool(event.body.visit_id) == by_id)
    return next(alike, draft.begins[0] if draft.begins else None)


def wait_between(begin: Observed | None, end: Observed | None) -> tuple[int | None, WaitClock]:
    """Return the wait from Enqueued to Dequeued (or Bridged), and which instants it was taken from.

    None where one of the two is missing or was inferred, or where it would be negative.
    """
    if begin is None or end is None or end.time_us < begin.time_us or is_inferred(begin) or is_inferred(end):
        return None, WaitClock.NONE
    if begin.source_id != end.source_id:
        clock = WaitClock.MIXED_CLOCK
    else:
        clock = WaitClock.DEQUEUED if end.type == "Dequeued" else WaitClock.BRIDGED
    return end.time_us - begin.time_us, clock
