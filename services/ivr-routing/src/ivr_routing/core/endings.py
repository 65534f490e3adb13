"""How reservations and contacts end. Called within decisions only."""

from ivr_routing.core.agent import Agent
from ivr_routing.core.contact import Contact
from ivr_routing.core.decision import Decision
from ivr_routing.core.events import (
    CallbackAttemptFailed,
    CallbackPlaceEnded,
    ContactFinished,
    FlowFinished,
    QueueVisitClosed,
    QueueVisitPriorityChanged,
    ReservationBridgeFailed,
    ReservationCancelled,
    ReservationExpired,
    ReservationRescinded,
)
from ivr_routing.core.reservation import Reservation
from ivr_routing.core.spells import Spell, after_contact, begin, release
from ivr_routing.core.visits import waits_again
from ivr_routing.core.words import AgentState, DequeueKind, ExpiryKind, RescindCause


def let_go(decision: Decision, held: Reservation, cause: str, *, keeps_idle: bool = True) -> None:
    """The agent of a reservation that has ended without a talk is free; idle time goes on unless they refused."""
    agent = decision.core.agents[held.agent]
    if agent.state is AgentState.RESERVED and agent.reservation_id == held.reservation_id:
        release(decision, agent, cause, keeps_idle=keeps_idle)


def rescind(decision: Decision, contact: Contact, cause: RescindCause, *, but: str = "") -> list[Reservation]:
    """Take back a contact's reservations but one; return them, their agents are not free yet."""
    ended = [decision.core.reservations[held] for held in contact.reservations if held != but]
    for held in ended:
        decision.emit(ReservationRescinded(held.reservation_id, contact.contact_id, held.agent, cause))
    return ended


def cancel(decision: Decision, held: Reservation, cause: str) -> None:
    """Take a reservation back by the system; its agent is not free yet."""
    decision.emit(ReservationCancelled(held.reservation_id, held.contact_id, held.agent, cause))


def expire(decision: Decision, held: Reservation, cause: str, *, never_rang: bool = False) -> None:
    """Nobody took it: rona if the endpoint rang long enough, else the offer failed. The contact waits again."""
    kind = ExpiryKind.OFFER_FAILED if never_rang else held.expiry(decision.now_us)
    rang_ms = held.rang_us(decision.now_us) // 1_000
    until_us = excluded_until(decision, held)
    decision.emit(ReservationExpired(held.reservation_id, held.contact_id, held.agent, kind, rang_ms, cause, until_us))
    agent = decision.core.agents[held.agent]
    if agent.reservation_id == held.reservation_id:
        _answer_for(decision, agent, held, kind)
    waits_again(decision, decision.core.contacts[held.contact_id])


def _answer_for(decision: Decision, agent: Agent, held: Reservation, kind: ExpiryKind) -> None:
    rules = decision.core.queues[held.queue].rules
    if agent.heartbeat_lost:
        release(decision, agent, "heartbeat")
    elif kind is ExpiryKind.RONA:
        count = agent.rona_count + 1
        if count >= rules.rona_limit:
            begin(decision, agent, Spell(AgentState.NOT_READY, "rona", rules.rona_reason, rona_count=count))
        else:
            release(decision, agent, "rona", rona=count)
    elif agent.offer_failed_count + 1 >= rules.offer_failed_limit:
        begin(decision, agent, Spell(AgentState.UNREACHABLE, "endpoint", "endpoint", offer_failed_count=0))
    else:
        count = agent.offer_failed_count + 1
        begin_again = Spell(AgentState.AVAILABLE, "offer_failed", keeps_idle=True, offer_failed_count=count)
        if agent.next_state is AgentState.UNSPECIFIED:
            begin(decision, agent, begin_again)
        else:
            release(decision, agent, "offer_failed")


def fail_bridge(decision: Decision, held: Reservation, cause: str) -> None:
    """It was accepted, and the two never heard each other. The caller waits again, before others if so ruled."""
    contact = decision.core.contacts[held.contact_id]
    until_us = excluded_until(decision, held)
    decision.emit(
        ReservationBridgeFailed(held.reservation_id, held.contact_id, held.agent, cause or "unknown", until_us)
    )
    let_go(decision, held, "bridge_failed")
    visit = contact.visit
    if visit is None:
        return
    if visit.callback_id:
        _not_reached(decision, contact, cause or "unknown")
        return
    if raised := decision.core.queues[visit.queue].rules.return_priority:
        decision.emit(QueueVisitPriorityChanged(contact.contact_id, visit.visit_id, visit.priority + raised))
    waits_again(decision, contact)


def excluded_until(decision: Decision, held: Reservation) -> int:
    """Return until when a contact is not offered again to an agent who did not take it."""
    return decision.now_us + decision.core.queues[held.queue].rules.reoffer_pause_ms * 1_000


def _not_reached(decision: Decision, contact: Contact, cause: str) -> None:
    """The customer was called in vain: they keep their place and are called again after a pause, but not for ever."""
    visit = contact.visit
    assert visit is not None
    rules, attempt = decision.core.queues[visit.queue].rules, visit.attempts + 1
    again_us = decision.now_us + rules.callback_pause_ms * 1_000 if attempt < rules.callback_attempts else 0
    decision.emit(CallbackAttemptFailed(contact.contact_id, visit.callback_id, attempt, cause, again_us))
    if again_us:
        waits_again(decision, contact)
    else:
        end_callback(decision, contact, "failed", cause)


def end_callback(decision: Decision, contact: Contact, outcome: str, cause: str) -> None:
    """Give a callback up: the contact is over."""
    visit = contact.visit
    assert visit is not None
    decision.emit(CallbackPlaceEnded(contact.contact_id, visit.callback_id, outcome, 0, cause))
    finish(decision, contact, "callback_failed", DequeueKind.REMOVED, RescindCause.CALLER_GONE)


def finish(decision: Decision, contact: Contact, end: str, kind: DequeueKind, cause: RescindCause) -> None:
    """End all that is open of a contact, then free whoever was held for it or spoke to it."""
    _end_flow(decision, contact, "caller_gone")
    _end_visit(decision, contact, kind)
    ended = rescind(decision, contact, cause)
    talking = _talking(decision, contact)
    decision.emit(ContactFinished(contact.contact_id, end))
    for agent in talking:
        after_contact(decision, agent)
    for held in ended:
        let_go(decision, held, "rescinded")


def withdraw(decision: Decision, contact: Contact, kind: DequeueKind, then: str, cause: RescindCause) -> None:
    """End a contact's flow and visit because it went another way; it stays in routing's care."""
    _end_flow(decision, contact, "fault" if cause is RescindCause.DEFAULT_ROUTE else then)
    _end_visit(decision, contact, kind, then)
    for held in rescind(decision, contact, cause):
        let_go(decision, held, "rescinded")


def _end_flow(decision: Decision, contact: Contact, outcome: str) -> None:
    flow = contact.flow
    if flow is not None:
        decision.emit(FlowFinished(contact.contact_id, flow.flow, flow.version, flow.node, outcome))


def _end_visit(decision: Decision, contact: Contact, kind: DequeueKind, then: str = "") -> None:
    visit = contact.visit
    if visit is not None:
        decision.emit(QueueVisitClosed(contact.contact_id, visit.visit_id, visit.queue, kind, "", then))


def _talking(decision: Decision, contact: Contact) -> list[Agent]:
    agents = [decision.core.agents[name] for name in contact.agents if name in decision.core.agents]
    return [agent for agent in agents if agent.contact_id == contact.contact_id]
