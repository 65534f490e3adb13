"""A call of a queue_log as the events of a contact and of the agents it rang. Pure.

Instants: a wait begins at the stamp of ENTERQUEUE and lasts as long as CONNECT, ABANDON or EXIT* say; a talk begins
where the wait ends and lasts as long as COMPLETE* or a transfer says. Asterisk's own reports are made of these told
lengths; stamps, read a moment later and cut to seconds, differ by one now and then. What was moved keeps its stamp
among `extra`. Where no length is told, the stamps count.

A call that began in an earlier file is told without ids of its visit and its agent's spell: what an end tells of their
beginning may miss by a second what that file told with ids, and without any it belongs to what was told there.

A caller's number is part of no id: ids are hashes that anybody can repeat, and numbers are few.
"""

from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from contact_life import identity
from holdfast.call_events.v1 import queueing_pb2, talk_pb2
from holdfast.call_events.v1.after_pb2 import WrapUpEnded, WrapUpStarted
from holdfast.call_events.v1.agent_pb2 import (
    RING_OUTCOME_ANSWERED,
    RING_OUTCOME_CALLER_GONE,
    RING_OUTCOME_NO_ANSWER,
    RING_OUTCOME_REJECTED,
    AgentRingEnded,
    RingOutcome,
)
from holdfast.call_events.v1.arrival_pb2 import ContactArrived
from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactEvent, ContactName
from holdfast.call_events.v1.leg_pb2 import LEG_ROLE_AGENT, AgentSnapshot, LegAnswered, LegEnded
from holdfast.call_events.v1.observation_pb2 import (
    DIRECTION_INBOUND,
    RELEASE_SIDE_AGENT,
    RELEASE_SIDE_CALLER,
    CallerNumber,
    Observation,
)
from holdfast.call_events.v1.queueing_pb2 import Dequeued, DequeueKind, Enqueued
from holdfast.call_events.v1.talk_pb2 import Bridged, TransferCompleted, TransferKind, TransferStarted, TransferTarget
from holdfast_cli.importing.event_ids import EventIds
from holdfast_cli.importing.queue_log_call import AGREE_US, Call, Talk, Visit
from holdfast_cli.importing.queue_log_line import SECOND_US, TRANSFERS, QueueLogLine

DEQUEUE_KINDS: Final[dict[str, DequeueKind.ValueType]] = {
    "ABANDON": queueing_pb2.DEQUEUE_KIND_ABANDONED,
    "EXITEMPTY": queueing_pb2.DEQUEUE_KIND_CLOSED,
    "LEAVEEMPTY": queueing_pb2.DEQUEUE_KIND_CLOSED,
    "EXITWITHKEY": queueing_pb2.DEQUEUE_KIND_KEY_PRESSED,
    "EXITWITHTIMEOUT": queueing_pb2.DEQUEUE_KIND_TIMEOUT,
    "JOINEMPTY": queueing_pb2.DEQUEUE_KIND_CLOSED,
    "CLOSED": queueing_pb2.DEQUEUE_KIND_CLOSED,
    "FULL": queueing_pb2.DEQUEUE_KIND_FULL,
    "DIVERT_CA_RATIO": queueing_pb2.DEQUEUE_KIND_OVERFLOW,
    "DIVERT_HOLDTIME": queueing_pb2.DEQUEUE_KIND_OVERFLOW,
}
"""How a visit ended, by the verb that ends it. Nobody signed in is *closed*; a visit that others end is *answered*."""

TRANSFER_KINDS: Final[dict[str, TransferKind.ValueType]] = {
    "TRANSFER": talk_pb2.TRANSFER_KIND_COLD,
    "BLINDTRANSFER": talk_pb2.TRANSFER_KIND_COLD,
    "ATTENDEDTRANSFER": talk_pb2.TRANSFER_KIND_WARM,
}
RING_OUTCOMES: Final[dict[str, RingOutcome.ValueType]] = {
    "RINGNOANSWER": RING_OUTCOME_NO_ANSWER,
    "RINGCANCELED": RING_OUTCOME_CALLER_GONE,
    "AGENTDUMP": RING_OUTCOME_REJECTED,
    "CONNECT": RING_OUTCOME_ANSWERED,
}
_CALLER_HUNG_UP: Final = "COMPLETECALLER"
_LENGTHS_OF_ATTENDED: Final = -3


def is_endpoint(agent: str) -> bool:
    """Whether a member is told as an interface (SIP/2001) and not by a name of its own."""
    return "/" in agent


