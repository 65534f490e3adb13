"""What a faithful phone system would tell of a simulated centre: from routing's decisions to facts of call-events.

Everything is told at the instant of its decision, once, in order; so that metrics must count what the simulator counts.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp

from contact_life import identity
from holdfast.call_events.v1 import after_pb2, agent_pb2, arrival_pb2, ivr_pb2, leg_pb2, queueing_pb2, talk_pb2
from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactEvent, ContactName
from holdfast.call_events.v1.observation_pb2 import (
    DIRECTION_INBOUND,
    ENDED_HOW_RECEIVED_BYE,
    RELEASE_SIDE_CALLER,
    EndCause,
    Observation,
)
from holdfast_cli.importing.event_ids import EventIds
from ivr_routing.core import events as e
from ivr_routing.core.words import AgentState
from ivr_routing.simulation.run import SOURCE
from ivr_routing.simulation.walking import CONTAINED, QUEUED, RETURNED, VOICEMAIL

Fact: TypeAlias = ContactEvent | AgentEvent
_OBSERVED: Final = Observation()


@dataclass(slots=True)
class _Contact:
    contact_id: str
    native_id: str
    visit_id: str = ""
    queue: str = ""
    assignment_id: str = ""
    agent_leg: str = ""
    agent: str = ""
    told: int = 0


class PhoneSystem:
    """Turns decisions into facts; keeps only what is under way."""

    def __init__(self) -> None:
        self._contacts: dict[str, _Contact] = {}
        self._wrapping: dict[str, _Contact] = {}
        self._of_agents = 0
        self._now_us = 0

    def facts(self, now_us: int, events: Iterable[e.Event]) -> Iterator[Fact]:
        """Give what is told of decisions made at an instant."""
        self._now_us = now_us
        for event in events:
            tell = _TOLD.get(type(event))
            if tell is not None:
                yield from tell(self, event)

    # ---- contacts

    def arrived(self, event: e.ContactAdmitted) -> Iterator[Fact]:
        contact = self._contacts[event.contact_id] = _Contact(event.contact_id, event.leg_id)
        arrived = arrival_pb2.ContactArrived(observation=_OBSERVED, direction=DIRECTION_INBOUND, native_id=event.leg_id)
        yield self._tell(contact, contact_arrived=arrived)

    def flow_started(self, event: e.FlowStarted) -> Iterator[Fact]:
        if event.cause != RETURNED:
            entered = ivr_pb2.FlowEntered(observation=_OBSERVED, flow=event.flow, version=event.version)
            yield self._tell(self._contacts[event.contact_id], flow_entered=entered)

    def flow_step(self, event: e.FlowStepTaken) -> Iterator[Fact]:
        for node in event.nodes:
            visited = ivr_pb2.NodeVisited(observation=_OBSERVED, flow=event.flow, version=event.version, node=node)
            yield self._tell(self._contacts[event.contact_id], node_visited=visited)

    def flow_finished(self, event: e.FlowFinished) -> Iterator[Fact]:
        contact = self._contacts[event.contact_id]
        if event.outcome == CONTAINED:
            yield self._tell(contact, self_served=ivr_pb2.SelfServed(observation=_OBSERVED, outcome=event.node))
        exited = ivr_pb2.FlowExited(
            observation=_OBSERVED,
            flow=event.flow,
            version=event.version,
            node=event.node,
            queue=event.target if event.outcome == QUEUED else "",
        )
        yield self._tell(contact, flow_exited=exited)
        if event.outcome == VOICEMAIL:
            message = f"{contact.native_id}-message"
            left = after_pb2.VoicemailLeft(observation=_OBSERVED, mailbox=event.target, ref=message)
            yield self._tell(contact, voicemail_left=left)

    def enqueued(self, event: e.QueueVisitOpened) -> Iterator[Fact]:
        contact = self._contacts[event.contact_id]
        contact.visit_id, contact.queue = event.visit_id, event.queue
        skills = [queueing_pb2.SkillRequirement(skill=own.skill, proficiency=own.proficiency) for own in event.skills]
        enqueued = queueing_pb2.Enqueued(
            observation=_OBSERVED, visit_id=event.visit_id, queue=event.queue, priority=event.priority, skills=skills
        )
        yield self._tell(contact, enqueued=enqueued)

    def step(self, event: e.QueueVisitStepAdvanced) -> Iterator[Fact]:
        contact = self._contacts[event.contact_id]
        step = queueing_pb2.StepAdvanced(
            observation=_OBSERVED, visit_id=event.visit_id, queue=contact.queue, step=event.step
        )
        yield self._tell(contact, step_advanced=step)

    def estimate(self, event: e.EstimateMade) -> Iterator[Fact]:
        told = ivr_pb2.EstimateTold(
            observation=_OBSERVED,
            visit_id=event.visit_id,
            queue=event.queue,
            wait_ms=event.wait_ms,
            queue_position=event.queue_position,
        )
        yield self._tell(self._contacts[event.contact_id], estimate_told=told)

    def bridged(self, event: e.ReservationBridged) -> Iterator[Fact]:
        contact = self._contacts[event.contact_id]
        contact.agent, contact.agent_leg = event.agent, f"{contact.native_id}-{event.agent}"
        contact.assignment_id = identity.assignment_id(event.contact_id, event.agent, self._now_us)
        common = {
            "observation": _OBSERVED,
            "agent": event.agent,
            "assignment_id": contact.assignment_id,
            "visit_id": contact.visit_id,
            "reservation_id": event.reservation_id,
        }
        answered: Any = leg_pb2.LegAnswered(leg_id=contact.agent_leg, role=leg_pb2.LEG_ROLE_AGENT, **common)  # type: ignore[arg-type]  # by name
        yield self._tell(contact, leg_answered=answered)
        legs = {"leg_id": contact.native_id, "peer_leg_id": contact.agent_leg, "queue": contact.queue}
        yield self._tell(contact, bridged=talk_pb2.Bridged(**legs, **common))  # type: ignore[arg-type]  # by name
        yield self._dequeued(contact, queueing_pb2.DEQUEUE_KIND_ANSWERED)

    def closed(self, event: e.QueueVisitClosed) -> Iterator[Fact]:
        kind = queueing_pb2.DequeueKind.ValueType(event.kind)
        yield self._dequeued(self._contacts[event.contact_id], kind, event.to_queue)

    def _dequeued(self, contact: _Contact, kind: queueing_pb2.DequeueKind.ValueType, target: str = "") -> Fact:
        dequeued = queueing_pb2.Dequeued(
            observation=_OBSERVED, visit_id=contact.visit_id, queue=contact.queue, kind=kind, target=target
        )
        return self._tell(contact, dequeued=dequeued)

    def finished(self, event: e.ContactFinished) -> Iterator[Fact]:
        contact = self._contacts.pop(event.contact_id)
        yield self._tell(contact, leg_ended=self._leg_end(contact.native_id, leg_pb2.LEG_ROLE_CALLER))
        if contact.agent:
            end = self._leg_end(contact.agent_leg, leg_pb2.LEG_ROLE_AGENT)
            end.agent, end.assignment_id = contact.agent, contact.assignment_id
            yield self._tell(contact, leg_ended=end)
            self._wrapping[contact.agent] = contact

    def _leg_end(self, leg: str, role: leg_pb2.LegRole.ValueType) -> leg_pb2.LegEnded:
        return leg_pb2.LegEnded(
            observation=_OBSERVED,
            leg_id=leg,
            role=role,
            end_cause=EndCause(protocol="q850", code="16"),
            ended_how=ENDED_HOW_RECEIVED_BYE,
            release_side=RELEASE_SIDE_CALLER,
        )

    # ---- agents

    def signed_in(self, event: e.AgentSignedIn) -> Iterator[Fact]:
        endpoint = event.endpoints[0] if event.endpoints else ""
        signed_in = agent_pb2.AgentLoggedIn(observation=_OBSERVED, agent=event.agent, endpoint=endpoint)
        yield self._tell_agent(event.agent, agent_logged_in=signed_in)

    def signed_out(self, event: e.AgentSignedOut) -> Iterator[Fact]:
        signed_out = agent_pb2.AgentLoggedOut(observation=_OBSERVED, agent=event.agent, cause=event.cause)
        yield self._tell_agent(event.agent, agent_logged_out=signed_out)

    def spell(self, event: e.AgentSpellBegan) -> Iterator[Fact]:
        yield from self._wrap_up(event)
        changed = agent_pb2.AgentStateChanged(
            observation=_OBSERVED,
            agent=event.agent,
            spell_id=event.spell_id,
            state=int(event.state),  # type: ignore[arg-type]  # the same numbers
            reason=event.reason,
            previous_state=int(event.previous_state),  # type: ignore[arg-type]  # the same numbers
            previous_since=_timestamp(event.previous_since_us) if event.previous_since_us else None,
            contact_id=event.contact_id,
        )
        yield self._tell_agent(event.agent, agent_state_changed=changed)

    def _wrap_up(self, event: e.AgentSpellBegan) -> Iterator[Fact]:
        contact = self._wrapping.get(event.agent)
        if contact is None:
            return
        if event.state is AgentState.WRAP_UP:
            begun = after_pb2.WrapUpStarted(observation=_OBSERVED, assignment_id=contact.assignment_id)
            yield self._tell(contact, wrap_up_started=begun)
            return
        del self._wrapping[event.agent]
        if event.previous_state is AgentState.WRAP_UP:
            ended = after_pb2.WrapUpEnded(observation=_OBSERVED, assignment_id=contact.assignment_id)
            yield self._tell(contact, wrap_up_ended=ended)

    # ---- envelopes

    def _tell(self, contact: _Contact, **body: Any) -> ContactEvent:
        (kind,) = body
        contact.told += 1
        return ContactEvent(
            event_id=EventIds(SOURCE, contact.native_id).of(kind, str(contact.told)),
            contact=ContactName(contact_id=contact.contact_id),
            event_time=_timestamp(self._now_us),
            source_id=SOURCE,
            **body,
        )

    def _tell_agent(self, agent: str, **body: Any) -> AgentEvent:
        (kind,) = body
        self._of_agents += 1
        return AgentEvent(
            event_id=EventIds(SOURCE, f"{self._now_us}/{agent}").of(kind, str(self._of_agents)),
            event_time=_timestamp(self._now_us),
            source_id=SOURCE,
            **body,
        )


def _timestamp(time_us: int) -> Timestamp:
    seconds, micros = divmod(time_us, 1_000_000)
    return Timestamp(seconds=seconds, nanos=micros * 1_000)


_TOLD: Final[dict[type, Callable[[PhoneSystem, Any], Iterator[Fact]]]] = {
    e.ContactAdmitted: PhoneSystem.arrived,
    e.FlowStarted: PhoneSystem.flow_started,
    e.FlowStepTaken: PhoneSystem.flow_step,
    e.FlowFinished: PhoneSystem.flow_finished,
    e.QueueVisitOpened: PhoneSystem.enqueued,
    e.QueueVisitStepAdvanced: PhoneSystem.step,
    e.EstimateMade: PhoneSystem.estimate,
    e.ReservationBridged: PhoneSystem.bridged,
    e.QueueVisitClosed: PhoneSystem.closed,
    e.ContactFinished: PhoneSystem.finished,
    e.AgentSignedIn: PhoneSystem.signed_in,
    e.AgentSignedOut: PhoneSystem.signed_out,
    e.AgentSpellBegan: PhoneSystem.spell,
}
