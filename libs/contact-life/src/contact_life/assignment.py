"""An assignment: an agent's spell on a contact, its lengths by the clock of the agent's leg."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from contact_life.bridging import SpellDraft
from contact_life.handling import Handling, handling_of
from contact_life.observed import Observed
from contact_life.pairing import LOOK_BACK, SAME_MOMENT_US, is_inferred
from contact_life.visit import VisitDraft


@dataclass(frozen=True, slots=True)
class Assignment:
    """An agent's spell on a contact, from their leg's answer to the end of wrap-up; in microseconds.

    Only a spell that was bridged with the caller is one. `agent` is empty where nobody told who it was. A length is
    None while it runs and where it cannot be told: an end was inferred, or lies before its beginning. `handle_us` is
    the sum of the three and None as soon as one of them is. `ended_time_us` is None while the spell is open.
    """

    assignment_id: str
    agent: str
    ordinal: int
    visit_id: str
    queue: str
    leg_ids: tuple[str, ...]
    started_time_us: int
    bridged_time_us: int
    talk_ended_time_us: int | None
    wrap_up_started_time_us: int | None
    ended_time_us: int | None
    talk_us: int | None
    hold_us: int | None
    wrap_up_us: int | None
    handle_us: int | None
    on_hold: bool
    inferred: bool
    mixed_clock: bool
    disposition: str
    team: str
    site: str
    supervisor: str
    endpoint: str
    source_id: str
    events: tuple[Observed, ...]


def finished_assignments(
    drafts: Sequence[SpellDraft], visits: Sequence[VisitDraft], *, over: bool
) -> tuple[Assignment, ...]:
    """Return the assignments, numbered from 1, and tell each visit the bridge that answered it.

    `over` says that the caller's part of the contact is known to have ended.
    """
    bridged = sorted(
        (draft for draft in drafts if draft.bridges), key=lambda draft: (draft.begun.time_us, draft.spell_id)
    )
    answers = Answers(visits)
    return tuple(
        _finished(draft, number, answers.of(draft), handling_of(draft, over=over))
        for number, draft in enumerate(bridged, 1)
    )


def _finished(draft: SpellDraft, ordinal: int, visit: VisitDraft | None, handling: Handling) -> Assignment:
    """Return the assignment that a draft tells of."""
    begun, bridge, ended = draft.begun, draft.bridges[0], handling.ended
    told_queue = next((event.body.queue for event in draft.bridges if event.type == "Bridged" and event.body.queue), "")
    told_visit = _told_visit(draft)
    snapshot = _snapshot(draft)
    ends = [event for event in (handling.talk_ended, handling.wrap_up_started, ended) if event is not None]
    lengths = (handling.talk_us, handling.hold_us, handling.wrap_up_us)
    known = [length for length in lengths if length is not None]
    return Assignment(
        assignment_id=draft.spell_id,
        agent=draft.agent,
        ordinal=ordinal,
        visit_id=visit.spell_id if visit else told_visit,
        queue=told_queue or (visit.name if visit else ""),
        leg_ids=tuple(draft.legs),
        started_time_us=begun.time_us,
        bridged_time_us=bridge.time_us,
        talk_ended_time_us=handling.talk_ended.time_us if handling.talk_ended else None,
        wrap_up_started_time_us=handling.wrap_up_started.time_us if handling.wrap_up_started else None,
        ended_time_us=ended.time_us if ended else None,
        talk_us=handling.talk_us,
        hold_us=handling.hold_us,
        wrap_up_us=handling.wrap_up_us,
        handle_us=sum(known) if ended and len(known) == len(lengths) else None,
        on_hold=handling.on_hold,
        inferred=any(map(is_inferred, ends)),
        mixed_clock=any(end.source_id != begun.source_id for end in ends),
        disposition=draft.disposition,
        team=snapshot[0],
        site=snapshot[1],
        supervisor=snapshot[2],
        endpoint=snapshot[3],
        source_id=begun.source_id,
        events=tuple(draft.events),
    )


def _snapshot(draft: SpellDraft) -> tuple[str, str, str, str]:
    """Return team, site, supervisor and endpoint as told first with the answer or a bridge."""
    for event in (*draft.answers, *draft.bridges):
        if event.type != "ConferenceJoined" and event.body.HasField("agent_snapshot"):
            told = event.body.agent_snapshot
            return told.team, told.site, told.supervisor, told.endpoint
    return "", "", "", ""


def _told_visit(draft: SpellDraft) -> str:
    """Return the visit that a bridge, an answer or a ring of the spell names; empty if none does."""
    rings = [leg.ringing for leg in draft.legs.values() if leg.ringing]
    for event in (*draft.bridges, *draft.answers, *rings):
        if event.type != "ConferenceJoined" and event.body.visit_id:
            return str(event.body.visit_id)
    return ""


class Answers:
    """Finds the visit that a spell answers."""

    def __init__(self, visits: Sequence[VisitDraft]) -> None:
        """Begin with the visits of a contact, by their first event."""
        self._visits = visits
        self._by_id = {visit.spell_id: visit for visit in visits}
        self._instants = [visit.events[0].time_us for visit in visits]

    def of(self, draft: SpellDraft) -> VisitDraft | None:
        """Return the visit that a spell answers and tell it its bridge; None if it answers none.

        Where no id says which, it is the latest one begun before the bridge (or SAME_MOMENT_US after it, since queues
        are left late) that no other bridge answered and that did not end in another way.
        """
        if not self._visits:
            return None
        bridge = draft.bridges[0]
        told = _told_visit(draft)
        visit = self._by_id.get(told) if told else self._latest(bridge)
        if visit is not None and (visit.bridge is None or bridge.time_us < visit.bridge.time_us):
            visit.bridge = bridge
        return visit

    def _latest(self, bridge: Observed) -> VisitDraft | None:
        """Return the latest visit that a bridge which names none can answer."""
        queue = "" if bridge.type == "ConferenceJoined" else bridge.body.queue
        until = bisect_right(self._instants, bridge.time_us + SAME_MOMENT_US)
        for visit in reversed(self._visits[max(0, until - LOOK_BACK) : until]):
            if visit.may_be_answered and visit.fits(queue):
                return visit
        return None