class CallEvents:
    """Makes the events of one call."""

    def __init__(self, tenant: str, source_id: str, call: Call) -> None:
        """Begin; `contact_events` and `agent_events` are filled by `make`."""
        self.contact_events: list[ContactEvent] = []
        self.agent_events: list[AgentEvent] = []
        self._source_id = source_id
        self._call = call
        self._contact = identity.contact_id(tenant, source_id, call.native_id)
        self._name = ContactName(contact_id=self._contact)
        self._ids = EventIds(source_id, call.native_id)
        self._visit_ids: dict[int, str] = {}
        self._rung: dict[str, int] = {}

    def make(self) -> None:
        """Make the events."""
        if self._call.numbers or any(visit.arrived_here for visit in self._call.visits):
            self._arrival()
        for visit in self._call.visits:
            self._visit(visit)
        for wrap_up in self._call.wrap_ups:
            self._wrap_up(wrap_up)
        for ring in self._call.rings:
            self._ring(ring, ring.time_us, self._call.visit_at(ring.queue, ring.time_us))

    def _arrival(self) -> None:
        call = self._call
        enter = next((visit.enter for visit in call.visits if visit.enter and visit.enter.datum(1)), None)
        line = enter or next((visit.enter or visit.exit for visit in call.visits), None) or call.numbers[0]
        service_number = next((line.datum(0) for line in call.numbers), "")
        arrived = ContactArrived(
            observation=self._observed(line, call.first_us),
            direction=DIRECTION_INBOUND,
            caller=CallerNumber(number=enter.datum(1)) if enter else None,
            service_number=service_number,
            native_id=call.native_id,
        )
        revision = service_number if line.verb == "ENTERQUEUE" else f"{service_number}/{line.verb}"
        self._add("ContactArrived", call.first_us, revision, contact_arrived=arrived)

    def _visit(self, visit: Visit) -> None:
        line = visit.enter or visit.exit
        assert line is not None  # a visit is made of one of the two
        visit_id = self._visit_id(visit)
        if visit.entered_us is not None:
            begun = Enqueued(observation=self._observed(line, visit.entered_us), visit_id=visit_id, queue=visit.queue)
            self._add("Enqueued", visit.entered_us, visit_id or line.verb, enqueued=begun)
        if visit.left_us is None or visit.exit is None:
            return
        kind = DEQUEUE_KINDS.get(visit.exit.verb, queueing_pb2.DEQUEUE_KIND_ANSWERED)
        observed = self._observed(visit.exit, visit.left_us)
        ended = Dequeued(observation=observed, visit_id=visit_id, queue=visit.queue, kind=kind)
        self._add("Dequeued", visit.left_us, f"{visit_id or visit.exit.verb}/{kind}", dequeued=ended)
        if visit.talk is not None:
            self._talk(visit, visit.talk, visit.left_us, visit_id)

    def _talk(self, visit: Visit, talk: Talk, answered_us: int, visit_id: str) -> None:
        line = talk.line
        spell = self._spell_id(visit, line.agent, answered_us)
        leg_id = (talk.connect.datum(1) if talk.connect else "") or spell
        observed = self._observed(line, answered_us)
        snapshot = AgentSnapshot(endpoint=line.agent) if is_endpoint(line.agent) else None
        if leg_id:
            answered = LegAnswered(
                observation=observed,
                leg_id=leg_id,
                role=LEG_ROLE_AGENT,
                agent=line.agent,
                assignment_id=spell,
                visit_id=visit_id,
                agent_snapshot=snapshot,
            )
            self._add("LegAnswered", answered_us, f"{spell or line.verb}/{leg_id}", leg_answered=answered)
        bridged = Bridged(
            observation=observed,
            leg_id=self._call.native_id,
            peer_leg_id=leg_id,
            agent=line.agent,
            assignment_id=spell,
            visit_id=visit_id,
            queue=visit.queue,
            agent_snapshot=snapshot,
        )
        self._add("Bridged", answered_us, f"{spell or line.verb}/{leg_id}", bridged=bridged)
        if talk.connect is not None:
            self._ring(talk.connect, answered_us, visit)
        if talk.end is not None and visit.ended_us is not None:
            self._talk_end(talk.end, visit.ended_us, spell, leg_id)

    def _talk_end(self, end: QueueLogLine, ended_us: int, spell: str, leg_id: str) -> None:
        if end.verb in TRANSFERS:
            self._transfer(end, ended_us, spell)
        ended = LegEnded(
            observation=self._observed(end, ended_us),
            leg_id=leg_id,
            role=LEG_ROLE_AGENT,
            agent=end.agent,
            assignment_id=spell,
            release_side=RELEASE_SIDE_CALLER if end.verb == _CALLER_HUNG_UP else RELEASE_SIDE_AGENT,
        )
        self._add("LegEnded", ended_us, f"{spell}/{end.verb}", leg_ended=ended)

    def _transfer(self, end: QueueLogLine, at_us: int, spell: str) -> None:
        """Tell a transfer as begun and completed at once: the log knows only that it was done."""
        kind = TRANSFER_KINDS[end.verb]
        observed = self._observed(end, at_us)
        transfer = identity.transfer_id(self._contact, end.agent, at_us)
        target = _target(end)
        started = TransferStarted(
            observation=observed,
            transfer_id=transfer,
            kind=kind,
            assignment_id=spell,
            agent=end.agent,
            target=target,
        )
        self._add("TransferStarted", at_us, f"{transfer}/{kind}", transfer_started=started)
        completed = TransferCompleted(
            observation=observed, transfer_id=transfer, kind=kind, agent=end.agent, target=target
        )
        self._add("TransferCompleted", at_us, f"{transfer}/{kind}", transfer_completed=completed)

    def _wrap_up(self, line: QueueLogLine) -> None:
        """Tell a wrap-up of the agent's last talk before, be it of an earlier file; it lasts as long as told."""
        begun_us, spell = line.time_us, ""
        for visit in self._call.visits:
            ended_us = visit.ended_us if visit.talk and visit.talk.line.agent == line.agent else None
            if ended_us is not None and visit.left_us is not None and ended_us <= line.time_us + AGREE_US:
                begun_us = ended_us if abs(ended_us - line.time_us) <= AGREE_US else line.time_us
                spell = self._spell_id(visit, line.agent, visit.left_us)
        begun = WrapUpStarted(observation=self._observed(line, begun_us), assignment_id=spell, agent=line.agent)
        self._add("WrapUpStarted", begun_us, spell, wrap_up_started=begun)
        if line.wrap_up_us is not None:
            over_us = begun_us + line.wrap_up_us
            observed = self._observed(line, over_us)
            over = WrapUpEnded(observation=observed, assignment_id=spell, agent=line.agent, cause="timer")
            self._add("WrapUpEnded", over_us, spell, wrap_up_ended=over)

    def _ring(self, line: QueueLogLine, ended_us: int, visit: Visit | None) -> None:
        """Tell how the ringing of an agent ended; rings alike to the second are told apart by counting them."""
        if not line.agent:
            return
        told = f"{ended_us}/{line.queue}/{line.agent}/{line.verb}/{line.ring_ms}"
        self._rung[told] = self._rung.get(told, 0) + 1
        event_id = self._ids.of("AgentRingEnded", f"{told}/{self._rung[told]}")
        ended = AgentRingEnded(
            observation=self._observed(line, ended_us),
            agent=line.agent,
            ring_id=event_id,
            outcome=RING_OUTCOMES[line.verb],
            ring_ms=line.ring_ms,
            contact_id=self._contact,
            visit_id=self._visit_id(visit) if visit else "",
            queue=line.queue,
            endpoint=line.agent if is_endpoint(line.agent) else "",
        )
        event_time = _timestamp(ended_us)
        source = self._source_id
        self.agent_events.append(
            AgentEvent(event_id=event_id, event_time=event_time, source_id=source, agent_ring_ended=ended)
        )

    def _spell_id(self, visit: Visit, agent: str, answered_us: int) -> str:
        """Return the id of the agent's spell that answered a visit; empty if it may be known by another."""
        return "" if visit.began_elsewhere else identity.assignment_id(self._contact, agent, answered_us)

    def _visit_id(self, visit: Visit) -> str:
        """Return the visit's id, empty if it may be known by another; entered twice at one instant, it is two."""
        if visit.began_elsewhere:
            return ""
        if id(visit) not in self._visit_ids:
            start_us = visit.entered_us if visit.entered_us is not None else visit.left_us or 0
            made = identity.queue_visit_id(self._contact, visit.queue, start_us)
            while made in self._visit_ids.values():
                start_us += 1
                made = identity.queue_visit_id(self._contact, visit.queue, start_us)
            self._visit_ids[id(visit)] = made
        return self._visit_ids[id(visit)]

    def _observed(self, line: QueueLogLine, at_us: int) -> Observation:
        extra = {} if line.time_us == at_us else {"stamp_us": str(line.time_us)}
        return Observation(time_precision=line.precision, native_type=line.verb, extra=extra)

    def _add(self, kind: str, at_us: int, revision: str, **body: object) -> None:
        """Add an event; `body` is the one field that holds what happened."""
        event = ContactEvent(
            event_id=self._ids.of(kind, f"{at_us}/{revision}"),
            contact=self._name,
            event_time=_timestamp(at_us),
            source_id=self._source_id,
            **body,  # type: ignore[arg-type] # the name of the field is the caller's
        )
        self.contact_events.append(event)


def _timestamp(time_us: int) -> Timestamp:
    seconds, micros = divmod(time_us, SECOND_US)
    return Timestamp(seconds=seconds, nanos=micros * 1000)


def _target(end: QueueLogLine) -> TransferTarget:
    """Return where a transfer went: exten@context, or what an attended one tells of its method."""
    if end.verb == "ATTENDEDTRANSFER":
        return TransferTarget(endpoint=":".join(end.data[:_LENGTHS_OF_ATTENDED]))
    return TransferTarget(endpoint="@".join(text for text in end.data[:2] if text))
