"""A contact held for an agent, while it is open. It ends exactly once; ended ones are not kept."""

from dataclasses import dataclass

from ivr_routing.core.words import ExpiryKind


@dataclass(slots=True)
class Reservation:
    """Open: created, or accepted and not bridged yet. Instants in microseconds, 0: none."""

    reservation_id: str
    contact_id: str
    visit_id: str
    queue: str
    agent: str
    endpoint: str
    step: int
    created_us: int
    deadline_us: int
    min_ring_us: int
    ring_all: bool
    auto_accept: bool
    ringing_since_us: int = 0
    accepted_us: int = 0

    @property
    def accepted(self) -> bool:
        """Whether the agent took it."""
        return self.accepted_us > 0

    def rang_us(self, now_us: int) -> int:
        """Return how long the endpoint rang; what is told of the future rang for nothing."""
        return max(0, now_us - self.ringing_since_us) if self.ringing_since_us else 0

    def expiry(self, now_us: int) -> ExpiryKind:
        """Judge an unanswered one: rona only where the endpoint rang at least min_ring."""
        rang = self.ringing_since_us and self.rang_us(now_us) >= self.min_ring_us
        return ExpiryKind.RONA if rang else ExpiryKind.OFFER_FAILED
