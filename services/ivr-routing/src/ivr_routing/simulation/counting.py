"""Counts a simulation as it runs: what became of each visit, and how agents spent their time. Never asks the core."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ivr_routing.core.agent import Agent
from ivr_routing.core.words import AgentState
from ivr_routing.simulation.chance import HOUR_US, SECOND_US
from ivr_routing.simulation.planning import Plan
from ivr_routing.simulation.scenario import Scenario
from ivr_routing.simulation.tally import Counts, QueueTally
from ivr_routing.simulation.walking import FlowTally

NOT_COUNTED: Final = -1
_BUSY: Final = (AgentState.ON_CONTACT, AgentState.WRAP_UP)


@dataclass(slots=True)
class _Visit:
    tally: QueueTally
    enqueued_us: int
    batch: int
    waited: bool = True


class Counting:
    """Counts one scenario over all its runs; instants are microseconds from a run's beginning."""

    def __init__(self, scenario: Scenario, plan: Plan) -> None:
        self._plan = plan
        self._from_us = round(plan.warm_up_hours * HOUR_US)
        self._length_us = round(scenario.hours * HOUR_US)
        self._run = 0
        self.contacts = 0
        """Who arrived where figures are counted."""
        self.queues = {name: self._tally(scenario, name) for name in scenario.queue_names}
        self.flows = {name: FlowTally() for name in scenario.flows}
        self.walked = self.flows
        """Where flows are counted now."""
        self._wrap_up_us = {name: scenario.queue(name).wrap_up_seconds * SECOND_US for name in scenario.queue_names}
        self._visits: dict[str, _Visit] = {}
        self._serves: dict[str, list[QueueTally]] = {}

    def begin(self, run: int) -> None:
        """Begin a run, from 0: nobody is there yet."""
        self._run = run
        self.walked = (
            self.flows if self._batch(self._from_us) < self._plan.counted else {n: FlowTally() for n in self.flows}
        )
        self._visits.clear()
        self._serves.clear()

    def employ(self, agent: str, queues: tuple[str, ...]) -> None:
        """An agent serves these queues."""
        self._serves[agent] = [self.queues[queue] for queue in dict.fromkeys(queues)]

    def arrived(self, now_us: int) -> None:
        """A contact arrived."""
        self.contacts += NOT_COUNTED < self._batch(now_us) < self._plan.counted

    def enqueued(self, contact_id: str, queue: str, now_us: int) -> None:
        """A visit began."""
        self._visits[contact_id] = _Visit(self.queues[queue], now_us, self._batch(now_us))

    def offered(self, contact_id: str, now_us: int) -> None:
        """A contact was reserved for an agent; who is at the very instant of the enqueue did not wait for one."""
        visit = self._visits[contact_id]
        visit.waited = visit.waited and now_us > visit.enqueued_us

    def dequeued(self, contact_id: str, now_us: int, *, answered: bool = False, left: bool = False) -> None:
        """A visit is over."""
        visit = self._visits.pop(contact_id)
        if visit.batch != NOT_COUNTED:
            wait_us = now_us - visit.enqueued_us
            visit.tally.ended(visit.batch, wait_us, answered=answered, left=left, waited=visit.waited)

    def handled(self, contact_id: str, queue: str, talk_us: int) -> None:
        """A contact is answered in a queue, and its talk will last so long."""
        batch = self._visits[contact_id].batch
        if batch != NOT_COUNTED:
            self.queues[queue].batches[batch].handle_us += talk_us + round(self._wrap_up_us[queue])

    def spell(self, agent: str, state: AgentState, since_us: int, until_us: int) -> None:
        """An agent was in a state for a while; what lies outside the counted time is left out."""
        if state is AgentState.AVAILABLE or state in _BUSY:
            since_us = max(since_us, self._from_us)
            until_us = min(until_us, self._from_us + self._length_us)
            while since_us < until_us:
                batch = self._batch(since_us)
                ends_us = until_us if self._plan.runs > 1 else min(until_us, self._ends(batch))
                self._spent(agent, batch, ends_us - since_us, busy=state in _BUSY)
                since_us = ends_us

    def finish(self, agents: Iterable[Agent], now_us: int, begins_us: int) -> None:
        """The run is over: what agents do now has lasted until now."""
        for agent in agents:
            self.spell(
                agent.agent, agent.state, agent.since_us - begins_us, max(now_us, self._from_us + self._length_us)
            )

    def _spent(self, agent: str, batch: int, length_us: int, *, busy: bool) -> None:
        for tally in self._serves.get(agent, ()):
            if busy:
                tally.batches[batch].busy_us += length_us
            else:
                tally.batches[batch].available_us += length_us

    def _batch(self, now_us: int) -> int:
        place = now_us - self._from_us
        if not 0 <= place < self._length_us:
            return NOT_COUNTED
        return self._run if self._plan.runs > 1 else place * self._plan.batches // self._length_us

    def _ends(self, batch: int) -> int:
        """Return the first instant after a batch of one long run."""
        return self._from_us + -(-(batch + 1) * self._length_us // self._plan.batches)

    def _tally(self, scenario: Scenario, name: str) -> QueueTally:
        queue = scenario.queue(name)
        threshold_us = round(queue.service_level_threshold_seconds * SECOND_US)
        short_us = round(queue.short_abandon_seconds * SECOND_US)
        batches = [Counts() for _ in range(self._plan.batches)]
        return QueueTally(threshold_us, short_us, self._plan.counted, self._plan.widened, batches)
