"""One of our own agents: state, wishes, capacity of one voice contact. Changed by evolve alone."""

from dataclasses import dataclass, field
from typing import Final

from ivr_routing.core.rules import AgentRules
from ivr_routing.core.words import AgentState

BUSY: Final = frozenset({AgentState.RESERVED, AgentState.ON_CONTACT, AgentState.WRAP_UP, AgentState.HELD_FOR_RECONNECT})
"""States that a wish of the agent does not end."""


@dataclass(slots=True)
class Agent:
    """What routing knows of an agent; times in microseconds, 0: none."""

    agent: str
    agent_id: str
    version: int = 0
    rules: AgentRules = field(default_factory=AgentRules)
    signed_in: bool = False
    endpoints: tuple[str, ...] = ()
    """Where they can be rung, the one that is rung next first."""
    state: AgentState = AgentState.OFFLINE
    reason: str = ""
    since_us: int = 0
    due_us: int = 0
    contact_id: str = ""
    reservation_id: str = ""
    queue: str = ""
    idle_since_us: int = 0
    contact_free_since_us: int = 0
    rona_count: int = 0
    offer_failed_count: int = 0
    heartbeat_lost: bool = False
    next_state: AgentState = AgentState.UNSPECIFIED
    next_reason: str = ""
    last_reservation_id: str = ""
    """The reservation that ended last, so that its end told twice is told once."""

    @property
    def staffed(self) -> bool:
        """Whether they count as working for their queues: signed in and reachable."""
        return self.signed_in and not self.heartbeat_lost and self.state is not AgentState.UNREACHABLE

    @property
    def endpoint(self) -> str:
        """Where they are rung."""
        return self.endpoints[0] if self.endpoints else ""
