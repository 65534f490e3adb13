"""What the core can be asked and told: commands of callers, agents and administrators, facts of phone systems, time.

A command may be refused (see errors.py). A fact tells what has happened: it is never refused; what no longer matters
gives no events.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from ivr_routing.core.rules import AgentRules, QueueRules, SkillRequirement
from ivr_routing.core.words import AgentState

# ---- contacts


@dataclass(frozen=True, slots=True)
class AdmitContact:
    """A phone system asks where a contact is to go."""

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
class StartFlow:
    """A contact enters a flow, on this version."""

    contact_id: str
    flow: str
    version: str
    cause: str = ""
    walk: bytes = b""


@dataclass(frozen=True, slots=True)
class TakeFlowStep:
    """The walk went on; `walk` is what the flow's code needs to go on from there."""

    contact_id: str
    nodes: tuple[str, ...] = ()
    rule: str = ""
    walk: bytes = b""
    due_us: int = 0
    awaits_id: str = ""
    told: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class FinishFlow:
    """The walk is over."""

    contact_id: str
    node: str = ""
    outcome: str = ""
    target: str = ""
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueueContact:
    """A contact is to wait in a queue; from another queue it moves, and from an agent it is transferred."""

    contact_id: str
    queue: str
    priority: int = 0
    skills: tuple[SkillRequirement, ...] = ()
    preferred_agent: str = ""
    cause: str = "flow"


@dataclass(frozen=True, slots=True)
class SetPriority:
    """A waiting contact is to be served earlier or later."""

    contact_id: str
    priority: int


@dataclass(frozen=True, slots=True)
class LeaveQueue:
    """The caller left the queue for something else: voicemail, or by a key."""

    contact_id: str
    then: str


@dataclass(frozen=True, slots=True)
class KeepPlace:
    """The caller takes a callback and keeps the place; from here on their hanging up ends nothing."""

    contact_id: str
    callback_id: str
    promised_us: int = 0


@dataclass(frozen=True, slots=True)
class EndCallback:
    """A callback was withdrawn, or the customer was not reached and will not be tried again: withdrawn, failed."""

    contact_id: str
    outcome: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class TellEstimate:
    """How long will a waiting contact wait."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class FinishContact:
    """Routing has nothing more to do: contained, voicemail, refused_closed, default_route."""

    contact_id: str
    end: str


# ---- facts of the phone system about contacts and reservations


@dataclass(frozen=True, slots=True)
class CallerGone:
    """Fact: the caller's leg ended. `end` names it if the teller knows better than the phase says: dropped, unknown."""

    contact_id: str
    end: str = ""


@dataclass(frozen=True, slots=True)
class DefaultRouteFollowed:
    """Fact: the phone system followed its static plan. It beats whatever was decided meanwhile."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class RingingBegan:
    """Fact: the agent's endpoint rings."""

    contact_id: str
    reservation_id: str
    since_us: int


@dataclass(frozen=True, slots=True)
class OfferFailed:
    """Fact: the agent's endpoint could not be rung, or stopped ringing by itself."""

    contact_id: str
    reservation_id: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class CallBridged:
    """Fact: the caller and an agent hear each other. reservation_id is empty if the teller knows none."""

    contact_id: str
    agent: str
    reservation_id: str = ""
    bridged_us: int = 0


@dataclass(frozen=True, slots=True)
class BridgeFailed:
    """Fact: the agent accepted or answered, and no bridge came about."""

    contact_id: str
    reservation_id: str
    cause: str = ""


@dataclass(frozen=True, slots=True)
class TalkEnded:
    """Fact: an agent is no longer bridged to the contact; the caller may still be there."""

    contact_id: str
    agent: str
    reservation_id: str = ""


@dataclass(frozen=True, slots=True)
class DoubtSource:
    """Fact: a source lost events, as it told at `gap_us` by its clock."""

    source_id: str
    gap_us: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TrustSource:
    """Fact: a source said what lived there at `snapshot_us` by its clock."""

    source_id: str
    snapshot_us: int


# ---- agents


@dataclass(frozen=True, slots=True)
class SignIn:
    """An agent begins to work; they are not_ready until they say that they are available."""

    agent: str
    endpoints: tuple[str, ...] = ()
    state: AgentState = AgentState.NOT_READY
    reason: str = "signed_in"


@dataclass(frozen=True, slots=True)
class SignOut:
    """An agent stops working; after the present contact if they have one."""

    agent: str
    cause: str = "agent"


@dataclass(frozen=True, slots=True)
class SetAgentState:
    """An agent wants to be available, not_ready or, after the present contact, in wrap_up."""

    agent: str
    state: AgentState
    reason: str = ""
    cause: str = "agent"


@dataclass(frozen=True, slots=True)
class CompleteWrapUp:
    """An agent is done with the work after a contact."""

    agent: str


@dataclass(frozen=True, slots=True)
class LoseHeartbeat:
    """No heartbeat came for too long."""

    agent: str


@dataclass(frozen=True, slots=True)
class RegainHeartbeat:
    """Heartbeats come again."""

    agent: str


@dataclass(frozen=True, slots=True)
class AcceptReservation:
    """An agent takes the contact held for them."""

    agent: str
    reservation_id: str


@dataclass(frozen=True, slots=True)
class RejectReservation:
    """An agent does not take the contact held for them."""

    agent: str
    reservation_id: str
    reason: str = ""


# ---- administration and time


@dataclass(frozen=True, slots=True)
class ConfigureQueue:
    """A queue's rules from the next decision on; expected_version as read, or None for any."""

    queue: str
    rules: QueueRules
    changed_by: str = ""
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class RetireQueue:
    """A queue takes no contacts any more; those in it are let go by its rule for closed."""

    queue: str
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class OpenQueue:
    """A queue opens or closes: hours, holiday, an order."""

    queue: str
    open: bool
    cause: str = "hours"


@dataclass(frozen=True, slots=True)
class ConfigureAgent:
    """What an agent may be given from the next decision on; expected_version as read, or None for any."""

    agent: str
    rules: AgentRules
    changed_by: str = ""
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class PassTime:
    """What is due by now happens, at most so many things at once; ask again while `core.next_due_us()` ≤ now."""

    at_most: int = 256


Command: TypeAlias = (
    AdmitContact
    | StartFlow
    | TakeFlowStep
    | FinishFlow
    | QueueContact
    | SetPriority
    | LeaveQueue
    | KeepPlace
    | EndCallback
    | TellEstimate
    | FinishContact
    | CallerGone
    | DefaultRouteFollowed
    | RingingBegan
    | OfferFailed
    | CallBridged
    | BridgeFailed
    | TalkEnded
    | DoubtSource
    | TrustSource
    | SignIn
    | SignOut
    | SetAgentState
    | CompleteWrapUp
    | LoseHeartbeat
    | RegainHeartbeat
    | AcceptReservation
    | RejectReservation
    | ConfigureQueue
    | RetireQueue
    | OpenQueue
    | ConfigureAgent
    | PassTime
)
