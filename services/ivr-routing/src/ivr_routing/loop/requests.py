"""What phone systems, agents and facts ask of a desk, each as one turn. Pure: the instant comes from outside."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from holdfast.ivr_routing.v1 import instruction_pb2 as pb
from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.commands import Command
from ivr_routing.core.errors import Refused
from ivr_routing.flow import step as flow
from ivr_routing.loop import undone, walks
from ivr_routing.loop.call import Call
from ivr_routing.loop.desk import Decided, Desk
from ivr_routing.loop.turn import Turn

_NOT_DONE: Final = (pb.INSTRUCTION_STATUS_FAILED, pb.INSTRUCTION_STATUS_EXPIRED, pb.INSTRUCTION_STATUS_UNSUPPORTED)
_STAYED: Final = ("answered", "caller_gone")
"""Causes of a failure after which there is nothing to put right: somebody was faster, or the caller left."""
UNTOLD: Final = "unknown"
"""End of a contact whose hang-up nobody told."""


@dataclass(frozen=True, slots=True)
class Start:
    """A contact arrived."""

    admit: c.AdmitContact


@dataclass(frozen=True, slots=True)
class Report:
    """What the caller did in answer to an instruction."""

    contact_id: str
    instruction_id: str
    given: flow.Input = field(repr=False)


@dataclass(frozen=True, slots=True)
class ResumeFlow:
    """A contact's flow awaits something that the process which asked for it can no longer bring."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """What became of an instruction."""

    contact_id: str
    instruction_id: str
    status: "pb.InstructionStatus.ValueType"
    cause: str = ""


@dataclass(frozen=True, slots=True)
class DefaultRoute:
    """The phone system followed its static plan; `admit` if routing has never heard of the contact."""

    taken: pb.DefaultRouteTaken
    admit: c.AdmitContact


@dataclass(frozen=True, slots=True)
class Told:
    """A fact of the phone system, as the core takes it."""

    command: Command


@dataclass(frozen=True, slots=True)
class Record:
    """Something to be kept that the core does not know: a flow, hours, a skill."""

    events: tuple[Decided, ...]


Request = Start | Report | ResumeFlow | Acknowledge | DefaultRoute | Told | Record


def take(desk: Desk, request: Request, now_us: int) -> Turn:
    """Take one request in; the turn holds what was decided. Raises core.errors.Refused, and then nothing was."""
    turn = Turn(desk, now_us)
    _TAKERS[type(request)](turn, request)
    _let_silent_go(turn)
    walks.come_back(turn)
    turn.plan()
    return turn


def _start(turn: Turn, request: Start) -> None:
    turn.order(request.admit)
    call = turn.desk.calls.get(request.admit.contact_id)
    if call is None:
        return
    if turn.events or call.instruction is None:
        walks.begin(turn, call)
    elif undone.too_late(call, turn.now_us):
        undone.anew(turn, call)


def _report(turn: Turn, request: Report) -> None:
    """An answer counts once: for the instruction that asked for it, as long as the flow awaits it."""
    call, contact = turn.desk.calls.get(request.contact_id), turn.desk.core.contacts.get(request.contact_id)
    if call is None or contact is None or contact.flow is None or call.defaulted:
        return
    if contact.flow.awaits_id == request.instruction_id:
        walks.answer(turn, call, request.given)


def _acknowledge(turn: Turn, request: Acknowledge) -> None:
    call = turn.desk.calls.get(request.contact_id)
    if call is None or call.instruction is None or call.instruction.instruction_id != request.instruction_id:
        return
    if request.status == pb.INSTRUCTION_STATUS_ACCEPTED or call.acknowledged:
        return
    turn.record(
        pb.InstructionAcknowledged(
            contact_id=request.contact_id,
            instruction_id=request.instruction_id,
            status=request.status,
            cause=request.cause,
        )
    )
    contact = turn.desk.core.contacts.get(call.contact_id)
    keeps_place = contact is not None and contact.visit is not None and bool(contact.visit.callback_id)
    if keeps_place and request.status == pb.INSTRUCTION_STATUS_UNSUPPORTED:
        turn.order(c.EndCallback(call.contact_id, "failed", "unsupported"))
    elif request.status in _NOT_DONE and request.cause not in _STAYED:
        _not_rung(turn, call.contact_id, call.instruction, request.cause)
        if request.status == pb.INSTRUCTION_STATUS_EXPIRED:
            undone.anew(turn, call)
        else:
            undone.given_up(turn, call)


def _not_rung(turn: Turn, contact_id: str, instruction: pb.Instruction, cause: str) -> None:
    """The endpoints of an instruction ring no longer; those whose reservation is open have not been answered."""
    rings = [ring for step in instruction.do for ring in (step.ring, *step.ring_all.rings)]
    for ring in rings:
        if ring.reservation_id in turn.desk.core.reservations:
            turn.order(c.OfferFailed(contact_id, ring.reservation_id, cause))


def _default_route(turn: Turn, request: DefaultRoute) -> None:
    """What the phone system did by itself is so: it beats what was decided, and ends the care."""
    contact_id = request.taken.contact_id
    if contact_id not in turn.desk.core.contacts:
        try:
            turn.order(request.admit)
        except Refused:
            return
    call = turn.desk.calls.get(contact_id)
    if call is not None and call.defaulted:
        return
    turn.record(request.taken)
    turn.order(c.DefaultRouteFollowed(contact_id))
    turn.order(c.FinishContact(contact_id, "default_route"))


def _resume(turn: Turn, request: ResumeFlow) -> None:
    if call := turn.desk.calls.get(request.contact_id):
        walks.again(turn, call)


def _record(turn: Turn, request: Record) -> None:
    for event in request.events:
        turn.record(event)


def _told(turn: Turn, request: Told) -> None:
    command = request.command
    if isinstance(command, c.CallerGone) and not command.end:
        call = turn.desk.calls.get(command.contact_id)
        contact = turn.desk.core.contacts.get(command.contact_id)
        if call is not None and contact is not None and contact.flow is not None:
            walks.left(turn, call)
        meant = call.end if call is not None and contact is not None and not contact.served else ""
        command = c.CallerGone(command.contact_id, meant)
    turn.order(command)


def _let_silent_go(turn: Turn) -> None:
    """End contacts of sources that lost events and never said what lives, if nothing was heard of them since."""
    ended = [event for event in turn.events if isinstance(event, e.SourceTrusted) and event.cause == "time"]
    for doubt in ended:
        calls = [call for call in turn.desk.calls.values() if call.source_id == doubt.source_id]
        for call in calls:
            if call.heard_us < doubt.since_us:
                turn.order(gone_untold(call))


def gone_untold(call: Call) -> c.CallerGone:
    """A caller whose hang-up nobody told."""
    return c.CallerGone(call.contact_id, UNTOLD if not call.agent else "")


_TAKERS: Final[dict[type, Callable[[Turn, Any], None]]] = {
    Start: _start,
    Report: _report,
    ResumeFlow: _resume,
    Acknowledge: _acknowledge,
    DefaultRoute: _default_route,
    Told: _told,
    Record: _record,
}
