"""A contact in the care of routing, and the queue visit it may be in. Changed by evolve alone."""

from dataclasses import dataclass, field
from typing import Final

from ivr_routing.core.rules import SkillRequirement

BRIDGED: Final = "bridged"
ENDED: Final = "ended"


@dataclass(slots=True)
class Visit:
    """One stay in one queue. `turn` is the order of the log among equals; `step` counts from 1."""

    visit_id: str
    queue: str
    priority: int
    skills: tuple[SkillRequirement, ...]
    preferred_agent: str
    waiting_since_us: int
    opened_us: int
    turn: int
    hops: int
    step: int = 1
    callback_id: str = ""
    offers: int = 0
    """Reservations made for it."""
    attempts: int = 0
    """Times that the customer who kept the place was called in vain."""
    again_us: int = 0
    """Until then the customer is not called again, so that nobody is held."""


@dataclass(slots=True)
class FlowWalk:
    """Where a contact is in a flow; `walk` belongs to the flow's code."""

    flow: str
    version: str
    node: str
    walk: bytes
    due_us: int
    awaits_id: str


@dataclass(slots=True)
class Contact:
    """What routing must know to decide; gone when finished, but for its id."""

    contact_id: str
    source_id: str
    node: str
    leg_id: str
    service_number: str
    caller_ref: str
    customer_ref: str
    identified_by: str
    language: str
    attributes: dict[str, str]
    resumes_contact_id: str
    admitted_us: int
    visits: int = 0
    """Queue visits so far."""
    visit: Visit | None = None
    flow: FlowWalk | None = None
    agents: list[str] = field(default_factory=list)
    """Agents it is bridged to: one, or more in a conference."""
    served: bool = False
    """Whether it was ever bridged to an agent."""
    reservations: list[str] = field(default_factory=list)
    """Open ones: one, or several of a ring-all."""
    excluded: dict[str, int] = field(default_factory=dict)
    """Agents it is not offered to, and until when."""
    talks: dict[str, str] = field(default_factory=dict)
    """Bridged or ended, by reservation and by agent: facts come late and twice."""

    def excludes(self, agent: str, now_us: int) -> bool:
        """Whether it is not to be offered to the agent now."""
        if self.visit is not None and self.visit.again_us > now_us:
            return True
        return bool(self.excluded) and self.excluded.get(agent, 0) > now_us

    @property
    def waits(self) -> bool:
        """Whether it is in a queue and offered to nobody."""
        return self.visit is not None and not self.reservations

    def end_when_caller_leaves(self) -> str:
        """Name the end that the caller's leaving means now."""
        if self.agents:
            return "handled"
        if self.reservations:
            return "abandoned_ringing"
        if self.visit is not None:
            return "abandoned_queue"
        return "handled" if self.served else "abandoned_ivr"
