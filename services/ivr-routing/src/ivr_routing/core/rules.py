"""What a queue and an agent are configured to be. Values only; a 0 or an empty text on the wire means the default.

Lengths are milliseconds as in the proto; properties with a default give microseconds, as the core counts.
"""

from dataclasses import dataclass
from typing import Final

from ivr_routing.core.words import CountedSource, MatchingStrategy, WrapUpKind

RESERVATION_MS: Final = 20_000
MIN_RING_MS: Final = 8_000
BRIDGE_MS: Final = 10_000
REOFFER_PAUSE_MS: Final = 30_000
EXPECTED_HANDLE_MS: Final = 180_000
SERVICE_LEVEL_THRESHOLD_MS: Final = 20_000
RONA_LIMIT: Final = 1
OFFER_FAILED_LIMIT: Final = 3
CALLBACK_ATTEMPTS: Final = 3
CALLBACK_PAUSE_MS: Final = 300_000


@dataclass(frozen=True, slots=True)
class SkillRequirement:
    """A skill and the least proficiency asked for, or what an agent has of it; 1 to 5."""

    skill: str
    proficiency: int = 1


@dataclass(frozen=True, slots=True)
class QueueStep:
    """One stage of relaxing requirements, from `after_ms` waited on."""

    after_ms: int = 0
    skills: tuple[SkillRequirement, ...] = ()
    groups: tuple[str, ...] = ()
    preferred_agent_only: bool = False
    lowered_by: int = 0


@dataclass(frozen=True, slots=True)
class QueueExit:
    """What follows on a visit that ends by rule: another queue, or what the flow is to do (hang_up, voicemail …)."""

    to_queue: str = ""
    then: str = ""


@dataclass(frozen=True, slots=True)
class QueueRules:
    """How a queue waits, matches and lets go; see QueueRules in the proto for each field."""

    steps: tuple[QueueStep, ...] = ()
    strategy: MatchingStrategy = MatchingStrategy.LONGEST_IDLE_SINCE_AVAILABLE
    ageing_ms: int = 0
    max_size: int = 0
    max_wait_ms: int = 0
    on_full: QueueExit = QueueExit()
    on_max_wait: QueueExit = QueueExit()
    on_closed: QueueExit = QueueExit()
    on_unstaffed: QueueExit | None = None
    ring_all_limit: int = 0
    reservation_ms: int = RESERVATION_MS
    min_ring_ms: int = MIN_RING_MS
    bridge_ms: int = BRIDGE_MS
    rona_limit: int = RONA_LIMIT
    rona_reason: str = "rona"
    offer_failed_limit: int = OFFER_FAILED_LIMIT
    reoffer_pause_ms: int = REOFFER_PAUSE_MS
    wrap_up: WrapUpKind = WrapUpKind.NONE
    wrap_up_ms: int = 0
    clear_on_close: bool = False
    expected_handle_ms: int = EXPECTED_HANDLE_MS
    service_level_threshold_ms: int = SERVICE_LEVEL_THRESHOLD_MS
    auto_accept: bool = False
    return_priority: int = 0
    callback_attempts: int = CALLBACK_ATTEMPTS
    callback_pause_ms: int = CALLBACK_PAUSE_MS
    counts: CountedSource = CountedSource.ROUTING

    def step(self, number: int) -> QueueStep:
        """Return a step by its number, from 1; a queue without steps has one that asks for nothing."""
        return self.steps[number - 1] if self.steps else ANYBODY

    @property
    def last_step(self) -> int:
        """Number of the last step."""
        return len(self.steps) or 1


ANYBODY: Final = QueueStep()


@dataclass(frozen=True, slots=True)
class AgentRules:
    """What an agent may be given, and what stands of them in the facts."""

    queues: tuple[str, ...] = ()
    skills: tuple[SkillRequirement, ...] = ()
    groups: tuple[str, ...] = ()
    team: str = ""
    site: str = ""
    supervisor: str = ""

    def proficiency(self, skill: str) -> int:
        """Return how well the agent can do it; 0: not at all."""
        return next((own.proficiency for own in self.skills if own.skill == skill), 0)
