"""A whole simulation: every replication of a scenario, and its figures."""

import time
from collections.abc import Iterator
from typing import Any, Final

from ivr_routing.simulation.counting import Counting
from ivr_routing.simulation.run import TENANT, Run, Witness
from ivr_routing.simulation.scenario import Scenario

STEPS_BETWEEN: Final = 1_000
"""Things that happen between two words on how far it is."""


class Simulation:
    """A scenario to be simulated once; the same scenario gives the same figures."""

    def __init__(self, scenario: Scenario, *, tenant: str = TENANT, witness: Witness | None = None) -> None:
        """`witness` sees all that is decided; ids are those of the tenant."""
        self.contacts = 0
        self._scenario = scenario
        self._tenant = tenant
        self._witness = witness
        self._counting = Counting(scenario)
        self._seconds = 0.0

    def steps(self) -> Iterator[float]:
        """Simulate; give the share done, 0 to 1, now and then. Time between two words is not counted as ours."""
        replications = self._scenario.replications
        for replication in range(replications):
            self._counting.begin(replication)
            run = Run(self._scenario, replication, self._counting, tenant=self._tenant, witness=self._witness)
            before, goes_on = self.contacts, True
            while goes_on:
                goes_on = self._some(run)
                self.contacts = before + run.contacts
                yield (replication + run.share) / replications

    def _some(self, run: Run) -> bool:
        began = time.perf_counter()
        goes_on = all(run.step() for _ in range(STEPS_BETWEEN))
        self._seconds += time.perf_counter() - began
        return goes_on

    def figures(self) -> dict[str, Any]:
        """Return what was counted, by the names of the figures."""
        return {
            "queues": {name: tally.figures() for name, tally in self._counting.queues.items()},
            "flows": {name: tally.figures() for name, tally in self._counting.flows.items()},
            "contacts": self.contacts,
            "simulated_hours": self._scenario.hours * self._scenario.replications,
            "seed": self._scenario.seed,
            "seconds": self._seconds,
            "contacts_per_second": self.contacts / self._seconds if self._seconds else 0.0,
        }


def simulate(scenario: Scenario, *, witness: Witness | None = None) -> dict[str, Any]:
    """Simulate a scenario to its end and return its figures."""
    simulation = Simulation(scenario, witness=witness)
    for _ in simulation.steps():
        pass
    return simulation.figures()
