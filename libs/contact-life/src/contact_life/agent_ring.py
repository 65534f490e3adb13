"""Rings of an agent's endpoint, and which of them count."""

from dataclasses import dataclass

from contact_life.observed import Observed
from contact_life.words import RingVerdict


@dataclass(frozen=True, slots=True)
class AgentRing:
    """One ring of an agent's endpoint; instants and lengths in microseconds, None where not told."""

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
