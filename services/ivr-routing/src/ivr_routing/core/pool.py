"""The index that matching asks: for one requirement, who waits and who is available. Never scans.

Waiting contacts stand in a sorted list (their order changes only with priority). Available agents stand in a heap that
is tidied when looked at: an agent has at most one entry, whose rank never is later than the true one (idle times only
grow), so an entry out of date is found at the top and put where it belongs. Becoming unavailable costs nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TypeAlias

from sortedcontainers import SortedList

from ivr_routing.core.agent import Agent
from ivr_routing.core.contact import Contact, Visit
from ivr_routing.core.rules import QueueRules, SkillRequirement
from ivr_routing.core.words import AgentState, MatchingStrategy

Place: TypeAlias = tuple[int, int, int, str]
"""Place of a waiting contact, the earliest first: tier, rank in microseconds, turn, contact."""
Rank: TypeAlias = tuple[int, int, str]
"""Rank of an available agent, the best first: lack of skill, idle since, name."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a waiting contact asks of an agent of its queue at its present step."""

    queue: str
    skills: tuple[SkillRequirement, ...] = ()
    groups: tuple[str, ...] = ()
    agent: str = ""

    def fits(self, agent: Agent) -> bool:
        """Whether an agent who serves the queue may be given such a contact."""
        rules = agent.rules
        return (
            (not self.agent or self.agent == agent.agent)
            and self.queue in rules.queues
            and (not self.groups or not set(self.groups).isdisjoint(rules.groups))
            and all(rules.proficiency(asked.skill) >= asked.proficiency for asked in self.skills)
        )


def requirement_of(visit: Visit, rules: QueueRules, step: int) -> Requirement:
    """Return what a visit asks at a step; the step's own skills stand above what the contact asks for."""
    if not rules.steps and not visit.skills:
        return Requirement(visit.queue)
    stage = rules.step(step)
    asked = {own.skill: own.proficiency - stage.lowered_by for own in visit.skills}
    asked |= {own.skill: own.proficiency for own in stage.skills}
    skills = tuple(SkillRequirement(skill, least) for skill, least in sorted(asked.items()) if least > 0)
    preferred = visit.preferred_agent if stage.preferred_agent_only else ""
    return Requirement(visit.queue, skills, tuple(sorted(stage.groups)), preferred)


def place_of(visit: Visit, contact_id: str, rules: QueueRules) -> Place:
    """Return a visit's place: with ageing a point of priority is worth some waiting time, without it comes first."""
    if rules.ageing_ms:
        return (0, visit.waiting_since_us - visit.priority * rules.ageing_ms * 1_000, visit.turn, contact_id)
    return (-visit.priority, visit.waiting_since_us, visit.turn, contact_id)


class Pool:
    """Who waits for, and who is available to, one requirement of one queue."""

    __slots__ = ("_entered", "_heap", "members", "requirement", "strategy", "waiting")

    def __init__(self, requirement: Requirement, strategy: MatchingStrategy) -> None:
        self.requirement = requirement
        self.strategy = strategy
        self.waiting: SortedList[Place] = SortedList()
        self.members: set[str] = set()
        """Agents who fit, are signed in and reachable."""
        self._heap: list[tuple[Rank, Agent]] = []
        self._entered: dict[str, Rank] = {}
        """The rank that an agent's one entry has; entries with another rank are left-overs."""

    def rank_of(self, agent: Agent) -> Rank:
        """Return an agent's rank by the queue's strategy; lower is better."""
        if self.strategy is MatchingStrategy.LONGEST_IDLE_SINCE_CONTACT:
            return (0, agent.contact_free_since_us, agent.agent)
        if self.strategy is MatchingStrategy.MOST_SKILLED:
            skill = sum(agent.rules.proficiency(asked.skill) for asked in self.requirement.skills)
            return (-skill, agent.idle_since_us, agent.agent)
        return (0, agent.idle_since_us, agent.agent)

    def enter(self, agent: Agent) -> None:
        """An agent who fits became available, or better than before."""
        held = self._entered.get(agent.agent)
        rank = self.rank_of(agent)
        if held is None or rank < held:
            self._entered[agent.agent] = rank
            heappush(self._heap, (rank, agent))

    def anybody(self) -> bool:
        """Whether an agent is available."""
        return self._top() is not None

    def best(self, contact: Contact | None, now_us: int) -> Agent | None:
        """Return the best available agent whom the contact does not exclude; those it does keep their entries."""
        kept: list[tuple[Rank, Agent]] = []
        agent = self._top()
        while agent is not None and contact is not None and contact.excludes(agent.agent, now_us):
            kept.append(heappop(self._heap))
            agent = self._top()
        for entry in kept:
            heappush(self._heap, entry)
        return agent

    def _top(self) -> Agent | None:
        """Return the first who truly is available, at their true rank; what is out of date is mended on the way."""
        heap, entered = self._heap, self._entered
        while heap:
            rank, agent = heap[0]
            true_rank = self.rank_of(agent)
            if rank == true_rank and agent.state is AgentState.AVAILABLE and agent.agent in self.members:
                return agent
            heappop(heap)
            if entered.get(agent.agent) != rank:
                continue
            del entered[agent.agent]
            if agent.state is AgentState.AVAILABLE and agent.agent in self.members:
                self.enter(agent)
        return None

    def first(self, contacts: dict[str, Contact], agent: str, now_us: int) -> Place | None:
        """Return the place of the first waiting contact that may be offered to the agent."""
        return next((place for place in self.waiting if not contacts[place[3]].excludes(agent, now_us)), None)

    def places(self) -> Iterator[Place]:
        """Give the places in their order."""
        return iter(self.waiting)
