"""A talk between a caller and an agent of the made-up centre, from the answer to the end of wrap-up.

Nothing outside changes a talk once it has begun, so all of it is told in one go, with its times.
"""

from dataclasses import dataclass
from typing import Final

from holdfast.call_events.v1 import after_pb2, help_pb2, leg_pb2, observation_pb2, source_pb2, talk_pb2
from holdfast_cli.generating import plan
from holdfast_cli.generating.desk import Desk
from holdfast_cli.generating.facts import OBSERVED, Contact
from holdfast_cli.generating.floor import Agent, Floor

_HOLDS: Final = 210
_CONSULTS: Final = 50
_TRANSFERS: Final = 75
_DROPS: Final = 22
_ASSISTS: Final = 35
_INTERVENES: Final = 12
_FAULTS: Final = 8
_ANSWERS: Final = 250
_HUNG_UP_BY_AGENT: Final = 240
_WARM: Final = 450
_REASONS: Final = (
    (talk_pb2.TRANSFER_REASON_MISROUTE, 40),
    (talk_pb2.TRANSFER_REASON_HAND_OFF, 30),
    (talk_pb2.TRANSFER_REASON_ESCALATION, 18),
    (talk_pb2.TRANSFER_REASON_AUTHORITY_LIMIT, 12),
)
_MODES: Final = (
    (help_pb2.INTERVENTION_MODE_MONITOR, 40),
    (help_pb2.INTERVENTION_MODE_WHISPER, 30),
    (help_pb2.INTERVENTION_MODE_MESSAGE, 15),
    (help_pb2.INTERVENTION_MODE_BARGE, 10),
    (help_pb2.INTERVENTION_MODE_FORCED_END, 5),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a talk ended; times in milliseconds. `transferred_to` is a queue, or empty."""

    ended_ms: int
    agent_free_ms: int
    transferred_to: str = ""
    dropped: bool = False


class Conversation:
    """One agent's spell on a contact."""

    def __init__(self, floor: Floor, contact: Contact, agent: Agent, queue: str, visit: str) -> None:
        """Begin at this moment."""
        self._floor = floor
        self._facts = floor.facts
        self._chance = floor.chance
        self._contact = contact
        self._agent = agent
        self._queue = queue
        self._visit = visit
        self._start = floor.agenda.now
        self._spell = floor.facts.assignment_id(contact, agent.name, self._start)
        self._leg = f"{contact.native_id}-{agent.name}-{self._start}"

    def hold(self) -> Outcome:
        """Tell the whole talk and return how it ended."""
        talk_ms = self._chance.length_ms(plan.TALK)
        end = self._start + talk_ms
        self._begin()
        if self._chance.happens(_HOLDS):
            end += self._put_on_hold(self._start + talk_ms // 3)
        self._help(self._start + talk_ms // 2)
        if self._chance.happens(_DROPS):
            return self._drop(self._start + talk_ms // 2)
        if self._chance.happens(_TRANSFERS):
            return self._transfer(end)
        self._end(end)
        self._desk().after_talk(end)
        return Outcome(end, self._wrap_up(end))

    def _desk(self) -> Desk:
        return Desk(self._facts, self._chance, self._contact, self._spell)

    def _begin(self) -> None:
        agent, start = self._agent, self._start
        snapshot = leg_pb2.AgentSnapshot(
            team=agent.team, site="north", supervisor=agent.supervisor, endpoint=agent.endpoint
        )
        answered = leg_pb2.LegAnswered(
            observation=OBSERVED,
            leg_id=self._leg,
            role=leg_pb2.LEG_ROLE_AGENT,
            agent=agent.name,
            assignment_id=self._spell,
            visit_id=self._visit,
            agent_snapshot=snapshot,
        )
        self._facts.tell(self._contact, start, leg_answered=answered)
        bridged = talk_pb2.Bridged(
            observation=OBSERVED,
            leg_id=self._contact.customer_leg,
            peer_leg_id=self._leg,
            agent=agent.name,
            assignment_id=self._spell,
            visit_id=self._visit,
            queue=self._queue,
            agent_snapshot=snapshot,
        )
        self._facts.tell(self._contact, start + 120, bridged=bridged)

    def _put_on_hold(self, at: int) -> int:
        """Hold the caller, some to ask somebody meanwhile; return how much longer the talk takes."""
        length = self._chance.length_ms(plan.HOLD)
        caller = self._contact.customer_leg
        held = leg_pb2.LegHeld(observation=OBSERVED, leg_id=caller, assignment_id=self._spell)
        self._facts.tell(self._contact, at, leg_held=held)
        if self._chance.happens(_CONSULTS * 1000 // _HOLDS):
            self._consult(at + 500, at + length - 500, self._agent.supervisor)
        resumed = leg_pb2.LegResumed(observation=OBSERVED, leg_id=caller, assignment_id=self._spell)
        self._facts.tell(self._contact, at + length, leg_resumed=resumed)
        return length

    def _consult(self, start: int, end: int, target: str) -> None:
        leg = f"{self._leg}-consult"
        asked = talk_pb2.ConsultStarted(observation=OBSERVED, assignment_id=self._spell, leg_id=leg, target=target)
        self._facts.tell(self._contact, start, consult_started=asked)
        done = talk_pb2.ConsultEnded(observation=OBSERVED, assignment_id=self._spell, leg_id=leg)
        self._facts.tell(self._contact, end, consult_ended=done)

    def _help(self, at: int) -> None:
        """Tell what stands beside the talk: help asked for and given, faults, answers."""
        contact, spell, agent = self._contact, self._spell, self._agent
        if self._chance.happens(_ASSISTS):
            asked = help_pb2.AssistRequested(
                observation=OBSERVED, assignment_id=spell, agent=agent.name, reason="unsure"
            )
            self._facts.tell(contact, at, assist_requested=asked)
        if self._chance.happens(_INTERVENES):
            helped = help_pb2.SupervisorIntervened(
                observation=OBSERVED,
                assignment_id=spell,
                mode=self._chance.weighted(_MODES),
                told_by="phone_system",
                supervisor=agent.supervisor,
            )
            self._facts.tell(contact, at + 2_000, supervisor_intervened=helped)
        if self._chance.happens(_FAULTS):
            fault = help_pb2.SystemFaultReported(
                observation=OBSERVED, system="crm", text="customer record did not open", assignment_id=spell
            )
            self._facts.tell(contact, at + 3_000, system_fault_reported=fault)
        if self._chance.happens(_ANSWERS):
            article = f"article-{self._chance.between(1, 40)}@{self._chance.between(1, 3)}"
            answer = after_pb2.AnswerGiven(observation=OBSERVED, assignment_id=spell, article_version=article)
            self._facts.tell(contact, at + 4_000, answer_given=answer)

    def _drop(self, at: int) -> Outcome:
        """The caller's network fails: nothing is heard, and some seconds later the line is gone."""
        caller = self._contact.customer_leg
        lost = leg_pb2.LegMediaLost(observation=OBSERVED, leg_id=caller)
        self._facts.tell(self._contact, at, leg_media_lost=lost)
        gone = at + 8_000
        self._leg_ended(
            caller,
            self._contact.customer_role,
            gone,
            observation_pb2.EndCause(protocol="q850", code="41"),
            observation_pb2.ENDED_HOW_MEDIA_TIMEOUT,
            observation_pb2.RELEASE_SIDE_NETWORK,
        )
        self._agent_leg_ended(gone + 1_500, observation_pb2.RELEASE_SIDE_PLATFORM)
        return Outcome(gone + 1_500, self._wrap_up(gone + 1_500), dropped=True)

    def _transfer(self, end: int) -> Outcome:
        """Hand the contact to another queue, after a word with somebody there or at once."""
        target = self._chance.one_of([queue for queue, _ in plan.QUEUES if queue != self._queue])
        kind = talk_pb2.TRANSFER_KIND_COLD
        if self._chance.happens(_WARM):
            kind = talk_pb2.TRANSFER_KIND_WARM
            length = self._chance.length_ms(plan.HOLD)
            self._consult(end, end + length, target)
            end += length
        transfer = self._facts.transfer_id(self._contact, self._agent.name, end)
        to = talk_pb2.TransferTarget(queue=target, department=target)
        started = talk_pb2.TransferStarted(
            observation=OBSERVED,
            transfer_id=transfer,
            kind=kind,
            reason=self._chance.weighted(_REASONS),
            assignment_id=self._spell,
            agent=self._agent.name,
            target=to,
            context=talk_pb2.TransferContext(notes="asked for " + target, attributes={"from": self._queue}),
        )
        self._facts.tell(self._contact, end, transfer_started=started)
        completed = talk_pb2.TransferCompleted(observation=OBSERVED, transfer_id=transfer)
        self._facts.tell(self._contact, end + 300, transfer_completed=completed)
        self._agent_leg_ended(end + 300, observation_pb2.RELEASE_SIDE_AGENT)
        return Outcome(end + 300, self._wrap_up(end + 300), transferred_to=target)

    def _end(self, at: int) -> None:
        """Somebody hangs up, and the other leg ends a moment later."""
        by_agent = self._chance.happens(_HUNG_UP_BY_AGENT)
        side = observation_pb2.RELEASE_SIDE_AGENT if by_agent else observation_pb2.RELEASE_SIDE_CALLER
        how = observation_pb2.ENDED_HOW_SENT_BYE if by_agent else observation_pb2.ENDED_HOW_RECEIVED_BYE
        cause = observation_pb2.EndCause(protocol="q850", code="16")
        self._leg_ended(self._contact.customer_leg, self._contact.customer_role, at + 60 * by_agent, cause, how, side)
        self._agent_leg_ended(at + 60 * (not by_agent), side)

    def _agent_leg_ended(self, at: int, side: observation_pb2.ReleaseSide.ValueType) -> None:
        cause = observation_pb2.EndCause(protocol="q850", code="16")
        how = observation_pb2.ENDED_HOW_RECEIVED_BYE
        if side != observation_pb2.RELEASE_SIDE_AGENT:
            how = observation_pb2.ENDED_HOW_SENT_BYE
        self._leg_ended(self._leg, leg_pb2.LEG_ROLE_AGENT, at, cause, how, side)

    def _leg_ended(
        self,
        leg: str,
        role: leg_pb2.LegRole.ValueType,
        at: int,
        cause: observation_pb2.EndCause,
        how: observation_pb2.EndedHow.ValueType,
        side: observation_pb2.ReleaseSide.ValueType,
    ) -> None:
        agents = role == leg_pb2.LEG_ROLE_AGENT
        ended = leg_pb2.LegEnded(
            observation=OBSERVED,
            leg_id=leg,
            role=role,
            agent=self._agent.name if agents else "",
            assignment_id=self._spell if agents else "",
            end_cause=cause,
            ended_how=how,
            release_side=side,
        )
        self._facts.tell(self._contact, at, leg_ended=ended)

    def _wrap_up(self, at: int) -> int:
        """Tell the agent's work after the talk, and return when it is over."""
        over = at + self._chance.length_ms(plan.WRAP_UP)
        self._floor.agenda.at(at, lambda: self._floor.set_state(self._agent, source_pb2.AGENT_STATE_WRAP_UP))
        begun = after_pb2.WrapUpStarted(observation=OBSERVED, assignment_id=self._spell, agent=self._agent.name)
        self._facts.tell(self._contact, at, wrap_up_started=begun)
        ended = after_pb2.WrapUpEnded(
            observation=OBSERVED, assignment_id=self._spell, agent=self._agent.name, cause="agent"
        )
        self._facts.tell(self._contact, over, wrap_up_ended=ended)
        return over
