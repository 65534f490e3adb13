"""All that one tenant shard's core knows, with the indexes that matching asks. Changed by evolve alone.

What the indexes hold follows from the rest, so a snapshot leaves them out.
"""

from collections import OrderedDict
from typing import Final

from contact_life import identity
from ivr_routing.core.agent import Agent
from ivr_routing.core.contact import Contact
from ivr_routing.core.due import Due, DueKind, Dues
from ivr_routing.core.pool import Pool, Requirement, place_of, requirement_of
from ivr_routing.core.queue import Queue
from ivr_routing.core.reservation import Reservation
from ivr_routing.core.rules import AgentRules
from ivr_routing.core.source import Doubt
from ivr_routing.core.words import AgentState

CORE_VERSION: Final = 5
"""Raised when the same events give another state: snapshots of other versions are thrown away."""
MOST_IDLE_POOLS: Final = 256
"""Pools of a queue that may stay without anybody waiting."""


class Core:
    """State of one tenant shard: contacts, agents, queues, reservations, what is due."""

    __slots__ = (
        "agents",
        "ages",
        "contacts",
        "doubts",
        "dues",
        "finished",
        "pools_of",
        "queues",
        "reservations",
        "serving",
        "tenant",
    )

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.contacts: dict[str, Contact] = {}
        self.finished: OrderedDict[str, int] = OrderedDict()
        """Ids of finished contacts, and until when they are remembered; in this order."""
        self.reservations: dict[str, Reservation] = {}
        self.agents: dict[str, Agent] = {}
        self.queues: dict[str, Queue] = {}
        self.doubts: dict[str, list[Doubt]] = {}
        """Gaps of sources that have not said what lives, by source; the latest last."""
        self.dues = Dues()
        self.ages = False
        """Whether the longest life of a contact is awaited."""
        self.serving: dict[str, dict[str, None]] = {}
        """Index: the agents whose rules name a queue, signed in or not, by queue."""
        self.pools_of: dict[str, dict[Pool, None]] = {}
        """Index: the pools that an agent fits; none unless signed in and reachable."""

    def next_due_us(self) -> int | None:
        """Return when something is due next, if anything; it may turn out not to matter any more."""
        return self.dues.heap[0][0] if self.dues.heap else None

    def agent_of(self, agent: str) -> Agent:
        """Return an agent, made when first heard of."""
        known = self.agents.get(agent)
        if known is None:
            known = self.agents[agent] = Agent(agent, identity.agent_id(self.tenant, agent))
        return known

    # ---- agents in their pools

    def configure_agent(self, agent: Agent, rules: AgentRules) -> None:
        """Give an agent other rules."""
        self.drop_agent(agent)
        for name in agent.rules.queues:
            self.serving.get(name, {}).pop(agent.agent, None)
        agent.rules = rules
        for name in rules.queues:
            self.serving.setdefault(name, {})[agent.agent] = None
        self.index_agent(agent)

    def index_agent(self, agent: Agent) -> None:
        """Bring an agent's pools to what their rules and state say now."""
        self.drop_agent(agent)
        if not agent.staffed:
            return
        for name in dict.fromkeys(agent.rules.queues):
            if (queue := self.queues.get(name)) is not None:
                queue.members[agent.agent] = None
                for pool in queue.pools.values():
                    self._join(pool, agent)

    def drop_agent(self, agent: Agent) -> None:
        """Take an agent out of every pool and queue."""
        for pool in self.pools_of.pop(agent.agent, ()):
            pool.members.discard(agent.agent)
        for name in agent.rules.queues:
            if (queue := self.queues.get(name)) is not None:
                queue.members.pop(agent.agent, None)

    def _join(self, pool: Pool, agent: Agent) -> None:
        if not pool.requirement.fits(agent):
            return
        pool.members.add(agent.agent)
        self.pools_of.setdefault(agent.agent, {})[pool] = None
        if agent.state is AgentState.AVAILABLE:
            pool.enter(agent)

    # ---- contacts in their pools

    def pool(self, queue: Queue, requirement: Requirement) -> Pool:
        """Return the pool of a requirement, made when first asked for; then its agents are looked through once."""
        pool = queue.pools.get(requirement)
        if pool is None:
            self._make_room(queue)
            pool = queue.pools[requirement] = Pool(requirement, queue.rules.strategy)
            candidates = (requirement.agent,) if requirement.agent else tuple(queue.members)
            for name in candidates:
                if name in queue.members:
                    self._join(pool, self.agents[name])
        return pool

    def pool_of(self, contact: Contact) -> Pool:
        """Return the pool that a waiting contact belongs to at its step."""
        visit = contact.visit
        assert visit is not None
        queue = self.queues[visit.queue]
        asked = (visit.step, visit.skills, visit.preferred_agent)
        pool = queue.asked.get(asked)
        if pool is None:
            pool = queue.asked[asked] = self.pool(queue, requirement_of(visit, queue.rules, visit.step))
        return pool

    def place(self, contact: Contact) -> None:
        """Let a contact wait where its visit says."""
        visit = contact.visit
        assert visit is not None
        self.pool_of(contact).waiting.add(place_of(visit, contact.contact_id, self.queues[visit.queue].rules))

    def displace(self, contact: Contact) -> None:
        """Let a contact wait no longer."""
        visit = contact.visit
        assert visit is not None
        queue = self.queues[visit.queue]
        pool = self.pool_of(contact)
        pool.waiting.discard(place_of(visit, contact.contact_id, queue.rules))
        if pool.requirement.agent and not pool.waiting:
            self._remove_pool(queue, pool)

    def index_queue(self, queue: Queue) -> None:
        """Make a queue's pools anew after its rules changed: costs as much as it has agents and contacts, once."""
        for pool in list(queue.pools.values()):
            self._remove_pool(queue, pool)
        queue.members.clear()
        for name in self.serving.get(queue.queue, ()):
            if self.agents[name].staffed:
                queue.members[name] = None
        for contact in self.contacts_in(queue):
            visit = contact.visit
            assert visit is not None
            visit.step = min(visit.step, queue.rules.last_step)
            if contact.waits:
                self.place(contact)

    def contacts_in(self, queue: Queue) -> list[Contact]:
        """Return the contacts in a queue, offered ones included, in the order of the log; looks at all contacts."""
        if not queue.size:
            return []
        inside = [contact for contact in self.contacts.values() if contact.visit and contact.visit.queue == queue.queue]
        return sorted(inside, key=lambda contact: contact.visit.turn if contact.visit else 0)

    def _make_room(self, queue: Queue) -> None:
        if len(queue.pools) >= MOST_IDLE_POOLS:
            for pool in [pool for pool in queue.pools.values() if not pool.waiting]:
                self._remove_pool(queue, pool)

    def _remove_pool(self, queue: Queue, pool: Pool) -> None:
        del queue.pools[pool.requirement]
        queue.asked.clear()
        for name in pool.members:
            del self.pools_of[name][pool]

    # ---- dues

    def tidy(self) -> None:
        """Drop dues that no longer matter, if there are many."""
        self.dues.tidy(self.matters)

    def matters(self, due: Due) -> bool:
        """Whether something that will be due still can do anything."""
        due_us, _, kind, key = due
        if kind is DueKind.RESERVATION:
            held = self.reservations.get(key)
            return held is not None and held.deadline_us == due_us
        if kind is DueKind.SPELL:
            agent = self.agents.get(key)
            return agent is not None and agent.due_us == due_us
        if kind is DueKind.DOUBT:
            return any(held.due_us == due_us for held in self.doubts.get(key, ()))
        if kind is DueKind.CONTACT:
            return True
        contact = self.contacts.get(key)
        return contact is not None and contact.visit is not None
