"""A whole simulation: every run of a scenario, and its figures."""

import time
from collections.abc import Iterator
from typing import Any, Final

from ivr_routing.simulation.counting import Counting
from ivr_routing.simulation.planning import plan_of
from ivr_routing.simulation.run import TENANT, Run, Witness
from ivr_routing.simulation.scenario import Scenario

STEPS_BETWEEN: Final = 1_000
"""Things that happen between two words on how far it is."""


class Simulation:
    """A scenario to be simulated once; the same scenario gives the same figures."""

    def __init__(self, scenario: Scenario, *, tenant: str = TENANT, witness: Witness | None = None) -> None:
        """`witness` sees all that is decided in what is counted, and its warm-up; ids are those of the tenant."""
        self.contacts = 0
        """Simulated so far, whether counted or not."""
        self._scenario = scenario
        self._plan = plan_of(scenario)
        self._tenant = tenant
        self._witness = witness
        self._counting = Counting(scenario, self._plan)
        self._seconds = 0.0

    def steps(self) -> Iterator[float]:
        """Simulate; give the share done, 0 to 1, now and then. Time between two words is not counted as ours."""
        plan = self._plan
        for number in range(plan.runs):
            self._counting.begin(number)
            witness = self._witness if number < plan.counted else None
            run = Run(self._scenario, plan, number, self._counting, tenant=self._tenant, witness=witness)
            before, goes_on = self.contacts, True
            while goes_on:
                goes_on = self._some(run)
                self.contacts = before + run.contacts
                yield (number + run.share) / plan.runs

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
            "contacts": self._counting.contacts,
            "simulated_hours": self._scenario.hours * self._scenario.replications,
            "warm_up_hours": self._plan.warm_up_hours,
            "seed": self._scenario.seed,
            "simulated_contacts": self.contacts,
            "seconds": self._seconds,
            "contacts_per_second": self.contacts / self._seconds if self._seconds else 0.0,
        }


def simulate(scenario: Scenario, *, witness: Witness | None = None) -> dict[str, Any]:
    """Simulate a scenario to its end and return its figures."""
    simulation = Simulation(scenario, witness=witness)
    for _ in simulation.steps():
        pass
    return simulation.figures()
