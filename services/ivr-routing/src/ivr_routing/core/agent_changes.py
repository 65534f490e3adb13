"""What events of agents change in a core. Nothing is judged here."""

from ivr_routing.core import events as e
from ivr_routing.core.contact import ENDED
from ivr_routing.core.due import DueKind
from ivr_routing.core.state import Core
from ivr_routing.core.words import AgentState


def signed_in(core: Core, event: e.AgentSignedIn, _: int) -> None:
    agent = core.agent_of(event.agent)
    agent.signed_in, agent.endpoints = True, event.endpoints
    agent.heartbeat_lost = False
    agent.rona_count = agent.offer_failed_count = 0
    core.index_agent(agent)


def signed_out(core: Core, event: e.AgentSignedOut, _: int) -> None:
    agent = core.agent_of(event.agent)
    core.drop_agent(agent)
    agent.signed_in = agent.heartbeat_lost = False
    agent.next_state, agent.next_reason = AgentState.UNSPECIFIED, ""


def spell(core: Core, event: e.AgentSpellBegan, now_us: int) -> None:
    agent = core.agent_of(event.agent)
    staffed = agent.staffed
    if agent.state is AgentState.ON_CONTACT:
        _talk_over(core, agent.contact_id, agent.reservation_id, agent.agent)
    agent.state, agent.reason, agent.since_us, agent.due_us = event.state, event.reason, now_us, event.due_us
    agent.contact_id, agent.reservation_id, agent.queue = event.contact_id, event.reservation_id, event.queue
    agent.idle_since_us, agent.contact_free_since_us = event.idle_since_us, event.contact_free_since_us
    agent.rona_count, agent.offer_failed_count = event.rona_count, event.offer_failed_count
    if event.due_us:
        core.dues.add(event.due_us, DueKind.SPELL, event.agent)
    if event.state is not AgentState.RESERVED:
        agent.next_state, agent.next_reason = _wish_after(event.state, agent.next_state, agent.next_reason)
    if agent.staffed is not staffed:
        core.index_agent(agent)
    elif event.state is AgentState.AVAILABLE:
        for pool in core.pools_of.get(event.agent, ()):
            pool.enter(agent)


def _wish_after(state: AgentState, wish: AgentState, reason: str) -> tuple[AgentState, str]:
    """A wish lasts through contact, wrap-up and absence, and is over with any other state."""
    if state in (AgentState.ON_CONTACT, AgentState.WRAP_UP, AgentState.UNREACHABLE):
        return wish, reason
    return AgentState.UNSPECIFIED, ""


def _talk_over(core: Core, contact_id: str, reservation_id: str, agent: str) -> None:
    contact = core.contacts.get(contact_id)
    if contact is not None:
        contact.talks[agent] = ENDED
        if reservation_id:
            contact.talks[reservation_id] = ENDED
        if agent in contact.agents:
            contact.agents.remove(agent)


def next_state(core: Core, event: e.AgentNextStateSet, _: int) -> None:
    agent = core.agent_of(event.agent)
    agent.next_state, agent.next_reason = event.state, event.reason


def heartbeat_lost(core: Core, event: e.AgentHeartbeatLost, _: int) -> None:
    agent = core.agent_of(event.agent)
    core.drop_agent(agent)
    agent.heartbeat_lost = True


def heartbeat_regained(core: Core, event: e.AgentHeartbeatRegained, _: int) -> None:
    agent = core.agent_of(event.agent)
    agent.heartbeat_lost = False
    core.index_agent(agent)


def agent_configured(core: Core, event: e.AgentConfigured, _: int) -> None:
    agent = core.agent_of(event.agent)
    agent.version = event.version
    core.configure_agent(agent, event.rules)
