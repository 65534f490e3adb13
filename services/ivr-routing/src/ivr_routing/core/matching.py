"""Who gets whom. Looks only at indexes: the pool of a contact, the pools of an agent."""

from contact_life import identity
from ivr_routing.core.agent import Agent
from ivr_routing.core.contact import Contact
from ivr_routing.core.decision import Decision
from ivr_routing.core.events import ReservationCreated
from ivr_routing.core.pool import Place, Pool
from ivr_routing.core.queue import Queue
from ivr_routing.core.spells import Spell, begin
from ivr_routing.core.visits import skip_unstaffed
from ivr_routing.core.words import AgentState, ChosenBy


def settle(decision: Decision) -> None:
    """Let nobody wait while a fitting agent is available, among those that this decision touched."""
    for agent in decision.agents:
        offer_agent(decision, agent)
    for contact in decision.contacts:
        if contact.waits and contact.contact_id in decision.core.contacts:
            offer_contact(decision, contact)


def offer_agent(decision: Decision, agent: Agent) -> None:
    """Find the contact that an available agent is due to; if another agent is due to it, both get their own."""
    while agent.state is AgentState.AVAILABLE:
        place = first_for(decision, agent)
        if place is None:
            return
        contact = decision.core.contacts[place[3]]
        reserve(decision, contact, best_for(decision, contact) or agent, ChosenBy.AGENT)


def first_for(decision: Decision, agent: Agent) -> Place | None:
    """Return the place of the contact that comes first over all the agent's pools."""
    contacts, now_us = decision.core.contacts, decision.now_us
    found: Place | None = None
    least: tuple[int, int, int] | None = None
    for pool in decision.core.pools_of.get(agent.agent, ()):
        if not pool.waiting:
            continue
        place = pool.first(contacts, agent.agent, now_us)
        if place is not None:
            urgency = urgency_of(contacts[place[3]], decision.core.queues[pool.requirement.queue], now_us)
            if least is None or urgency < least:
                found, least = place, urgency
    return found


def best_for(decision: Decision, contact: Contact, pool: Pool | None = None) -> Agent | None:
    """Return the preferred agent if they are available and fit, else the best of the contact's pool."""
    visit, core = contact.visit, decision.core
    assert visit is not None
    pool = pool or core.pool_of(contact)
    preferred = core.agents.get(visit.preferred_agent)
    if (
        preferred is not None
        and preferred.state is AgentState.AVAILABLE
        and preferred.agent in pool.members
        and not contact.excludes(preferred.agent, decision.now_us)
    ):
        return preferred
    return pool.best(contact, decision.now_us)


def urgency_of(contact: Contact, queue: Queue, now_us: int) -> tuple[int, int, int]:
    """Return what contacts of different queues are compared by, the most urgent lowest.

    Priority in thousandths with its ageing, negated; waiting since; turn in the log.
    """
    visit = contact.visit
    assert visit is not None
    points = visit.priority * 1_000
    if queue.rules.ageing_ms:
        points += (now_us - visit.waiting_since_us) // queue.rules.ageing_ms
    return (-points, visit.waiting_since_us, visit.turn)


def offer_contact(decision: Decision, contact: Contact) -> None:
    """Reserve the best available agent for a waiting contact, or as many as ring at once; nobody: it waits."""
    skip_unstaffed(decision, contact)
    core = decision.core
    visit = contact.visit
    assert visit is not None
    if visit.again_us > decision.now_us:
        return
    pool = core.pool_of(contact)
    for _ in range(core.queues[visit.queue].rules.ring_all_limit or 1):
        agent = best_for(decision, contact, pool)
        if agent is None:
            return
        reserve(decision, contact, agent, ChosenBy.CONTACT)


def reserve(decision: Decision, contact: Contact, agent: Agent, chosen_by: ChosenBy) -> None:
    """Hold a contact for an agent."""
    visit = contact.visit
    assert visit is not None
    queue = decision.core.queues[visit.queue]
    rules, now_us = queue.rules, decision.now_us
    reservation_id = identity.reservation_id(visit.visit_id, visit.offers + 1)
    decision.emit(
        ReservationCreated(
            reservation_id,
            contact.contact_id,
            visit.visit_id,
            visit.queue,
            agent.agent,
            agent.endpoint,
            visit.step,
            rules.strategy,
            chosen_by,
            agent.idle_since_us,
            now_us + rules.reservation_ms * 1_000,
            rules.min_ring_ms,
            rules.ring_all_limit > 1,
            queue.version,
            rules.auto_accept,
        )
    )
    spell = Spell(
        AgentState.RESERVED,
        "contact",
        contact_id=contact.contact_id,
        reservation_id=reservation_id,
        queue=visit.queue,
    )
    begin(decision, agent, spell)
