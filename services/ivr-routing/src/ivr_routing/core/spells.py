"""Agents' spells: which state follows which, and what it takes along. Called within decisions only."""

from dataclasses import dataclass
from typing import Final

from contact_life import identity
from ivr_routing.core.agent import Agent
from ivr_routing.core.decision import Decision
from ivr_routing.core.events import AgentNextStateSet, AgentSignedOut, AgentSpellBegan
from ivr_routing.core.rules import QueueRules
from ivr_routing.core.visits import see_to_unstaffed
from ivr_routing.core.words import AgentState, WrapUpKind

_WORDS: Final = {state: state.name.lower() for state in AgentState}


@dataclass(frozen=True, slots=True)
class Spell:
    """What is to begin for an agent; what is left out stays as it is or is empty."""

    state: AgentState
    cause: str
    reason: str = ""
    contact_id: str = ""
    reservation_id: str = ""
    queue: str = ""
    due_us: int = 0
    keeps_idle: bool = False
    rona_count: int | None = None
    offer_failed_count: int | None = None


def begin(decision: Decision, agent: Agent, spell: Spell) -> None:
    """Begin a spell; an available agent is looked at before the decision is done."""
    now_us, state = decision.now_us, spell.state
    idle = agent.idle_since_us if spell.keeps_idle or state is AgentState.RESERVED else now_us
    free = now_us if agent.state is AgentState.ON_CONTACT else agent.contact_free_since_us
    decision.emit(
        AgentSpellBegan(
            agent.agent,
            identity.agent_spell_id(agent.agent_id, _WORDS[state], now_us),
            state,
            spell.reason,
            agent.state,
            agent.since_us,
            spell.contact_id,
            spell.reservation_id,
            spell.queue,
            spell.due_us,
            idle,
            free,
            agent.rona_count if spell.rona_count is None else spell.rona_count,
            agent.offer_failed_count if spell.offer_failed_count is None else spell.offer_failed_count,
            spell.cause,
        )
    )
    if state is AgentState.AVAILABLE:
        decision.agents.append(agent)
    elif state is AgentState.UNREACHABLE:
        see_to_unstaffed(decision, agent.rules.queues)


def release(decision: Decision, agent: Agent, cause: str, *, keeps_idle: bool = False, rona: int | None = None) -> None:
    """An agent has nothing in hand: what they wished for begins, else they are available, else unreachable."""
    if agent.heartbeat_lost:
        begin(decision, agent, Spell(AgentState.UNREACHABLE, "heartbeat", rona_count=rona))
    elif agent.next_state is AgentState.OFFLINE or not agent.signed_in:
        sign_out(decision, agent, agent.next_reason or "agent")
    elif agent.next_state is AgentState.NOT_READY:
        begin(decision, agent, Spell(AgentState.NOT_READY, "agent", agent.next_reason, rona_count=rona))
    else:
        begin(decision, agent, Spell(AgentState.AVAILABLE, cause, keeps_idle=keeps_idle, rona_count=rona))


def after_contact(decision: Decision, agent: Agent) -> None:
    """An agent's talk is over: wrap-up as the queue has it, or what comes after it."""
    queue = decision.core.queues.get(agent.queue)
    rules = queue.rules if queue is not None else None
    if agent.heartbeat_lost or rules is None or not _wraps_up(rules, agent):
        release(decision, agent, "contact")
        return
    timed = rules.wrap_up in (WrapUpKind.TIMED, WrapUpKind.OPTIONAL) and rules.wrap_up_ms
    due_us = decision.now_us + rules.wrap_up_ms * 1_000 if timed else 0
    if agent.next_state is AgentState.WRAP_UP:
        decision.emit(AgentNextStateSet(agent.agent, AgentState.UNSPECIFIED, ""))
    spell = Spell(
        AgentState.WRAP_UP,
        "contact",
        contact_id=agent.contact_id,
        reservation_id=agent.reservation_id,
        queue=agent.queue,
        due_us=due_us,
    )
    begin(decision, agent, spell)


def _wraps_up(rules: QueueRules, agent: Agent) -> bool:
    if rules.wrap_up is WrapUpKind.OPTIONAL:
        return agent.next_state is AgentState.WRAP_UP
    return rules.wrap_up is WrapUpKind.MANDATORY or (rules.wrap_up is WrapUpKind.TIMED and rules.wrap_up_ms > 0)


def sign_out(decision: Decision, agent: Agent, cause: str) -> None:
    """An agent stops working now."""
    begin(decision, agent, Spell(AgentState.OFFLINE, cause, rona_count=0, offer_failed_count=0))
    if agent.signed_in:
        decision.emit(AgentSignedOut(agent.agent, cause))
        see_to_unstaffed(decision, agent.rules.queues)
