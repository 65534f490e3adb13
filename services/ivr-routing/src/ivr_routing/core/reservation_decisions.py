"""Decisions about reservations, by agents' commands and by what the phone system tells."""

from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.agent import Agent
from ivr_routing.core.contact import ENDED, Contact
from ivr_routing.core.decision import Decision
from ivr_routing.core.endings import cancel, excluded_until, expire, fail_bridge, let_go, rescind
from ivr_routing.core.errors import ReservationOver
from ivr_routing.core.reservation import Reservation
from ivr_routing.core.spells import Spell, after_contact, begin
from ivr_routing.core.visits import waits_again
from ivr_routing.core.words import AgentState, DequeueKind, RescindCause

CALLBACK_DIAL_US = 45_000_000
"""Time more that a bridge may take when the customer must be called first."""


def accept(decision: Decision, command: c.AcceptReservation) -> None:
    """Taken by the agent it is held for, before its deadline; in a ring-all the first one has it."""
    held = _held_for(decision, command.agent, command.reservation_id)
    if held is None or held.accepted:
        return
    if decision.now_us >= held.deadline_us:
        raise ReservationOver("The reservation has ended.")
    contact = decision.core.contacts[held.contact_id]
    bridge_us = decision.core.queues[held.queue].rules.bridge_ms * 1_000
    if contact.visit is not None and contact.visit.callback_id:
        bridge_us += CALLBACK_DIAL_US
    decision.emit(e.ReservationAccepted(held.reservation_id, held.contact_id, held.agent, decision.now_us + bridge_us))
    for lost in rescind(decision, contact, RescindCause.LOST_RACE, but=held.reservation_id):
        let_go(decision, lost, "rescinded")


def reject(decision: Decision, command: c.RejectReservation) -> None:
    """Not taken: the agent goes to the end of the idle ones, and is not offered this contact for a while."""
    held = _held_for(decision, command.agent, command.reservation_id)
    if held is None:
        return
    until_us = excluded_until(decision, held)
    decision.emit(e.ReservationRejected(held.reservation_id, held.contact_id, held.agent, command.reason, until_us))
    let_go(decision, held, "rejected", keeps_idle=False)
    waits_again(decision, decision.core.contacts[held.contact_id])


def _held_for(decision: Decision, agent_name: str, reservation_id: str) -> Reservation | None:
    """Return an open reservation of the agent; None if what is asked is so already; raise ReservationOver."""
    held = decision.core.reservations.get(reservation_id)
    if held is not None and held.agent == agent_name:
        return held
    agent = decision.core.agents.get(agent_name)
    told_again = agent is not None and reservation_id in (agent.reservation_id, agent.last_reservation_id)
    if told_again and reservation_id:
        return None
    raise ReservationOver("The reservation has ended, or is none of this agent's.")


def ringing_began(decision: Decision, command: c.RingingBegan) -> None:
    held = decision.core.reservations.get(command.reservation_id)
    if held is None or held.ringing_since_us:
        return
    since_us = min(max(command.since_us, held.created_us), decision.now_us) if command.since_us else decision.now_us
    decision.emit(e.ReservationRinging(held.reservation_id, held.contact_id, since_us))


def offer_failed(decision: Decision, command: c.OfferFailed) -> None:
    """The endpoint did not ring, or rang in vain: the time it rang decides which."""
    held = decision.core.reservations.get(command.reservation_id)
    if held is None:
        return
    if held.accepted:
        fail_bridge(decision, held, command.cause)
    else:
        expire(decision, held, command.cause)


def bridge_failed(decision: Decision, command: c.BridgeFailed) -> None:
    held = decision.core.reservations.get(command.reservation_id)
    if held is not None:
        fail_bridge(decision, held, command.cause)


