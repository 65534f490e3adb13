"""What must hold of a core of routing whatever happened, found by looking at everything (the core never does)."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from ivr_routing.core import events as e
from ivr_routing.core.contact import Contact
from ivr_routing.core.contact_changes import LONGEST_CONTACT_US
from ivr_routing.core.due import DueKind
from ivr_routing.core.pool import requirement_of
from ivr_routing.core.snapshot import dump
from ivr_routing.core.state import Core
from ivr_routing.core.words import AgentState, WrapUpKind
from ivr_routing.loop.desk import Desk


def check(core: Core, now_us: int) -> None:
    """Fail with a sentence unless every law of a state holds."""
    _reservations_are_whole(core)
    _agents_have_one_contact(core)
    _nobody_waits_in_vain(core, now_us)
    _indexes_are_true(core)
    _everything_has_a_way_out(core)


def _reservations_are_whole(core: Core) -> None:
    for held in core.reservations.values():
        contact, agent = core.contacts[held.contact_id], core.agents[held.agent]
        assert held.reservation_id in contact.reservations, "a reservation knows its contact, not the other way"
        assert contact.visit is not None, "a contact is held that waits nowhere"
        assert contact.visit.visit_id == held.visit_id, "a reservation is of an earlier visit"
        assert agent.state is AgentState.RESERVED, "a contact is held for an agent who is not reserved"
        assert agent.reservation_id == held.reservation_id, "an agent has two contacts held"
    for contact in core.contacts.values():
        held_for = [core.reservations[each] for each in contact.reservations]
        assert len(held_for) < 2 or all(held.ring_all for held in held_for), "a contact has two open reservations"
        assert sum(held.accepted for held in held_for) < 2, "two agents have accepted the same contact"


def _agents_have_one_contact(core: Core) -> None:
    for agent in core.agents.values():
        if agent.state is AgentState.RESERVED:
            assert agent.reservation_id in core.reservations, "an agent is reserved for nothing"
        if agent.state is AgentState.ON_CONTACT:
            contact = core.contacts.get(agent.contact_id)
            assert contact is not None, "an agent talks to a contact that is over"
            assert agent.agent in contact.agents, "an agent talks to a contact that does not know"
    for contact in core.contacts.values():
        for name in contact.agents:
            assert core.agents[name].contact_id == contact.contact_id, "a contact talks to an agent who is elsewhere"


def fitting(core: Core, contact: Contact, now_us: int) -> list[str]:
    """Return the available agents who may be given a waiting contact, by looking at all."""
    visit = contact.visit
    assert visit is not None
    asked = requirement_of(visit, core.queues[visit.queue].rules, visit.step)
    return [
        agent.agent
        for agent in core.agents.values()
        if agent.state is AgentState.AVAILABLE
        and agent.staffed
        and asked.fits(agent)
        and not contact.excludes(agent.agent, now_us)
    ]


def _nobody_waits_in_vain(core: Core, now_us: int) -> None:
    due_again = {key for due_us, _, kind, key in core.dues.heap if kind is DueKind.AGAIN and due_us <= now_us}
    for contact in core.contacts.values():
        if contact.waits and contact.contact_id not in due_again:
            assert not fitting(core, contact, now_us), "a contact waits while a fitting agent is available"
            _step_is_staffed(core, contact)


def _step_is_staffed(core: Core, contact: Contact) -> None:
    """An agent who went home never blocks a caller."""
    visit = contact.visit
    assert visit is not None
    rules = core.queues[visit.queue].rules
    if visit.step < rules.last_step and not visit.again_us:
        asked = requirement_of(visit, rules, visit.step)
        staffed = any(agent.staffed and asked.fits(agent) for agent in core.agents.values())
        assert staffed, "a contact waits at a step that nobody signed in fits"


def _indexes_are_true(core: Core) -> None:
    sizes = Counter(contact.visit.queue for contact in core.contacts.values() if contact.visit is not None)
    for queue in core.queues.values():
        assert queue.size == sizes[queue.queue], "a queue has miscounted"
        assert set(queue.members) == {
            agent.agent for agent in core.agents.values() if agent.staffed and queue.queue in agent.rules.queues
        }, "a queue does not know its agents"
        waiting = {place[3] for pool in queue.pools.values() for place in pool.waiting}
        assert waiting == {
            contact.contact_id
            for contact in core.contacts.values()
            if contact.waits and contact.visit is not None and contact.visit.queue == queue.queue
        }, "a queue does not know who waits in it"
        for pool in queue.pools.values():
            assert pool.members == {
                agent.agent for agent in core.agents.values() if agent.staffed and pool.requirement.fits(agent)
            }, "a pool does not know its agents"


def _everything_has_a_way_out(core: Core) -> None:
    due = {(kind, key) for _, _, kind, key in core.dues.heap}
    for reservation_id in core.reservations:
        assert (DueKind.RESERVATION, reservation_id) in due, "a reservation has no deadline"
    lives_until = [due_us for due_us, _, kind, _ in core.dues.heap if kind is DueKind.CONTACT]
    assert len(lives_until) == (1 if core.ages else 0), "the longest life of contacts is awaited more or less than once"
    for contact in core.contacts.values():
        assert lives_until, "a contact could live for ever"
        assert lives_until[0] <= contact.admitted_us + LONGEST_CONTACT_US, "a contact could live for too long"
    for agent in core.agents.values():
        if agent.state is AgentState.WRAP_UP and not agent.due_us:
            queue = core.queues[agent.queue]
            assert queue.rules.wrap_up is not WrapUpKind.TIMED, "a timed wrap-up has no end"


def stranded(desk: Desk, looked_up: Collection[str], done: Collection[str]) -> list[str]:
    """Return the callers to whom nothing more will come.

    `looked_up` are contacts that a living process makes a lookup for, `done` the instructions that were carried out.
    """
    found = []
    for call in desk.calls.values():
        contact, held = desk.core.contacts[call.contact_id], call.instruction
        served = call.defaulted or contact.served or contact.agents or contact.visit is not None
        if served or contact.contact_id in looked_up:
            continue
        if held is None or (contact.flow is not None and contact.flow.awaits_id != held.instruction_id):
            found.append(call.contact_id)
        elif call.acknowledged and held.instruction_id not in done:
            goes_on = bool(held.otherwise) or held.do[-1].HasField("hang_up")
            found += [] if goes_on else [call.contact_id]
        elif held.do[-1].HasField("park") and not held.then:
            found.append(call.contact_id)
    return found


ENDS = (
    e.ReservationRejected,
    e.ReservationExpired,
    e.ReservationRescinded,
    e.ReservationCancelled,
    e.ReservationBridged,
    e.ReservationBridgeFailed,
)


def check_log(log: Sequence[tuple[int, e.Event]], core: Core) -> None:
    """Fail with a sentence unless every law of a whole log holds, `core` being where it ends."""
    created = Counter(event.reservation_id for _, event in log if isinstance(event, e.ReservationCreated))
    ended = Counter(event.reservation_id for _, event in log if isinstance(event, ENDS) and event.reservation_id)
    assert not created or max(created.values()) == 1, "a reservation was made twice"
    assert not ended or max(ended.values()) == 1, "a reservation ended twice"
    assert set(created) - set(ended) == set(core.reservations), "a reservation was lost"
    visits = Counter(event.visit_id for _, event in log if isinstance(event, e.QueueVisitOpened))
    assert not visits or max(visits.values()) == 1, "a visit began twice"
    admitted = Counter(event.contact_id for _, event in log if isinstance(event, e.ContactAdmitted))
    finished = Counter(event.contact_id for _, event in log if isinstance(event, e.ContactFinished))
    assert not admitted or max(admitted.values()) == 1, "a contact began twice"
    assert not finished or max(finished.values()) == 1, "a contact ended twice"
    assert set(admitted) - set(finished) == set(core.contacts), "a contact was lost"


def shape(core: Core) -> dict[str, Any]:
    """Return what two cores have in common that saw the same log; a due that was looked at leaves no trace in it."""
    document: dict[str, Any] = json.loads(dump(core))
    del document["dues"], document["finished"]
    return document


def summary(core: Core) -> dict[str, Any]:
    """Return what a core amounts to, by names that outlive its form."""
    return {
        "agents": {agent.agent: [agent.state.name, agent.reason, agent.since_us] for agent in core.agents.values()},
        "contacts": {
            contact.contact_id: [contact.visit.queue if contact.visit else "", sorted(contact.agents), contact.served]
            for contact in core.contacts.values()
        },
        "reservations": {held.reservation_id: [held.agent, held.accepted] for held in core.reservations.values()},
        "queues": {queue.queue: [queue.version, queue.size, queue.open] for queue in core.queues.values()},
    }
