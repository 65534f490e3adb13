"""Decisions about contacts: admission, flow, queues, callbacks, their end."""

from bisect import bisect_left
from typing import Final

from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.contact import Contact, FlowWalk, Visit
from ivr_routing.core.decision import Decision
from ivr_routing.core.endings import end_callback, finish, let_go, rescind, withdraw
from ivr_routing.core.errors import ContactOver, NotInFlow, NotWaiting, UnknownQueue
from ivr_routing.core.pool import place_of
from ivr_routing.core.visits import Entry, enter
from ivr_routing.core.words import DequeueKind, RescindCause

HANGS_UP_US: Final = 5_000_000
"""Time in which a caller who takes a callback hangs up: nobody is called who is still there."""


def admit(decision: Decision, command: c.AdmitContact) -> None:
    if command.contact_id in decision.core.contacts:
        return
    if decision.remembers(command.contact_id):
        raise ContactOver("The contact is over.")
    decision.emit(
        e.ContactAdmitted(
            command.contact_id,
            command.source_id,
            command.node,
            command.leg_id,
            command.service_number,
            command.caller_ref,
            command.customer_ref,
            command.identified_by,
            command.language,
            command.attributes,
            command.resumes_contact_id,
        )
    )


def start_flow(decision: Decision, command: c.StartFlow) -> None:
    contact = decision.contact(command.contact_id)
    held = contact.flow
    if held is not None and (held.flow, held.version) == (command.flow, command.version):
        return
    decision.emit(e.FlowStarted(contact.contact_id, command.flow, command.version, command.cause, command.walk))


def take_flow_step(decision: Decision, command: c.TakeFlowStep) -> None:
    contact, flow = _in_flow(decision, command.contact_id)
    decision.emit(
        e.FlowStepTaken(
            contact.contact_id,
            flow.flow,
            flow.version,
            command.nodes,
            command.rule,
            command.walk,
            command.due_us,
            command.awaits_id,
            command.told,
        )
    )


def finish_flow(decision: Decision, command: c.FinishFlow) -> None:
    contact, flow = _in_flow(decision, command.contact_id)
    node = command.node or flow.node
    decision.emit(
        e.FlowFinished(
            contact.contact_id, flow.flow, flow.version, node, command.outcome, command.target, command.attributes
        )
    )


def _in_flow(decision: Decision, contact_id: str) -> tuple[Contact, FlowWalk]:
    contact = decision.contact(contact_id)
    if contact.flow is None:
        raise NotInFlow("The contact is in no flow.")
    return contact, contact.flow


def queue_contact(decision: Decision, command: c.QueueContact) -> None:
    contact = decision.contact(command.contact_id)
    queue = decision.core.queues.get(command.queue)
    if queue is None or queue.retired:
        raise UnknownQueue("There is no such queue.")
    before = contact.visit
    if before is not None:
        if before.queue == command.queue:
            return
        withdraw(decision, contact, DequeueKind.TRANSFERRED, "", RescindCause.SERVED_ELSEWHERE)
    entry = Entry(
        command.queue,
        command.priority,
        command.skills,
        command.preferred_agent,
        decision.now_us,
        0,
        command.cause,
    )
    enter(decision, contact, entry)


def set_priority(decision: Decision, command: c.SetPriority) -> None:
    contact, visit = _waiting(decision, command.contact_id)
    if visit.priority != command.priority:
        decision.emit(e.QueueVisitPriorityChanged(contact.contact_id, visit.visit_id, command.priority))


def leave_queue(decision: Decision, command: c.LeaveQueue) -> None:
    contact = decision.contact(command.contact_id)
    if contact.visit is None:
        return
    kind = DequeueKind.VOICEMAIL if command.then == "voicemail" else DequeueKind.KEY_PRESSED
    withdraw(decision, contact, kind, command.then, RescindCause.CALLER_GONE)


def keep_place(decision: Decision, command: c.KeepPlace) -> None:
    contact, visit = _waiting(decision, command.contact_id)
    if visit.callback_id:
        return
    kept = e.CallbackPlaceKept(
        contact.contact_id,
        visit.visit_id,
        command.callback_id,
        command.promised_us,
        visit.queue,
        decision.now_us + HANGS_UP_US,
    )
    decision.emit(kept)
    for held in rescind(decision, contact, RescindCause.CALLER_GONE):
        let_go(decision, held, "rescinded")
    decision.contacts.append(contact)


def close_callback(decision: Decision, command: c.EndCallback) -> None:
    contact = decision.core.contacts.get(command.contact_id)
    if contact is not None and contact.visit is not None and contact.visit.callback_id:
        end_callback(decision, contact, command.outcome, command.cause)


def tell_estimate(decision: Decision, command: c.TellEstimate) -> None:
    """Estimate by place and by how fast the queue was answered of late; before that by handle time and staff."""
    contact, visit = _waiting(decision, command.contact_id)
    queue = decision.core.queues[visit.queue]
    place = place_of(visit, contact.contact_id, queue.rules)
    ahead = sum(bisect_left(pool.waiting, place) for pool in queue.pools.values() if pool.waiting)
    if queue.interval_us:
        wait_ms, basis = (ahead + 1) * queue.interval_us // 1_000, "departures"
    else:
        wait_ms, basis = (ahead + 1) * queue.rules.expected_handle_ms // max(1, len(queue.members)), "expected"
    decision.emit(e.EstimateMade(contact.contact_id, visit.visit_id, visit.queue, ahead + 1, wait_ms, basis))


def _waiting(decision: Decision, contact_id: str) -> tuple[Contact, Visit]:
    contact = decision.contact(contact_id)
    if contact.visit is None:
        raise NotWaiting("The contact waits in no queue.")
    return contact, contact.visit


def finish_contact(decision: Decision, command: c.FinishContact) -> None:
    contact = decision.core.contacts.get(command.contact_id)
    if contact is None:
        if decision.remembers(command.contact_id):
            return
        decision.contact(command.contact_id)
        return
    finish(decision, contact, command.end, DequeueKind.REMOVED, RescindCause.CALLER_GONE)


def caller_gone(decision: Decision, command: c.CallerGone) -> None:
    """The caller left. One who keeps a place for a callback has hung up as agreed."""
    contact = decision.core.contacts.get(command.contact_id)
    if contact is None or (contact.visit is not None and contact.visit.callback_id):
        return
    end = command.end or contact.end_when_caller_leaves()
    finish(decision, contact, end, DequeueKind.ABANDONED, RescindCause.CALLER_GONE)


def default_route_followed(decision: Decision, command: c.DefaultRouteFollowed) -> None:
    contact = decision.core.contacts.get(command.contact_id)
    if contact is not None:
        withdraw(decision, contact, DequeueKind.REMOVED, "default_route", RescindCause.DEFAULT_ROUTE)
