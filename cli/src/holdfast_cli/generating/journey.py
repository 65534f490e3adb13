"""The way of one caller through the made-up centre: arrival, flow, waiting, being answered, and what comes after."""

from dataclasses import dataclass
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.call_events.v1 import after_pb2, arrival_pb2, ivr_pb2, leg_pb2, observation_pb2, queueing_pb2
from holdfast_cli.generating import plan
from holdfast_cli.generating.conversation import Conversation, Outcome
from holdfast_cli.generating.facts import OBSERVED, Facts
from holdfast_cli.generating.floor import Agent, Floor, Waiting

FLOW: Final = "main"
FLOW_VERSION: Final = "7"
_WITHHELD: Final = 50
_IDENTIFIED: Final = 620
_CONTAINED: Final = 160
_LOST_IN_FLOW: Final = 25
_VOICEMAIL_WHEN_CLOSED: Final = 300
_OFFERED_AFTER_MS: Final = 150_000
_TAKES_CALLBACK: Final = 220
_TAKES_VOICEMAIL: Final = 60
_CALLBACK_KEPT: Final = 820
_LAST_CALLBACK_MS: Final = 1_800_000
_RETURNS_AFTER_DROP: Final = 650
_URGENT: Final = 5


@dataclass(slots=True)
class Caller:
    """Who calls, and why."""

    customer: int
    queue: str
    reason: str


