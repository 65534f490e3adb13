"""How a scenario is carried out so that its figures have honest intervals: warm-up, side runs, stretches.

A centre remembers: a queue once long stays long for a while. `memory` is how long, from the scenario alone. Arrivals
and staff that do not change are counted from the steady state, after a warm-up of one memory. Where the hours asked
for are many memories, they are cut into stretches (batch means); else further runs with other chance, counted in no
figure, show how far apart such hours lie.
"""

from dataclasses import dataclass
from math import exp, sqrt
from typing import Final

from ivr_routing.simulation.scenario import AgentGroup, Length, Scenario

RUNS: Final = 10
CHEAP_RUNS: Final = 20
"""Where few wait, ten runs may all have met no queue."""
STRETCHES: Final = 30
DAY: Final = 24
"""Hours."""
LONG: Final = 10
"""Memories from which a steady run is cut."""
LONG_ENOUGH: Final = 3
"""The same, where side runs would be dear."""
MOST_ASIDE: Final = 50_000
"""Contacts in so many runs, beyond which they are dear."""
LONG_DAYS: Final = 10
"""Days that a run of changing hours is long enough to be cut, into whole days."""
SETTLING: Final = 4
"""Mean times in service, or of patience, until what began empty has filled."""
MOST_REMEMBERED: Final = 10_000
"""Contacts in a memory: beyond, at about 98 % load, no run would end."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How often a scenario is run, which batches its figures count, and what their intervals must be widened by."""

    warm_up_hours: float
    runs: int
    batches: int
    counted: int
    """The first so many batches make the figures; the others only tell how far apart batches lie."""
    widened: float = 1.0
    """The variance of the mean, times what it would be if batches knew nothing of each other."""


def plan_of(scenario: Scenario) -> Plan:
    """Return how a scenario is carried out."""
    memory = memory_hours(scenario)
    warm_up = scenario.warm_up_hours if scenario.warm_up_hours is not None else memory or 0.0
    if scenario.replications > 1:
        return Plan(warm_up, scenario.replications, scenario.replications, scenario.replications)
    if memory is None and scenario.hours >= LONG_DAYS * DAY:
        days = min(STRETCHES, int(scenario.hours / DAY))
        return Plan(warm_up, 1, days, days)
    dear = memory is None or CHEAP_RUNS * (scenario.hours + memory) * _per_hour(scenario) > MOST_ASIDE
    if memory is not None and scenario.hours >= (LONG_ENOUGH if dear else LONG) * memory:
        return Plan(warm_up, 1, STRETCHES, STRETCHES, _widened(scenario.hours / STRETCHES / memory, STRETCHES))
    runs = RUNS if dear else CHEAP_RUNS
    return Plan(warm_up, runs, runs, 1)


def memory_hours(scenario: Scenario) -> float | None:
    """Return how long a steady centre remembers; None where hours differ, or nothing holds a queue."""
    steady = all(arrivals.poisson_per_hour is not None for arrivals in scenario.arrivals.values())
    if scenario.flows or not steady or any(group.to_hour - group.from_hour < DAY for group in scenario.agents):
        return None
    found = [_memory_seconds(scenario, group) for group in scenario.agents if group.count]
    if not found or None in found:
        return None
    return min(max(each for each in found if each) / 3_600, MOST_REMEMBERED / max(1.0, _per_hour(scenario)))


def _per_hour(scenario: Scenario) -> float:
    return sum(arrivals.poisson_per_hour or 0.0 for arrivals in scenario.arrivals.values())


def _memory_seconds(scenario: Scenario, group: AgentGroup) -> float | None:
    """Return the memory of a group's queues: the relaxation time of M/M/n, or what patience leaves of it.

    h / (n (1 - √load)²): Cohen, The Single Server Queue; impatient callers forget a queue within some patiences.
    """
    queues = set(group.queues)
    agents = sum(other.count for other in scenario.agents if queues & set(other.queues))
    service = {queue: _service_seconds(scenario, queue) for queue in queues}
    rates = {queue: _rate(scenario, queue) / 3_600 for queue in queues}
    load = sum(service[queue] * rates[queue] for queue in queues)
    patience = [_mean_seconds(scenario.patience.get(queue)) for queue in queues]
    bounds = [SETTLING * max(each for each in patience if each)] if all(patience) else []
    if load < agents:
        mean = load / sum(rates.values()) if load else 0.0
        bounds.append(mean / agents / (1 - sqrt(load / agents)) ** 2)
    return max(1.0, SETTLING * max(service.values()), min(bounds)) if bounds else None


def _service_seconds(scenario: Scenario, queue: str) -> float:
    answer = _mean_seconds(scenario.answer_time.get(queue)) or 0.0
    return (_mean_seconds(scenario.handle_time.get(queue)) or 0.0) + answer + scenario.queue(queue).wrap_up_seconds


def _rate(scenario: Scenario, queue: str) -> float:
    arrivals = scenario.arrivals.get(queue)
    return (arrivals.poisson_per_hour or 0.0) if arrivals else 0.0


def _mean_seconds(length: Length | str | None) -> float | None:
    """Return a length's mean, None for infinite."""
    if not isinstance(length, Length):
        return None
    if length.lognormal is not None:
        return length.lognormal.mean_seconds
    values = length.uniform_seconds or length.quantiles_seconds
    if values:
        return (sum(values) - (values[0] + values[-1]) / 2) / (len(values) - 1)
    return length.exponential_mean_seconds or length.constant_seconds or 0.0


def _widened(stretch: float, number: int) -> float:
    """Return the true variance of a run's mean over what its stretches show, if correlation fades by e in a memory.

    `stretch` is in memories. Stretches of one run are alike, and apart from the run's own mean too little.
    """
    one, whole = _variance(stretch), _variance(stretch * number)
    return whole * (number - 1) / (one - whole)


def _variance(length: float) -> float:
    """Return the variance of a mean over `length`, where that of an instant is 1 and correlation is exp(-time)."""
    return 2 / length * (1 - (1 - exp(-length)) / length)
