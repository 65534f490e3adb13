"""The floor of the made-up centre: who waits, which agents are free, whom it rings.

This is no routing: the longest waiting of the highest priority goes to the agent who has been free longest.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from holdfast.call_events.v1 import agent_pb2, source_pb2
from holdfast_cli.generating.agenda import Agenda
from holdfast_cli.generating.chance import Chance
from holdfast_cli.generating.facts import OBSERVED, Contact, Facts
from holdfast_cli.generating.plan import RING, UNANSWERED_RING_MS

_UNANSWERED_PER_THOUSAND: Final = 14
_AFTER_NO_ANSWER_MS: Final = 90_000
_STATES: Final = source_pb2.AgentState


@dataclass(slots=True)
class Agent:
    """An agent on their shift; times in milliseconds. `breaks` are those still to come: when, how long, why."""

    name: str
    team: str
    supervisor: str
    endpoint: str
    queues: tuple[str, ...]
    leaves_ms: int
    breaks: list[tuple[int, int, str]]
    state: source_pb2.AgentState.ValueType = source_pb2.AGENT_STATE_OFFLINE
    since_ms: int = 0


@dataclass(slots=True)
class Waiting:
    """A contact that waits in a queue; `answer` is what happens when an agent takes it."""

    contact: Contact
    queue: str
    visit_id: str
    priority: int
    since_ms: int
    answer: Callable[[Agent], None]
    rings: Agent | None = None
    gone: bool = False


@dataclass(slots=True)
class Floor:
    """Agents and waiting contacts of one day."""

    agenda: Agenda
    chance: Chance
    facts: Facts
    agents: list[Agent] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)

    def log_in(self, agent: Agent) -> None:
        """An agent begins."""
        self.agents.append(agent)
        entered = agent_pb2.AgentLoggedIn(
            observation=OBSERVED, agent=agent.name, endpoint=agent.endpoint, team=agent.team, site="north"
        )
        self.facts.tell_agent(agent.name, self.agenda.now, agent_logged_in=entered)
        self.free(agent)

    def free(self, agent: Agent) -> None:
        """An agent has nothing to do: the end of the shift, a break that is due, or the next contact."""
        now = self.agenda.now
        if now >= agent.leaves_ms:
            self._log_out(agent)
        elif agent.breaks and now >= agent.breaks[0][0]:
            _, length_ms, reason = agent.breaks.pop(0)
            self.set_state(agent, _STATES.AGENT_STATE_NOT_READY, reason)
            self.agenda.at(now + length_ms, lambda: self.free(agent))
        else:
            self.set_state(agent, _STATES.AGENT_STATE_AVAILABLE)
            self._look_up(agent)
            self._match()

    def join(self, waiting: Waiting) -> None:
        """A contact begins to wait."""
        self.waiting.append(waiting)
        self._match()

    def leave(self, waiting: Waiting) -> bool:
        """A contact stops waiting; False if it had been answered before."""
        if waiting.gone:
            return False
        waiting.gone = True
        if waiting.rings is None:
            self.waiting.remove(waiting)
        else:
            self._ring_ended(waiting.rings, waiting, agent_pb2.RING_OUTCOME_CALLER_GONE)
            self.free(waiting.rings)
        return True

    def set_state(self, agent: Agent, state: source_pb2.AgentState.ValueType, reason: str = "") -> None:
        """Tell that an agent's state changes, unless it does not."""
        if state == agent.state:
            return
        changed = agent_pb2.AgentStateChanged(
            observation=OBSERVED, agent=agent.name, state=state, reason=reason, previous_state=agent.state
        )
        agent.state, agent.since_ms = state, self.agenda.now
        self.facts.tell_agent(agent.name, self.agenda.now, agent_state_changed=changed)

    def _log_out(self, agent: Agent) -> None:
        self.agents.remove(agent)
        self.set_state(agent, _STATES.AGENT_STATE_OFFLINE)
        left = agent_pb2.AgentLoggedOut(observation=OBSERVED, agent=agent.name, endpoint=agent.endpoint, cause="agent")
        self.facts.tell_agent(agent.name, self.agenda.now, agent_logged_out=left)

    def _look_up(self, agent: Agent) -> None:
        """Come back to a free agent when the next break or the end of the shift is due."""
        due = agent.breaks[0][0] if agent.breaks else agent.leaves_ms
        since = agent.since_ms
        self.agenda.at(due, lambda: self.free(agent) if self._still_free(agent, since) else None)

    def _still_free(self, agent: Agent, since_ms: int) -> bool:
        return agent.state == _STATES.AGENT_STATE_AVAILABLE and agent.since_ms == since_ms and agent in self.agents

    def _match(self) -> None:
        """Ring agents as long as one is free for somebody who waits."""
        for waiting in sorted(self.waiting, key=lambda one: (-one.priority, one.since_ms)):
            able = [agent for agent in self.agents if waiting.queue in agent.queues]
            free = [agent for agent in able if agent.state == _STATES.AGENT_STATE_AVAILABLE]
            if free:
                self._ring(min(free, key=lambda agent: agent.since_ms), waiting)

    def _ring(self, agent: Agent, waiting: Waiting) -> None:
        self.waiting.remove(waiting)
        waiting.rings = agent
        self.set_state(agent, _STATES.AGENT_STATE_RESERVED)
        started = agent_pb2.AgentRingStarted(
            observation=OBSERVED,
            agent=agent.name,
            contact_id=waiting.contact.contact_id,
            visit_id=waiting.visit_id,
            queue=waiting.queue,
            endpoint=agent.endpoint,
        )
        self.facts.tell_agent(agent.name, self.agenda.now, agent_ring_started=started)
        if self.chance.happens(_UNANSWERED_PER_THOUSAND):
            self.agenda.at(self.agenda.now + UNANSWERED_RING_MS, lambda: self._no_answer(agent, waiting))
        else:
            self.agenda.at(self.agenda.now + self.chance.length_ms(RING), lambda: self._answer(agent, waiting))

    def _answer(self, agent: Agent, waiting: Waiting) -> None:
        if waiting.gone:
            return
        waiting.gone = True
        self._ring_ended(agent, waiting, agent_pb2.RING_OUTCOME_ANSWERED)
        self.set_state(agent, _STATES.AGENT_STATE_ON_CONTACT)
        waiting.answer(agent)

    def _no_answer(self, agent: Agent, waiting: Waiting) -> None:
        """Nobody took it: the contact waits on in its place, the agent is asked to say that they are back."""
        if waiting.gone:
            return
        self._ring_ended(agent, waiting, agent_pb2.RING_OUTCOME_NO_ANSWER)
        self.set_state(agent, _STATES.AGENT_STATE_NOT_READY, "no_answer")
        self.agenda.at(self.agenda.now + _AFTER_NO_ANSWER_MS, lambda: self.free(agent))
        waiting.rings = None
        self.join(waiting)

    def _ring_ended(self, agent: Agent, waiting: Waiting, outcome: agent_pb2.RingOutcome.ValueType) -> None:
        ended = agent_pb2.AgentRingEnded(
            observation=OBSERVED,
            agent=agent.name,
            outcome=outcome,
            contact_id=waiting.contact.contact_id,
            visit_id=waiting.visit_id,
            queue=waiting.queue,
            endpoint=agent.endpoint,
        )
        self.facts.tell_agent(agent.name, self.agenda.now, agent_ring_ended=ended)
