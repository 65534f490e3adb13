"""How fast routing's core decides and simulates, and whether ten thousand agents make a decision dearer than a hundred.

A busy centre is made (agents, queues, contacts that wait already), then contacts come and go through it: admitted,
queued, reserved, accepted, bridged, ended, wrapped up. Each command is a decision; only the core's own CPU time counts.
Sizes are measured one after the other in each round, and ratios are medians over the rounds.

Usage: python -m bench.routing_core [--contacts N] [--rounds N]
"""

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from contact_life import identity
from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core import snapshot
from ivr_routing.core.decide import decide
from ivr_routing.core.rules import AgentRules, QueueRules, QueueStep, SkillRequirement
from ivr_routing.core.state import Core
from ivr_routing.core.words import AgentState, WrapUpKind
from ivr_routing.simulation.scenario import parse
from ivr_routing.simulation.simulate import Simulation

SIZES = (100, 1_000, 10_000)
QUEUES_PER_AGENT = 3
AGENTS_PER_QUEUE = 20
WAITING = 2_000
STEP_US = 1_000
BEGIN_US = 1_700_000_000_000_000
FLOORS = {"decisions a second": 20_000.0, "cost at 10,000 agents / at 100": 1.3, "contacts a second": 3_000.0}


@dataclass
class Centre:
    """A core and its clock; `spent` is CPU time in nanoseconds within decisions, `decided` their number."""

    agents: int
    core: Core = field(default_factory=lambda: Core("bench"))
    now_us: int = BEGIN_US
    spent: int = 0
    decided: int = 0
    contacts: int = 0

    def tell(self, command: c.Command) -> tuple[e.Event, ...]:
        """Decide, and count it."""
        self.now_us += STEP_US
        began = time.process_time_ns()
        events = decide(self.core, command, self.now_us)
        self.spent += time.process_time_ns() - began
        self.decided += 1
        return events

    @property
    def queues(self) -> int:
        """How many queues there are."""
        return max(5, self.agents // AGENTS_PER_QUEUE)

    def open(self) -> None:
        """Make queues and agents, a third of them busy elsewhere, and a crowd in a queue that nobody serves."""
        steps = (QueueStep(0, (SkillRequirement("first", 3),)), QueueStep(20_000))
        rules = QueueRules(steps=steps, ageing_ms=10_000, wrap_up=WrapUpKind.TIMED, wrap_up_ms=200)
        for number in range(self.queues):
            self.tell(c.ConfigureQueue(f"queue-{number}", rules))
        self.tell(c.ConfigureQueue("crowd", QueueRules()))
        for number in range(self.agents):
            serves = tuple(f"queue-{(number + step * 7) % self.queues}" for step in range(QUEUES_PER_AGENT))
            skills = (SkillRequirement("first", 2 + number % 4),)
            self.tell(c.ConfigureAgent(f"agent-{number}", AgentRules(serves, skills)))
            self.tell(c.SignIn(f"agent-{number}", ("sip:1",), AgentState.AVAILABLE))
        for _ in range(WAITING):
            self.arrive("crowd")

    def arrive(self, queue: str) -> tuple[str, tuple[e.Event, ...]]:
        """Let a contact come and wait."""
        self.contacts += 1
        contact_id = identity.contact_id("bench", "pbx", str(self.contacts))
        self.tell(c.AdmitContact(contact_id, "pbx"))
        return contact_id, self.tell(c.QueueContact(contact_id, queue, priority=self.contacts % 3))

    def lives(self) -> Iterator[None]:
        """Let contacts live, so many at once as a third of the agents; one goes on at each turn."""
        live: list[Iterator[None]] = []
        while True:
            if len(live) < max(10, self.agents // 3):
                live.append(self.life(f"queue-{self.contacts % self.queues}"))
            life = live.pop(0)
            if next(life, self) is None:
                live.append(life)
            if (due_us := self.core.next_due_us()) is not None and due_us <= self.now_us:
                self.tell(c.PassTime())
            yield

    def life(self, queue: str) -> Iterator[None]:
        """Let one contact live, a decision at a time."""
        contact_id, events = self.arrive(queue)
        held = next((event for event in events if isinstance(event, e.ReservationCreated)), None)
        yield
        if held is None:
            contact = self.core.contacts.get(contact_id)
            held_id = contact.reservations[0] if contact is not None and contact.reservations else ""
            agent = self.core.reservations[held_id].agent if held_id else ""
        else:
            held_id, agent = held.reservation_id, held.agent
        if held_id in self.core.reservations:
            self.tell(c.RingingBegan(contact_id, held_id, self.now_us))
            yield
            self.tell(c.AcceptReservation(agent, held_id))
            yield
            self.tell(c.CallBridged(contact_id, agent, held_id, self.now_us))
            yield
        self.tell(c.CallerGone(contact_id))


def measure(agents: int, contacts: int) -> tuple[float, float]:
    """Return decisions a CPU second, and microseconds of CPU for each."""
    gc.unfreeze()
    centre = Centre(agents)
    centre.open()
    lives = centre.lives()
    until = centre.contacts + contacts // 5
    while centre.contacts < until:  # until it is as busy as it will be
        next(lives)
    gc.collect()
    gc.freeze()  # as the service does: what lives long is not looked through again and again
    centre.spent = centre.decided = 0
    until = centre.contacts + contacts
    while centre.contacts < until:
        next(lives)
    return centre.decided / centre.spent * 1e9, centre.spent / centre.decided / 1e3


def simulating(contacts: int) -> None:
    """Say how many contacts a CPU second the simulator has, with one queue of fifteen agents."""
    document = {
        "hours": contacts / 180,
        "arrivals": {"main": {"poisson_per_hour": 180}},
        "handle_time": {"main": {"exponential_mean_seconds": 240}},
        "patience": {"main": {"exponential_mean_seconds": 180}},
        "agents": [{"count": 15, "queues": ["main"]}],
    }
    simulation = Simulation(parse(document))
    began = time.process_time()
    for _ in simulation.steps():
        pass
    pace = simulation.contacts / (time.process_time() - began)
    print(f"simulator: {pace:,.0f} contacts a second of one core (floor {FLOORS['contacts a second']:,.0f})")


def restoring(agents: int) -> None:
    """Say how long a snapshot takes to write and to read."""
    gc.unfreeze()
    centre = Centre(agents)
    centre.open()
    kept, wrote = _timed(lambda: snapshot.dump(centre.core))
    _, read = _timed(lambda: snapshot.load("bench", kept))
    waiting = len(centre.core.contacts)
    print(f"snapshot of {agents:,} agents and {waiting:,} contacts: {len(kept) / 1e6:.1f} MB,", end=" ")
    print(f"written in {wrote:.2f} s, read in {read:.2f} s of CPU")


def _timed(work: Callable[[], bytes | Core]) -> tuple[bytes, float]:
    began = time.process_time()
    made = work()
    return made if isinstance(made, bytes) else b"", time.process_time() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--contacts", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=4)
    told = parser.parse_args()
    paces: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(told.rounds):
        for size in SIZES:
            pace, cost = measure(size, told.contacts)
            paces[size].append(pace)
            print(f"  {size:>6,} agents: {pace:>9,.0f} decisions a second, {cost:.1f} µs each", flush=True)
    for size, measured in paces.items():
        spread = f"{min(measured):,.0f} to {max(measured):,.0f}"
        print(f"{size:>6,} agents: {statistics.median(measured):,.0f} decisions a second of one core ({spread})")
    flat = statistics.median(few / many for few, many in zip(paces[SIZES[0]], paces[SIZES[-1]], strict=True))
    slowest = min(statistics.median(measured) for measured in paces.values())
    print(f"decisions a second, at the slowest size: {slowest:,.0f} (floor {FLOORS['decisions a second']:,.0f})")
    name = "cost at 10,000 agents / at 100"
    print(f"{name}: {flat:.2f} (at most {FLOORS[name]})")
    simulating(told.contacts)
    restoring(SIZES[-1])


if __name__ == "__main__":
    main()
