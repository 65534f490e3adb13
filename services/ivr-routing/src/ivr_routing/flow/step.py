"""What goes into a walk and what comes out of it: inputs, steps, and the facts a walk tells. Frozen data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from ivr_routing.flow.expression import Value
from ivr_routing.flow.state import FlowState


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of a contact beside its flow, taken anew for each step.

    `language` is what the caller or the phone system asked for, empty if neither did. `attributes` arrived with the
    contact. `estimated_waits` and `queue_positions` are by queue; one that is left out is unknown. `next_visit_id` is
    what the contact's stay in a queue would be called, if it began now.
    """

    service_number: str = ""
    language: str = ""
    caller_ref: str = ""
    customer_ref: str = ""
    repeat_contact: bool = False
    open_case: bool = False
    last_agent: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    estimated_waits: Mapping[str, timedelta] = field(default_factory=dict)
    queue_positions: Mapping[str, int] = field(default_factory=dict)
    next_visit_id: str = ""


@dataclass(frozen=True, slots=True)
class Digits:
    """The caller typed something."""

    digits: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NoInput:
    """The caller typed nothing in time."""


@dataclass(frozen=True, slots=True)
class LookupAnswered:
    """A lookup was answered."""

    status: int
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LookupFailed:
    """A lookup was not answered in time, or not at all."""


@dataclass(frozen=True, slots=True)
class CameBack:
    """The queue or the transfer that the flow handed the caller to sent them back: closed, full, no_answer."""

    reason: str


@dataclass(frozen=True, slots=True)
class CallerLeft:
    """The caller hung up."""


Input = Digits | NoInput | LookupAnswered | LookupFailed | CameBack | CallerLeft


@dataclass(frozen=True, slots=True)
class Prompt:
    """Something to hear: words, or else the name of a recording; and the language of either."""

    text: str
    media: str
    language: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Collect digits; answered by Digits or NoInput. Sensitive ones are told to nobody and recorded nowhere."""

    node: str
    name: str
    min_digits: int
    max_digits: int
    finish_on: str
    first_digit_timeout: timedelta
    next_digit_timeout: timedelta
    sensitive: bool


@dataclass(frozen=True, slots=True)
class Look:
    """Ask a system of the tenant's; answered by LookupAnswered or, at the latest after `timeout`, by LookupFailed.

    `send` may hold what the caller must not see repeated: it is neither logged nor kept.
    """

    node: str
    method: str
    url: str
    timeout: timedelta
    send: Mapping[str, Value] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Enqueue:
    """The caller waits in a queue; CameBack leads back into the flow. `preferred_agent` may be empty, or nobody."""

    node: str
    queue: str
    priority: int
    skills: Mapping[str, int]
    preferred_agent: str = ""


@dataclass(frozen=True, slots=True)
class CallBack:
    """The caller is called back and keeps a place in the queue."""

    node: str
    queue: str
    priority: int
    skills: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SendTo:
    """The caller is sent to a number or endpoint; CameBack leads back into the flow."""

    node: str
    endpoint: str
    ring_for: timedelta


@dataclass(frozen=True, slots=True)
class TakeMessage:
    """The caller leaves a message."""

    node: str
    mailbox: str
    at_most: timedelta


@dataclass(frozen=True, slots=True)
class End:
    """The call is ended, for a reason in the flow's words; `no_way_on` is ours."""

    node: str
    reason: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The caller has left; nothing is to be done."""

    node: str


Wait = Ask | Look
Outcome = Enqueue | CallBack | SendTo | TakeMessage | End | Gone
Then = Wait | Outcome


@dataclass(frozen=True, slots=True)
class FlowEntered:
    """The contact entered the flow."""

    flow: str
    version: str


@dataclass(frozen=True, slots=True)
class NodeVisited:
    """The contact reached a node."""

    flow: str
    version: str
    node: str


@dataclass(frozen=True, slots=True)
class InputCollected:
    """The caller typed something; `value` is masked unless `safe`."""

    node: str
    name: str
    value: str
    safe: bool


@dataclass(frozen=True, slots=True)
class SelfServed:
    """The caller got what they came for."""

    outcome: str


@dataclass(frozen=True, slots=True)
class EstimateTold:
    """The caller was told how long they would wait, or at which place: 0 if not that.

    `visit_id` is that of the wait which begins with it, empty where the caller may still go another way.
    """

    queue: str
    wait: timedelta
    queue_position: int = 0
    visit_id: str = ""


@dataclass(frozen=True, slots=True)
class FlowExited:
    """The contact left the flow; `queue` is the one it was meant for, if any."""

    flow: str
    version: str
    node: str
    queue: str


Told = FlowEntered | NodeVisited | InputCollected | SelfServed | EstimateTold | FlowExited


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a walk: what is heard first, what is done then, the state to keep, and the facts to tell in order.

    The first of `told` has the number `state.told - len(told)` within the contact's stay in this flow.
    """

    state: FlowState
    prompts: tuple[Prompt, ...]
    then: Then
    told: tuple[Told, ...]
