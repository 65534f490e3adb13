"""All that one tenant's shard knows: the core, and beside it what the loop needs. Changed by evolve alone.

Events are the core's own, or messages of the proto for what the core does not know: instructions, flows, hours, skills.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias
from uuid import UUID

from google.protobuf.message import Message

from contact_life import identity
from event_log.model import Stream
from holdfast.ivr_routing.v1 import configuration_pb2, instruction_pb2
from ivr_routing import event_codec
from ivr_routing.core import events as e
from ivr_routing.core.evolve import evolve
from ivr_routing.core.state import Core
from ivr_routing.loop.call import MOST_NODES, Call, History
from ivr_routing.loop.catalogue import Catalogue

Decided: TypeAlias = "e.Event | Message"
"""An event of the core, or one of the loop's own."""
_OWN: Final[Mapping[str, type[Message]]] = {
    kind.DESCRIPTOR.name: kind
    for kind in (
        instruction_pb2.InstructionIssued,
        instruction_pb2.InstructionAcknowledged,
        instruction_pb2.DefaultRouteTaken,
        configuration_pb2.SkillConfigured,
        configuration_pb2.HoursConfigured,
        configuration_pb2.FlowDrafted,
        configuration_pb2.FlowPublished,
        configuration_pb2.FlowScheduled,
        configuration_pb2.FlowWithdrawn,
    )
}
_ENDED: Final = (
    instruction_pb2.INSTRUCTION_STATUS_DONE,
    instruction_pb2.INSTRUCTION_STATUS_FAILED,
    instruction_pb2.INSTRUCTION_STATUS_EXPIRED,
    instruction_pb2.INSTRUCTION_STATUS_UNSUPPORTED,
)

_ENDS_OF_FLOW: Final = {"self_served": "contained", "hang_up": "contained", "voicemail": "voicemail"}
_ENDS_BY_REASON: Final = {"closed": "refused_closed", "full": "refused_full", "no_route": "unknown"}


class UnknownEvent(Exception):
    """The log holds an event of a type that this version does not know; the text is the type."""


def read(name: str, payload: bytes) -> Decided:
    """The event that the log holds; UnknownEvent for a type of a later version."""
    event = _OWN[name].FromString(payload) if name in _OWN else event_codec.decode(name, payload)
    if event is None:
        raise UnknownEvent(name)
    return event


def written(event: Decided) -> tuple[str, bytes]:
    """Type and payload of an event, as the log holds it."""
    if isinstance(event, Message):
        return event.DESCRIPTOR.name, event.SerializeToString(deterministic=True)
    return event_codec.encode(event)


def stream_of(tenant: str, event: Decided, now_us: int) -> Stream:
    """The stream of an event: its contact's, its object's, or its agent's of the day."""
    match event:
        case instruction_pb2.InstructionIssued():
            return event_codec.contact_stream(event.instruction.contact_id)
        case instruction_pb2.InstructionAcknowledged() | instruction_pb2.DefaultRouteTaken():
            return event_codec.contact_stream(event.contact_id)
        case configuration_pb2.SkillConfigured():
            return _object_stream(tenant, "skill", event.skill)
        case configuration_pb2.HoursConfigured():
            return _object_stream(tenant, "hours", event.hours)
        case Message():
            return _object_stream(tenant, "flow", event.flow)  # type: ignore[attr-defined]  # all others are of flows
        case _:
            return event_codec.stream_of(tenant, event, now_us)


def _object_stream(tenant: str, category: str, name: str) -> Stream:
    return Stream(category, UUID(identity.configuration_id(tenant, category, name)))


