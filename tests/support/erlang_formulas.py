"""Erlang C and Erlang A by their own sums, independent of any simulation.

Erlang C: M/M/n with endless patience. Erlang A: M/M/n+M with exponential patience, the stationary distribution of the
birth-death chain summed until nothing is left.
"""

from dataclasses import dataclass
from math import exp

_NEGLIGIBLE = 1e-14


@dataclass(frozen=True, slots=True)
class Expected:
    """What a formula gives. `asa_seconds` of Erlang C is over all; of Erlang A `mean_wait_seconds` is."""

    waited_share: float
    mean_wait_seconds: float
    occupancy: float
    abandon_rate: float = 0.0
    service_level: float = 0.0


def erlang_c(agents: int, load: float, handle_seconds: float, threshold_seconds: float) -> Expected:
    """Return what n agents give at an offered load in erlangs below n."""
    blocked = 1.0
    for number in range(1, agents + 1):
        blocked = load * blocked / (number + load * blocked)
    waits = blocked / (1 - (load / agents) * (1 - blocked))
    level = 1 - waits * exp(-(agents - load) * threshold_seconds / handle_seconds)
    return Expected(waits, waits * handle_seconds / (agents - load), load / agents, 0.0, level)


def erlang_a(agents: int, per_second: float, handle_seconds: float, patience_seconds: float) -> Expected:
    """Return what n agents give to callers of exponential patience, at any load."""
    weights, number = [1.0], 0
    while True:
        number += 1
        leaving = min(number, agents) / handle_seconds + max(0, number - agents) / patience_seconds
        weights.append(weights[-1] * per_second / leaving)
        if number > agents and weights[-1] < _NEGLIGIBLE * max(weights):
            break
    whole = sum(weights)
    shares = [weight / whole for weight in weights]
    queued = sum((place - agents) * share for place, share in enumerate(shares) if place > agents)
    busy = sum(min(place, agents) * share for place, share in enumerate(shares))
    waits = sum(share for place, share in enumerate(shares) if place >= agents)
    return Expected(waits, queued / per_second, busy / agents, queued / patience_seconds / per_second)
