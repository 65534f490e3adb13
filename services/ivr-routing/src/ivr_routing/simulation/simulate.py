"""A whole simulation: every replication of a scenario, and its figures."""

import time
from collections.abc import Callable
from typing import Any, Final

from ivr_routing.simulation.counting import Counting
from ivr_routing.simulation.run import Run, Witness
from ivr_routing.simulation.scenario import Scenario

STEPS_BETWEEN: Final = 5_000
"""Things that happen between two words on how far it is."""


def simulate(
    scenario: Scenario, *, on_progress: Callable[[float, int], None] | None = None, witness: Witness | None = None
) -> dict[str, Any]:
    """Simulate a scenario; return its figures by their names. The same scenario gives the same figures.

    `on_progress` is told the share done (0 to 1) and the contacts so far; `witness` sees all that was decided.
    """
    began = time.perf_counter()
    counting, contacts = Counting(scenario), 0
    for replication in range(scenario.replications):
        counting.begin(replication)
        run = Run(scenario, replication, counting, witness)
        steps = 0
        while run.step():
            steps += 1
            if on_progress is not None and steps % STEPS_BETWEEN == 0:
                on_progress((replication + run.share) / scenario.replications, contacts + run.contacts)
        contacts += run.contacts
    seconds = time.perf_counter() - began
    return {
        "queues": {name: tally.figures() for name, tally in counting.queues.items()},
        "contacts": contacts,
        "simulated_hours": scenario.hours * scenario.replications,
        "seed": scenario.seed,
        "seconds": seconds,
        "contacts_per_second": contacts / seconds if seconds else 0.0,
    }