class Desk:
    """One tenant's contacts, agents, queues, flows and instructions."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.core = Core(tenant)
        self.calls: dict[str, Call] = {}
        self.catalogue = Catalogue()
        self.history = History()
        self.number = 0
        """Number of the instruction issued last."""

    def evolve(self, event: Decided, now_us: int) -> None:
        """Apply an event that stands in the log."""
        if not isinstance(event, Message):
            evolve(self.core, event, now_us)
        self.note(event, now_us)

    def note(self, event: Decided, now_us: int) -> None:
        """Apply to all but the core, which has applied its own events as it decided them."""
        change = _CHANGES.get(type(event))
        if change is not None:
            change(self, event, now_us)
        elif isinstance(event, Message):
            self.catalogue.evolve(event)


def _admitted(desk: Desk, event: e.ContactAdmitted, now_us: int) -> None:
    desk.calls[event.contact_id] = Call(
        event.contact_id,
        event.source_id,
        event.node,
        event.leg_id,
        event.service_number,
        event.caller_ref,
        event.customer_ref,
        event.identified_by,
        event.language,
        now_us,
        known=dict(event.attributes),
        heard_us=now_us,
    )


def _finished(desk: Desk, event: e.ContactFinished, _: int) -> None:
    call = desk.calls.pop(event.contact_id, None)
    if call is not None:
        desk.history.add(call, event.end)


def _flow_started(desk: Desk, event: e.FlowStarted, _: int) -> None:
    if call := desk.calls.get(event.contact_id):
        call.flow, call.version, call.walk = event.flow, event.version, event.walk


def _flow_step(desk: Desk, event: e.FlowStepTaken, now_us: int) -> None:
    if call := desk.calls.get(event.contact_id):
        call.walk, call.heard_us = event.walk, now_us
        call.path = [*call.path, *event.nodes][-MOST_NODES:]


def _flow_finished(desk: Desk, event: e.FlowFinished, _: int) -> None:
    if call := desk.calls.get(event.contact_id):
        call.known |= event.attributes
        call.end = _ENDS_OF_FLOW.get(event.outcome, "")


def _visit_opened(desk: Desk, event: e.QueueVisitOpened, _: int) -> None:
    if call := desk.calls.get(event.contact_id):
        call.queue, call.end = event.queue, ""


def _bridged(desk: Desk, event: e.ReservationBridged, now_us: int) -> None:
    if call := desk.calls.get(event.contact_id):
        call.agent, call.bridged_us, call.heard_us = event.agent, event.bridged_us or now_us, now_us
        call.named = ""


def _issued(desk: Desk, event: instruction_pb2.InstructionIssued, _: int) -> None:
    desk.number = max(desk.number, event.instruction.number)
    if call := desk.calls.get(event.instruction.contact_id):
        call.instruction, call.acknowledged = event.instruction, False
        call.end = _end_meant(event.instruction) or call.end


def _end_meant(instruction: instruction_pb2.Instruction) -> str:
    """What the caller's leaving means under an instruction that ends the call; empty for any other."""
    last = instruction.do[-1] if instruction.do else instruction_pb2.Action()
    if last.HasField("voicemail"):
        return "voicemail"
    return _ENDS_BY_REASON.get(last.hang_up.reason, "") if last.HasField("hang_up") else ""


def _acknowledged(desk: Desk, event: instruction_pb2.InstructionAcknowledged, now_us: int) -> None:
    call = desk.calls.get(event.contact_id)
    if call:
        call.heard_us = now_us
    if call and call.instruction and call.instruction.instruction_id == event.instruction_id:
        call.acknowledged = call.acknowledged or event.status in _ENDED
        call.expired += event.status == instruction_pb2.INSTRUCTION_STATUS_EXPIRED


def _defaulted(desk: Desk, event: instruction_pb2.DefaultRouteTaken, _: int) -> None:
    if call := desk.calls.get(event.contact_id):
        call.defaulted, call.instruction = True, None


_CHANGES: Final[dict[type, Callable[[Desk, Any, int], None]]] = {
    e.ContactAdmitted: _admitted,
    e.ContactFinished: _finished,
    e.FlowStarted: _flow_started,
    e.FlowStepTaken: _flow_step,
    e.FlowFinished: _flow_finished,
    e.QueueVisitOpened: _visit_opened,
    e.ReservationBridged: _bridged,
    instruction_pb2.InstructionIssued: _issued,
    instruction_pb2.InstructionAcknowledged: _acknowledged,
    instruction_pb2.DefaultRouteTaken: _defaulted,
}
