"""Rings of an agent's endpoint, and which of them count against anybody."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from contact_life.identity import agent_ring_id
from contact_life.observed import Observed
from contact_life.order import in_order, is_before, voided_ids
from contact_life.words import RingOutcome, RingVerdict

MIN_RING_US: Final = 8_000_000
"""An endpoint that rang less can not have been heard: about two rings."""


@dataclass(frozen=True, slots=True)
class AgentRing:
    """One ring of an agent's endpoint; instants and lengths in microseconds, None where not told.

    Where the source tells the length instead of the start, the start is reckoned back from the end. `outcome` is the
    RingOutcome told; `verdict` what the ring counts as.
    """

    ring_id: str
    agent: str
    contact_id: str
    visit_id: str
    queue: str
    endpoint: str
    started_time_us: int | None
    ended_time_us: int | None
    ring_us: int | None
    outcome: int
    verdict: RingVerdict
    source_id: str
    events: tuple[Observed, ...]


def agent_rings(
    agent: str,
    events: Iterable[Observed],
    callers_gone: Mapping[str, int] | None = None,
    min_ring_us: int = MIN_RING_US,
) -> tuple[AgentRing, ...]:
    """Return the rings that an agent's events tell of, by their first instant.

    `agent` is what `identity.agent_id` gave. `callers_gone` has the instant each contact's caller left, where known:
    who is not there any more cannot be missed by the agent. Order and number of tellings do not matter.
    """
    ordered = in_order(events)
    voided = voided_ids(ordered, "AgentEventVoided")
    drafts: dict[str, tuple[Observed | None, Observed | None]] = {}
    for event in ordered:
        if event.type in _TYPES and event.body is not None and event.event_id not in voided:
            _place(drafts, agent, event)
    rings = [ring_of(ring_id, *ends, callers_gone or {}, min_ring_us) for ring_id, ends in drafts.items()]
    return tuple(sorted(rings, key=by_start))


_TYPES: Final = frozenset({"AgentRingStarted", "AgentRingEnded"})


def _place(drafts: dict[str, tuple[Observed | None, Observed | None]], agent: str, event: Observed) -> None:
    """Put an event into its ring: that of its id, else the latest begun before for the contact, else a new one."""
    body = event.body
    ring_id = body.ring_id
    if not ring_id and event.type == "AgentRingEnded":
        ring_id = _running(drafts, event)
    ring_id = ring_id or agent_ring_id(agent, body.contact_id, event.event_time_us)
    started, ended = drafts.get(ring_id, (None, None))
    if event.type == "AgentRingStarted":
        drafts[ring_id] = (started or event, ended)
    else:
        drafts[ring_id] = (started, ended or event)


def _running(drafts: dict[str, tuple[Observed | None, Observed | None]], ended: Observed) -> str:
    """Return the id of the latest ring begun before for the same contact, visit and endpoint; empty if none."""
    found = ""
    for ring_id, (started, known) in drafts.items():
        if started is None or known is not None or not same_ring(started, ended):
            continue
        if is_before(started, ended) or not found:
            found = ring_id
    return found


def same_ring(started: Observed, ended: Observed) -> bool:
    """Whether a start and an end can be of one ring: of one contact, and of one visit and endpoint where both say."""
    one, other = started.body, ended.body
    pairs = ((one.visit_id, other.visit_id), (one.endpoint, other.endpoint), (one.queue, other.queue))
    return one.contact_id == other.contact_id and all(a == b or not a or not b for a, b in pairs)


def ring_of(
    ring_id: str, started: Observed | None, ended: Observed | None, gone: Mapping[str, int], min_ring_us: int
) -> AgentRing:
    """Return the ring of a start and an end, at least one of which was told."""
    events = tuple(event for event in (started, ended) if event is not None)
    bodies = [event.body for event in events]
    contact = next((body.contact_id for body in bodies if body.contact_id), "")
    length = ring_length_us(started, ended)
    begin = started.time_us if started else _reckoned_start(ended, length)
    outcome = ended.body.outcome if ended else 0
    caller_left = gone.get(contact)
    left = ended is not None and caller_left is not None and caller_left <= ended.time_us
    return AgentRing(
        ring_id=ring_id,
        agent=bodies[0].agent,
        contact_id=contact,
        visit_id=next((body.visit_id for body in bodies if body.visit_id), ""),
        queue=next((body.queue for body in bodies if body.queue), ""),
        endpoint=next((body.endpoint for body in bodies if body.endpoint), ""),
        started_time_us=begin,
        ended_time_us=ended.time_us if ended else None,
        ring_us=length,
        outcome=outcome,
        verdict=ring_verdict(outcome, length, caller_left=left, min_ring_us=min_ring_us) if ended else RingVerdict.OPEN,
        source_id=events[0].source_id,
        events=events,
    )


def ring_length_us(started: Observed | None, ended: Observed | None) -> int | None:
    """Return how long it rang: as the source tells it, else end minus start; None if unknown, negative or inferred."""
    if ended is None:
        return None
    if ended.body.HasField("ring_ms"):
        return max(0, int(ended.body.ring_ms)) * 1000
    if started is None or ended.time_us < started.time_us or ended.body.observation.inferred:
        return None
    return ended.time_us - started.time_us


def _reckoned_start(ended: Observed | None, length_us: int | None) -> int | None:
    """Return the start of a ring of which only end and length were told."""
    return None if ended is None or length_us is None else ended.time_us - length_us


def ring_verdict(
    outcome: int, ring_us: int | None, *, caller_left: bool = False, min_ring_us: int = MIN_RING_US
) -> RingVerdict:
    """Return what an ended ring counts as.

    RONA only if nobody answered though it rang at least `min_ring_us` and the caller was still there. A ring that was
    too short, or of unknown length, is a failed offer and charged to nobody; so is an outcome nobody told.
    """
    match outcome:
        case RingOutcome.ANSWERED:
            return RingVerdict.ACCEPTED
        case RingOutcome.REJECTED:
            return RingVerdict.REJECTED
        case RingOutcome.CALLER_GONE:
            return RingVerdict.RESCINDED
        case RingOutcome.NO_ANSWER if caller_left:
            return RingVerdict.RESCINDED
        case RingOutcome.NO_ANSWER if ring_us is not None and ring_us >= min_ring_us:
            return RingVerdict.RONA
        case _:
            return RingVerdict.OFFER_FAILED


def by_start(ring: AgentRing) -> tuple[int, str]:
    """Return the place of a ring among an agent's rings."""
    return ring.events[0].time_us, ring.ring_id
