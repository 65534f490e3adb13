"""Decisions about agents: signing in and out, states, wishes, heartbeats, wrap-up."""

from typing import Final

from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.agent import BUSY, Agent
from ivr_routing.core.decision import Decision
from ivr_routing.core.endings import cancel, expire
from ivr_routing.core.errors import AgentSignedOutAlready, StateNotAllowed, UnknownAgent
from ivr_routing.core.reservation_changes import HEARTBEAT
from ivr_routing.core.spells import Spell, begin, release, sign_out
from ivr_routing.core.visits import see_to_unstaffed, waits_again
from ivr_routing.core.words import AgentState, WrapUpKind

_ASKABLE: Final = frozenset({AgentState.AVAILABLE, AgentState.NOT_READY, AgentState.WRAP_UP})


def sign_in(decision: Decision, command: c.SignIn) -> None:
    agent = _agent(decision, command.agent)
    if command.state not in (AgentState.AVAILABLE, AgentState.NOT_READY):
        raise StateNotAllowed("An agent signs in as available or not_ready.")
    if agent.signed_in:
        if agent.next_state is AgentState.OFFLINE:
            _wish(decision, agent, AgentState.UNSPECIFIED, "")
        if command.endpoints != agent.endpoints:
            decision.emit(e.AgentSignedIn(agent.agent, command.endpoints))
        return
    decision.emit(e.AgentSignedIn(agent.agent, command.endpoints))
    reason = command.reason if command.state is AgentState.NOT_READY else ""
    begin(decision, agent, Spell(command.state, "agent", reason, rona_count=0, offer_failed_count=0))


def leave_work(decision: Decision, command: c.SignOut) -> None:
    """Sign out now, or when the talk is over; a contact held meanwhile goes to somebody else."""
    agent = _agent(decision, command.agent)
    if not agent.signed_in:
        return
    held = decision.core.reservations.get(agent.reservation_id)
    talks = agent.state is AgentState.ON_CONTACT or (held is not None and held.accepted)
    if talks:
        _wish(decision, agent, AgentState.OFFLINE, command.cause)
        return
    if agent.state is AgentState.RESERVED and held is not None:
        cancel(decision, held, "agent_signed_out")
        waits_again(decision, decision.core.contacts[held.contact_id])
    sign_out(decision, agent, command.cause)


def set_state(decision: Decision, command: c.SetAgentState) -> None:
    """Begin a state now, or wish for it while busy."""
    agent = _agent(decision, command.agent)
    state = command.state
    if state not in _ASKABLE:
        raise StateNotAllowed("An agent asks to be available, not_ready or, during a contact, in wrap_up.")
    if not agent.signed_in:
        raise AgentSignedOutAlready("The agent is not signed in.")
    if state is AgentState.WRAP_UP:
        _wish_for_wrap_up(decision, agent)
        return
    if agent.heartbeat_lost:
        decision.emit(e.AgentHeartbeatRegained(agent.agent))
    reason = command.reason if state is AgentState.NOT_READY else ""
    if agent.state in BUSY and agent.state is not AgentState.WRAP_UP:
        _wish(decision, agent, state, reason)
    elif (agent.state, agent.reason) != (state, reason):
        begin(decision, agent, Spell(state, command.cause, reason, rona_count=0, offer_failed_count=0))


def _wish(decision: Decision, agent: Agent, state: AgentState, reason: str) -> None:
    if (agent.next_state, agent.next_reason) != (state, reason):
        decision.emit(e.AgentNextStateSet(agent.agent, state, reason))


def _wish_for_wrap_up(decision: Decision, agent: Agent) -> None:
    if agent.state is AgentState.WRAP_UP:
        return
    queue = decision.core.queues.get(agent.queue)
    optional = queue is not None and queue.rules.wrap_up is WrapUpKind.OPTIONAL
    if agent.state is not AgentState.ON_CONTACT or not optional:
        raise StateNotAllowed("Wrap-up can be asked for during a contact of a queue where it is optional.")
    _wish(decision, agent, AgentState.WRAP_UP, "")


def complete_wrap_up(decision: Decision, command: c.CompleteWrapUp) -> None:
    agent = _agent(decision, command.agent)
    if agent.state is AgentState.WRAP_UP:
        release(decision, agent, "agent")


def lose_heartbeat(decision: Decision, command: c.LoseHeartbeat) -> None:
    """Not charged: a contact held goes to somebody else, a talk goes on, what they were they wish for again."""
    agent = decision.core.agents.get(command.agent)
    if agent is None or not agent.signed_in or agent.heartbeat_lost:
        return
    decision.emit(e.AgentHeartbeatLost(agent.agent))
    held = decision.core.reservations.get(agent.reservation_id)
    if agent.state is AgentState.RESERVED and held is not None and not held.accepted:
        expire(decision, held, HEARTBEAT, never_rang=True)
    elif agent.state is AgentState.NOT_READY:
        _wish(decision, agent, AgentState.NOT_READY, agent.reason)
        begin(decision, agent, Spell(AgentState.UNREACHABLE, "heartbeat"))
    elif agent.state is AgentState.AVAILABLE:
        begin(decision, agent, Spell(AgentState.UNREACHABLE, "heartbeat"))
    see_to_unstaffed(decision, agent.rules.queues)


def regain_heartbeat(decision: Decision, command: c.RegainHeartbeat) -> None:
    agent = decision.core.agents.get(command.agent)
    if agent is None or not agent.heartbeat_lost:
        return
    decision.emit(e.AgentHeartbeatRegained(agent.agent))
    if agent.state is AgentState.UNREACHABLE:
        release(decision, agent, "heartbeat")


def _agent(decision: Decision, name: str) -> Agent:
    agent = decision.core.agents.get(name)
    if agent is None:
        raise UnknownAgent("There is no such agent.")
    return agent
