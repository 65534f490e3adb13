"""Which faults come when: a seed decides all of it; pure.

Rounds follow each other; the faults of a round are there at the same time, on parts that do not exclude each other.
Every kind comes once before any comes again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

MOST_AT_ONCE = 3
"""Faults of one round."""
ALONE = 0.4
"""The chance that a round has one fault alone."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: its name, the rows of the table of faults that it stands for, and the parts it takes for itself.

    `weight`: how often it comes, in proportion, once every kind has come.
    """

    name: str
    stands_for: str
    takes: frozenset[str]
    weight: int = 4


def rounds(chance: Random, kinds: Sequence[Kind]) -> Iterator[tuple[Kind, ...]]:
    """Yield rounds for ever."""
    waiting = _shuffled(chance, kinds)
    while True:
        if not waiting:
            weights = [kind.weight for kind in kinds]
            waiting = chance.choices(kinds, weights, k=len(kinds))
        together = _together(waiting, 1 if chance.random() < ALONE else chance.randint(2, MOST_AT_ONCE))
        for kind in together:
            waiting.remove(kind)
        yield together


def _together(waiting: Sequence[Kind], most: int) -> tuple[Kind, ...]:
    """Return the first that waits and as many of the next as do not need what is taken."""
    chosen: list[Kind] = []
    taken: frozenset[str] = frozenset()
    for kind in waiting:
        if len(chosen) < most and not kind.takes & taken:
            chosen.append(kind)
            taken |= kind.takes
    return tuple(chosen)


def _shuffled(chance: Random, kinds: Sequence[Kind]) -> list[Kind]:
    return chance.sample(list(kinds), len(kinds))
