"""Chance of a simulated phone system: everything from one seed, by name, so that parts do not disturb each other."""

import random
from collections.abc import Sequence
from uuid import UUID

from holdfast_connectors.simulated.scenario import Scenario


class Chance:
    """A source of chance of its own for each name."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario

    def of(self, name: str) -> random.Random:
        """Return the source of chance of a name: the same one for the same seed."""
        return random.Random(f"{self._scenario.seed} {name}")  # noqa: S311  # repeatable is the point


def length(chance: random.Random, mean_seconds: float) -> float:
    """Return an exponential length in seconds."""
    return chance.expovariate(1 / mean_seconds)


def new_id(chance: random.Random) -> UUID:
    """Return an id."""
    return UUID(int=chance.getrandbits(128), version=4)


class Unreliable:
    """The fate of events on a line that loses, repeats and delays; in a gap it loses all of them."""

    def __init__(self, scenario: Scenario, chance: random.Random) -> None:
        self._scenario = scenario
        self._chance = chance
        self.gap = False

    def __call__(self) -> Sequence[float]:
        """Return after how many seconds the event is told, once for each."""
        if self.gap or self._chance.random() < self._scenario.lost_share:
            return ()
        late = self._chance.random() < self._scenario.late_share
        first = self._scenario.late_seconds if late else 0.0
        if self._chance.random() < self._scenario.twice_share:
            return (first, first + self._scenario.late_seconds)
        return (first,)