def call_bridged(decision: Decision, command: c.CallBridged) -> None:
    """What the phone system has bridged is so, whatever was decided meanwhile; the rest is put right."""
    contact = decision.core.contacts.get(command.contact_id)
    if contact is None or _known_talk(contact, command):
        return
    held = _reservation_for(decision, contact, command)
    if held is None and command.agent not in decision.core.agents:
        _served_by_a_stranger(decision, contact)
        return
    bridge(decision, contact, command.agent, held, command.bridged_us)


def _known_talk(contact: Contact, command: c.CallBridged) -> bool:
    if command.agent in contact.agents:
        return True
    if command.reservation_id:
        return command.reservation_id in contact.talks
    return contact.talks.get(command.agent) == ENDED and not contact.reservations


def _reservation_for(decision: Decision, contact: Contact, told: c.CallBridged | c.TalkEnded) -> Reservation | None:
    """Return the contact's open reservation that the fact is about, if there is one."""
    for reservation_id in contact.reservations:
        held = decision.core.reservations[reservation_id]
        if held.agent == told.agent:
            return held
    return None


def _served_by_a_stranger(decision: Decision, contact: Contact) -> None:
    """Somebody whom routing does not know answered."""
    visit = contact.visit
    if visit is not None:
        kind = DequeueKind.ANSWERED_ELSEWHERE
        decision.emit(e.QueueVisitClosed(contact.contact_id, visit.visit_id, visit.queue, kind))
    for lost in rescind(decision, contact, RescindCause.SERVED_ELSEWHERE):
        let_go(decision, lost, "rescinded")


def bridge(decision: Decision, contact: Contact, name: str, held: Reservation | None, bridged_us: int) -> None:
    """Caller and agent hear each other: every other claim on either of them ends."""
    agent = decision.core.agents[name]
    queue = held.queue if held is not None else contact.visit.queue if contact.visit is not None else ""
    reservation_id = held.reservation_id if held is not None else ""
    other = _other_claim(decision, agent, reservation_id)
    if agent.state is AgentState.NOT_READY:
        decision.emit(e.AgentNextStateSet(name, AgentState.NOT_READY, agent.reason))
    lost = rescind(decision, contact, RescindCause.LOST_RACE, but=reservation_id)
    if contact.visit is not None and contact.visit.callback_id:
        visit = contact.visit
        decision.emit(e.CallbackPlaceEnded(contact.contact_id, visit.callback_id, "reached", visit.attempts + 1))
    decision.emit(e.ReservationBridged(reservation_id, contact.contact_id, name, bridged_us))
    spell = Spell(
        AgentState.ON_CONTACT,
        "contact",
        contact_id=contact.contact_id,
        reservation_id=reservation_id,
        queue=queue,
        rona_count=0,
        offer_failed_count=0,
    )
    begin(decision, agent, spell)
    for freed in lost:
        let_go(decision, freed, "rescinded")
    if other is not None:
        waits_again(decision, other)


def _other_claim(decision: Decision, agent: Agent, reservation_id: str) -> Contact | None:
    """Take back the reservation of another contact for an agent who turns out to be talking; return that contact."""
    other = decision.core.reservations.get(agent.reservation_id)
    if agent.state is not AgentState.RESERVED or other is None or other.reservation_id == reservation_id:
        return None
    cancel(decision, other, "agent_busy")
    return decision.core.contacts[other.contact_id]


def talk_ended(decision: Decision, command: c.TalkEnded) -> None:
    """An agent's talk is over. Told before its beginning it is taken as begun and ended at once."""
    contact = decision.core.contacts.get(command.contact_id)
    agent = decision.core.agents.get(command.agent)
    if contact is None or agent is None:
        return
    if agent.state is not AgentState.ON_CONTACT or agent.contact_id != contact.contact_id:
        held = _reservation_for(decision, contact, command)
        if held is None or contact.talks.get(command.reservation_id) == ENDED:
            return
        bridge(decision, contact, command.agent, held, 0)
    elif command.reservation_id and agent.reservation_id not in ("", command.reservation_id):
        return
    after_contact(decision, agent)
