"""What the loop knows of one contact beside the core: its instruction in force, and what an agent is shown of it."""

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from holdfast.ivr_routing.v1 import instruction_pb2 as pb

MOST_NODES: Final = 100
MOST_NOTES: Final = 20
MOST_EARLIER: Final = 10
MOST_CALLERS: Final = 50_000


@dataclass(slots=True)
class Call:
    """One contact in the loop. `path` is the nodes it went through, `known` what it told that may be shown."""

    contact_id: str
    source_id: str
    node: str
    leg_id: str
    service_number: str
    caller_ref: str
    customer_ref: str
    identified_by: str
    language: str
    admitted_us: int
    flow: str = ""
    version: str = ""
    walk: bytes = b""
    """State of the walk as it last was: a contact that a queue sends back goes on from there."""
    path: list[str] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    """What agents wrote, by event: facts come twice."""
    instruction: pb.Instruction | None = None
    acknowledged: bool = False
    """Whether the instruction in force was done, failed, expired or not supported."""
    expired: int = 0
    """How many of its instructions came too late to be begun."""
    queue: str = ""
    agent: str = ""
    bridged_us: int = 0
    rings: dict[str, str] = field(default_factory=dict)
    """Reservations by the legs that ring for them. Told by facts, not kept in the log: deadlines do without."""
    end: str = ""
    """What the caller's leaving means once the flow has said so: contained, voicemail."""
    defaulted: bool = False
    """Whether the phone system went its own way: nothing is instructed any more."""
    waits_for: str = ""
    named: str = ""
    """The agent of the present talk, if they asked for help or a reason was logged; told by facts, as `rings`."""
    talks: dict[str, str] = field(default_factory=dict)
    """Agents by the legs that are bridged to the caller. Told by facts, as `rings`."""
    heard_us: int = 0
    """When the phone system last told or asked anything about it."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier contact of the same caller."""

    contact_id: str
    admitted_us: int
    queue: str
    agent: str
    end: str


class History:
    """The last contacts of the callers heard of lately; bounded, and not needed to decide."""

    def __init__(self) -> None:
        self._by_caller: OrderedDict[str, deque[Earlier]] = OrderedDict()

    def add(self, call: Call, end: str) -> None:
        """Remember a contact that is over."""
        earlier = Earlier(call.contact_id, call.admitted_us, call.queue, call.agent, end)
        for key in caller_keys(call):
            self._by_caller.setdefault(key, deque(maxlen=MOST_EARLIER)).appendleft(earlier)
            self._by_caller.move_to_end(key)
        while len(self._by_caller) > MOST_CALLERS:
            self._by_caller.popitem(last=False)

    def of(self, call: Call) -> list[Earlier]:
        """The earlier contacts of a contact's caller or customer, latest first."""
        found = {one.contact_id: one for key in caller_keys(call) for one in self._by_caller.get(key, ())}
        return sorted(found.values(), key=lambda one: one.admitted_us, reverse=True)[:MOST_EARLIER]

    def dump(self) -> dict[str, list[tuple[str, int, str, str, str]]]:
        """All of it, plain."""
        return {
            key: [(one.contact_id, one.admitted_us, one.queue, one.agent, one.end) for one in some]
            for key, some in self._by_caller.items()
        }

    def restore(self, plain: Mapping[str, Iterable[Earlier]]) -> None:
        """Remember what `dump` told."""
        for key, some in plain.items():
            self._by_caller[key] = deque(some, maxlen=MOST_EARLIER)


def caller_keys(call: Call) -> list[str]:
    """What stands for a contact's caller: the customer, the number; nothing for one who is not known."""
    return [f"{kind}:{ref}" for kind, ref in (("customer", call.customer_ref), ("caller", call.caller_ref)) if ref]