class Journey:
    """One contact. A caller who comes back after a drop makes another one, linked to the first."""

    def __init__(self, floor: Floor, caller: Caller, returns_to: str = "") -> None:
        """Begin; nothing happens before `arrive`."""
        self._floor = floor
        self._caller = caller
        self._returns_to = returns_to
        self._facts: Facts = floor.facts
        self._chance = floor.chance
        self._contact = floor.facts.contact()

    def arrive(self) -> None:
        """The phone system takes the call."""
        caller, now = self._caller, self._floor.agenda.now
        number = "anonymous" if self._chance.happens(_WITHHELD) else plan.number_of(caller.customer)
        arrived = arrival_pb2.ContactArrived(
            observation=OBSERVED,
            direction=observation_pb2.DIRECTION_INBOUND,
            caller=observation_pb2.CallerNumber(number=number),
            service_number=plan.SERVICE_NUMBERS[caller.queue],
            native_id=self._contact.native_id,
            language="en",
        )
        self._facts.tell(self._contact, now, contact_arrived=arrived)
        if self._returns_to:
            reason = arrival_pb2.CONTACT_LINK_REASON_RECONNECT
            linked = arrival_pb2.ContactLinked(observation=OBSERVED, to_contact_id=self._returns_to, reason=reason)
            self._facts.tell(self._contact, now + 200, contact_linked=linked)
            self._floor.agenda.at(now + 400, lambda: self._wait(caller.queue, _URGENT))
        else:
            self._floor.agenda.at(now, self._flow)

    def _flow(self) -> None:
        """The flow asks what it is about, and serves some callers by itself."""
        now, facts, contact = self._floor.agenda.now, self._facts, self._contact
        left = now + self._chance.length_ms(plan.FLOW)
        asked = now + (left - now) * 2 // 5
        entered = ivr_pb2.FlowEntered(observation=OBSERVED, flow=FLOW, version=FLOW_VERSION)
        facts.tell(contact, now, flow_entered=entered)
        welcome = ivr_pb2.NodeVisited(observation=OBSERVED, flow=FLOW, version=FLOW_VERSION, node="welcome")
        facts.tell(contact, now + 500, node_visited=welcome)
        if self._chance.happens(_LOST_IN_FLOW):
            self._leave_flow(asked, "welcome", self._caller.queue)
            self._hang_up(asked)
            return
        self._answer_menu(asked)
        if self._chance.happens(_CONTAINED):
            served = ivr_pb2.SelfServed(observation=OBSERVED, outcome=self._caller.reason)
            facts.tell(contact, left, self_served=served)
            self._leave_flow(left, "self_service", "")
            self._hang_up(left)
            return
        self._leave_flow(left, "menu", self._caller.queue)
        self._floor.agenda.at(left, self._enter_queue)

    def _answer_menu(self, asked: int) -> None:
        """Tell what the caller pressed, what it is about and, for most, who they are."""
        caller, facts, contact = self._caller, self._facts, self._contact
        menu = ivr_pb2.NodeVisited(observation=OBSERVED, flow=FLOW, version=FLOW_VERSION, node="menu")
        facts.tell(contact, asked, node_visited=menu)
        choice = str(1 + [queue for queue, _ in plan.QUEUES].index(caller.queue))
        pressed = ivr_pb2.InputCollected(observation=OBSERVED, node="menu", name="choice", value=choice, safe=True)
        facts.tell(contact, asked + 900, input_collected=pressed)
        told = arrival_pb2.ContactReasonSet(observation=OBSERVED, reason=caller.reason, told_by="flow")
        facts.tell(contact, asked + 950, contact_reason_set=told)
        if self._chance.happens(_IDENTIFIED):
            customer = plan.reference_of(caller.customer)
            known = arrival_pb2.CustomerIdentified(observation=OBSERVED, customer_ref=customer, method="typed_id")
            facts.tell(contact, asked + 1_000, customer_identified=known)

    def _leave_flow(self, at: int, node: str, queue: str) -> None:
        left = ivr_pb2.FlowExited(observation=OBSERVED, flow=FLOW, version=FLOW_VERSION, node=node, queue=queue)
        self._facts.tell(self._contact, at, flow_exited=left)

    def _enter_queue(self) -> None:
        now = self._floor.agenda.now
        if plan.OPENS <= now < plan.CLOSES:
            self._wait(self._caller.queue, 1)
            return
        visit = self._enqueue(self._caller.queue, 1)
        if self._chance.happens(_VOICEMAIL_WHEN_CLOSED):
            self._voicemail(visit, self._caller.queue)
        else:
            self._dequeue(visit, self._caller.queue, queueing_pb2.DEQUEUE_KIND_CLOSED)
            self._hang_up(now + 4_000)

    def _wait(self, queue: str, priority: int) -> None:
        """Wait for an agent, until patience ends or something else is offered and taken."""
        now = self._floor.agenda.now
        visit = self._enqueue(queue, priority)
        waiting = Waiting(self._contact, queue, visit, priority, now, lambda agent: self._answered(agent, queue, visit))
        self._floor.join(waiting)
        self._floor.agenda.at(now + self._chance.length_ms(plan.PATIENCE), lambda: self._give_up(waiting))
        if priority < _URGENT:
            self._floor.agenda.at(now + _OFFERED_AFTER_MS, lambda: self._offer(waiting))

    def _give_up(self, waiting: Waiting) -> None:
        if self._floor.leave(waiting):
            self._dequeue(waiting.visit_id, waiting.queue, queueing_pb2.DEQUEUE_KIND_ABANDONED)
            self._hang_up(self._floor.agenda.now)

    def _offer(self, waiting: Waiting) -> None:
        """Tell how long it will take, and offer a callback or the mailbox."""
        if waiting.gone or waiting.rings is not None:
            return
        now = self._floor.agenda.now
        estimate = ivr_pb2.EstimateTold(
            observation=OBSERVED, visit_id=waiting.visit_id, queue=waiting.queue, wait_ms=180_000
        )
        self._facts.tell(self._contact, now, estimate_told=estimate)
        if self._chance.happens(_TAKES_CALLBACK):
            self._floor.leave(waiting)
            self._dequeue(waiting.visit_id, waiting.queue, queueing_pb2.DEQUEUE_KIND_CALLBACK)
            self._call_back(waiting.queue)
        elif self._chance.happens(_TAKES_VOICEMAIL):
            self._floor.leave(waiting)
            self._voicemail(waiting.visit_id, waiting.queue)

    def _call_back(self, queue: str) -> None:
        """The caller hangs up and keeps their place; the centre calls within the hour or so."""
        now, contact = self._floor.agenda.now, self._contact
        callback = f"{contact.native_id}-callback"
        promised = Timestamp(seconds=self._facts.second(now + 3_600_000))
        asked = after_pb2.CallbackRequested(
            observation=OBSERVED, callback_id=callback, queue=queue, promised_time=promised
        )
        self._facts.tell(contact, now, callback_requested=asked)
        self._hang_up(now + 3_000)
        tried = now + self._chance.between(20, 70) * 60_000
        self._floor.agenda.at(tried, lambda: self._try_to_reach(callback, queue))

    def _try_to_reach(self, callback: str, queue: str) -> None:
        """Call the customer: who answers waits for an agent before all others."""
        now, facts, contact = self._floor.agenda.now, self._facts, self._contact
        attempt = after_pb2.CallbackAttempted(observation=OBSERVED, callback_id=callback, attempt=1)
        facts.tell(contact, now, callback_attempted=attempt)
        if now >= plan.CLOSES - _LAST_CALLBACK_MS or not self._chance.happens(_CALLBACK_KEPT):
            failed = after_pb2.CallbackFailed(observation=OBSERVED, callback_id=callback, cause="no_answer")
            facts.tell(contact, now + 30_000, callback_failed=failed)
            return
        contact.customer_leg, contact.customer_role = callback, leg_pb2.LEG_ROLE_CALLBACK
        answered = leg_pb2.LegAnswered(observation=OBSERVED, leg_id=callback, role=contact.customer_role)
        facts.tell(contact, now + 12_000, leg_answered=answered)
        reached = after_pb2.CallbackCompleted(observation=OBSERVED, callback_id=callback)
        facts.tell(contact, now + 12_000, callback_completed=reached)
        self._floor.agenda.at(now + 12_500, lambda: self._wait(queue, _URGENT))

    def _voicemail(self, visit: str, queue: str) -> None:
        now = self._floor.agenda.now
        self._dequeue(visit, queue, queueing_pb2.DEQUEUE_KIND_VOICEMAIL)
        length_ms = self._chance.between(4, 70) * 1_000
        left = after_pb2.VoicemailLeft(
            observation=OBSERVED, mailbox=queue, ref=f"{self._contact.native_id}-message", length_ms=length_ms
        )
        self._facts.tell(self._contact, now + length_ms, voicemail_left=left)
        self._hang_up(now + length_ms)

    def _answered(self, agent: Agent, queue: str, visit: str) -> None:
        self._dequeue(visit, queue, queueing_pb2.DEQUEUE_KIND_ANSWERED)
        outcome = Conversation(self._floor, self._contact, agent, queue, visit).hold()
        self._floor.agenda.at(outcome.agent_free_ms, lambda: self._floor.free(agent))
        self._afterwards(outcome)

    def _afterwards(self, outcome: Outcome) -> None:
        """A transferred contact waits again; a dropped caller may come back."""
        if outcome.transferred_to:
            queue = outcome.transferred_to
            self._floor.agenda.at(outcome.ended_ms, lambda: self._wait(queue, _URGENT))
        elif outcome.dropped and self._chance.happens(_RETURNS_AFTER_DROP):
            again = Journey(self._floor, self._caller, self._contact.contact_id)
            self._floor.agenda.at(outcome.ended_ms + self._chance.between(12, 110) * 1_000, again.arrive)

    def _enqueue(self, queue: str, priority: int) -> str:
        now = self._floor.agenda.now
        visit = self._facts.visit_id(self._contact, queue, now)
        begun = queueing_pb2.Enqueued(
            observation=OBSERVED,
            visit_id=visit,
            queue=queue,
            priority=priority,
            skills=[queueing_pb2.SkillRequirement(skill=queue, proficiency=1)],
        )
        self._facts.tell(self._contact, now, enqueued=begun)
        return visit

    def _dequeue(self, visit: str, queue: str, kind: queueing_pb2.DequeueKind.ValueType) -> None:
        ended = queueing_pb2.Dequeued(observation=OBSERVED, visit_id=visit, queue=queue, kind=kind)
        self._facts.tell(self._contact, self._floor.agenda.now, dequeued=ended)

    def _hang_up(self, at: int) -> None:
        """The caller's leg ends, by the caller."""
        ended = leg_pb2.LegEnded(
            observation=OBSERVED,
            leg_id=self._contact.customer_leg,
            role=self._contact.customer_role,
            end_cause=observation_pb2.EndCause(protocol="q850", code="16"),
            ended_how=observation_pb2.ENDED_HOW_RECEIVED_BYE,
            release_side=observation_pb2.RELEASE_SIDE_CALLER,
        )
        self._facts.tell(self._contact, at, leg_ended=ended)
