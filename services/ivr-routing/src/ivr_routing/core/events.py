"""What the core decides. Names and fields are those of the proto's messages; the instant stands beside, not within.

Ids are texts of UUIDs, instants integer microseconds since 1970 UTC (0: none), lengths integer milliseconds.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from ivr_routing.core.rules import AgentRules, QueueRules, SkillRequirement
from ivr_routing.core.words import (
    AgentState,
    ChosenBy,
    DequeueKind,
    ExpiryKind,
    MatchingStrategy,
    RescindCause,
)

# ---- contacts and their queue visits


@dataclass(frozen=True, slots=True)
class ContactAdmitted:
    contact_id: str
    source_id: str = ""
    node: str = ""
    leg_id: str = ""
    service_number: str = ""
    caller_ref: str = ""
    customer_ref: str = ""
    identified_by: str = ""
    language: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    resumes_contact_id: str = ""


@dataclass(frozen=True, slots=True)
class ContactFinished:
    contact_id: str
    end: str


@dataclass(frozen=True, slots=True)
class FlowStarted:
    contact_id: str
    flow: str
    version: str
    cause: str = ""
    walk: bytes = b""


@dataclass(frozen=True, slots=True)
class FlowStepTaken:
    contact_id: str
    flow: str
    version: str
    nodes: tuple[str, ...] = ()
    rule: str = ""
    walk: bytes = b""
    due_us: int = 0
    awaits_id: str = ""
    told: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class FlowFinished:
    contact_id: str
    flow: str
    version: str
    node: str = ""
    outcome: str = ""
    target: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueueVisitOpened:
    contact_id: str
    visit_id: str
    queue: str
    priority: int
    skills: tuple[SkillRequirement, ...]
    preferred_agent: str
    waiting_since_us: int
    queue_version: int
    hops: int
    cause: str
    callback_id: str = ""


@dataclass(frozen=True, slots=True)
class QueueVisitStepAdvanced:
    contact_id: str
    visit_id: str
    step: int
    cause: str


@dataclass(frozen=True, slots=True)
class QueueVisitPriorityChanged:
    contact_id: str
    visit_id: str
    priority: int


@dataclass(frozen=True, slots=True)
class QueueVisitClosed:
    contact_id: str
    visit_id: str
    queue: str
    kind: DequeueKind
    to_queue: str = ""
    then: str = ""


@dataclass(frozen=True, slots=True)
class CallbackPlaceKept:
    contact_id: str
    visit_id: str
    callback_id: str
    promised_us: int = 0
    queue: str = ""
    again_us: int = 0


@dataclass(frozen=True, slots=True)
class CallbackAttemptFailed:
    """The customer was called and not reached; `again_us` 0: they are not called again."""

    contact_id: str
    callback_id: str
    attempt: int
    cause: str
    again_us: int


@dataclass(frozen=True, slots=True)
class CallbackPlaceEnded:
    contact_id: str
    callback_id: str
    outcome: str
    attempt: int = 0
    cause: str = ""


@dataclass(frozen=True, slots=True)
class EstimateMade:
    contact_id: str
    visit_id: str
    queue: str
    queue_position: int
    wait_ms: int
    basis: str


# ---- reservations


@dataclass(frozen=True, slots=True)
class ReservationCreated:
    reservation_id: str
    contact_id: str
    visit_id: str
    queue: str
    agent: str
    endpoint: str
    step: int
    strategy: MatchingStrategy
    chosen_by: ChosenBy
    idle_since_us: int
    deadline_us: int
    min_ring_ms: int
    ring_all: bool
    queue_version: int
    auto_accept: bool


@dataclass(frozen=True, slots=True)
class ReservationRinging:
    reservation_id: str
    contact_id: str
    ringing_since_us: int


@dataclass(frozen=True, slots=True)
class ReservationAccepted:
    reservation_id: str
    contact_id: str
    agent: str
    bridge_deadline_us: int


@dataclass(frozen=True, slots=True)
class ReservationRejected:
    reservation_id: str
    contact_id: str
    agent: str
    reason: str
    excluded_until_us: int


@dataclass(frozen=True, slots=True)
class ReservationExpired:
    reservation_id: str
    contact_id: str
    agent: str
    kind: ExpiryKind
    rang_ms: int
    cause: str
    excluded_until_us: int


@dataclass(frozen=True, slots=True)
class ReservationRescinded:
    reservation_id: str
    contact_id: str
    agent: str
    cause: RescindCause


@dataclass(frozen=True, slots=True)
class ReservationCancelled:
    reservation_id: str
    contact_id: str
    agent: str
    cause: str


@dataclass(frozen=True, slots=True)
class ReservationBridged:
    """Caller and agent hear each other; the queue visit ended as answered with it."""

    reservation_id: str
    contact_id: str
    agent: str
    bridged_us: int


@dataclass(frozen=True, slots=True)
class ReservationBridgeFailed:
    reservation_id: str
    contact_id: str
    agent: str
    cause: str
    excluded_until_us: int


# ---- agents


@dataclass(frozen=True, slots=True)
class AgentSignedIn:
    agent: str
    endpoints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AgentSignedOut:
    agent: str
    cause: str


@dataclass(frozen=True, slots=True)
class AgentSpellBegan:
    agent: str
    spell_id: str
    state: AgentState
    reason: str
    previous_state: AgentState
    previous_since_us: int
    contact_id: str
    reservation_id: str
    queue: str
    due_us: int
    idle_since_us: int
    contact_free_since_us: int
    rona_count: int
    offer_failed_count: int
    cause: str


@dataclass(frozen=True, slots=True)
class AgentNextStateSet:
    agent: str
    state: AgentState
    reason: str


@dataclass(frozen=True, slots=True)
class AgentHeartbeatLost:
    agent: str


@dataclass(frozen=True, slots=True)
class AgentHeartbeatRegained:
    agent: str


# ---- sources


@dataclass(frozen=True, slots=True)
class SourceDoubted:
    """A source lost events; until it says what lives, what it holds is in doubt."""

    source_id: str
    gap_us: int
    since_us: int
    due_us: int
    reason: str


@dataclass(frozen=True, slots=True)
class SourceTrusted:
    """A doubt about a source is over: by a snapshot, or by time."""

    source_id: str
    since_us: int
    cause: str


# ---- configuration


@dataclass(frozen=True, slots=True)
class QueueConfigured:
    queue: str
    version: int
    rules: QueueRules
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class QueueRetired:
    queue: str
    version: int
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class QueueOpennessChanged:
    queue: str
    open: bool
    cause: str = ""


@dataclass(frozen=True, slots=True)
class AgentConfigured:
    agent: str
    version: int
    rules: AgentRules
    changed_by: str = ""


ReservationEnd: TypeAlias = (
    ReservationRejected
    | ReservationExpired
    | ReservationRescinded
    | ReservationCancelled
    | ReservationBridged
    | ReservationBridgeFailed
)
"""What a reservation ends with, exactly once."""

Event: TypeAlias = (
    ContactAdmitted
    | ContactFinished
    | FlowStarted
    | FlowStepTaken
    | FlowFinished
    | QueueVisitOpened
    | QueueVisitStepAdvanced
    | QueueVisitPriorityChanged
    | QueueVisitClosed
    | CallbackPlaceKept
    | CallbackAttemptFailed
    | CallbackPlaceEnded
    | EstimateMade
    | ReservationCreated
    | ReservationRinging
    | ReservationAccepted
    | ReservationEnd
    | AgentSignedIn
    | AgentSignedOut
    | AgentSpellBegan
    | AgentNextStateSet
    | AgentHeartbeatLost
    | AgentHeartbeatRegained
    | SourceDoubted
    | SourceTrusted
    | QueueConfigured
    | QueueRetired
    | QueueOpennessChanged
    | AgentConfigured
)
