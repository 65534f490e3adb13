"""Chance that falls the same on every machine.

Of Python's generator only `random()` is promised to stay as it is between versions, and no function of the
mathematics library rounds the same everywhere; so all draws here are whole numbers made from `random()` alone.
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

_T = TypeVar("_T")


class Chance:
    """Draws by a seed: the same seed, the same draws."""

    def __init__(self, seed: str) -> None:
        """Begin a row of draws."""
        self._random = Random(seed)  # noqa: S311 - a simulation, no secret

    def below(self, limit: int) -> int:
        """Return a whole number from 0 to below the limit, each as likely."""
        return int(self._random.random() * limit)

    def between(self, least: int, most: int) -> int:
        """Return a whole number from `least` to `most`, both included."""
        return least + self.below(most - least + 1)

    def happens(self, per_thousand: int) -> bool:
        """Whether something happens that happens so often."""
        return self.below(1000) < per_thousand

    def one_of(self, choices: Sequence[_T]) -> _T:
        """Return one of several, each as likely."""
        return choices[self.below(len(choices))]

    def weighted(self, choices: Sequence[tuple[_T, int]]) -> _T:
        """Return one of several by their weights."""
        drawn = self.below(sum(weight for _, weight in choices))
        for choice, weight in choices:
            drawn -= weight
            if drawn < 0:
                return choice
        raise AssertionError("weights are not below zero")

    def length_ms(self, deciles: Sequence[int]) -> int:
        """Return a length in milliseconds, given its least, its nine deciles and its most in seconds."""
        place = self.below(len(deciles) - 1)
        return self.between(deciles[place] * 1000, deciles[place + 1] * 1000)
