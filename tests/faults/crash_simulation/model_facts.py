"""The database of readers: a cursor for each partition, fenced by an epoch, and what was counted of each event.

A transaction is a call: whoever dies before it has done nothing, whoever dies after it has done it all.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from metrics.follow.places import Move


class Refused(Exception):
    """A cursor is not where, or not whose, the writer thinks: nothing of the transaction stands."""


@dataclass(slots=True)
class ModelFacts:
    """What stands; `counted` says how often each event had its effect, `order` in which order."""

    partitions: int
    positions: list[int] = field(init=False)
    epochs: list[int] = field(init=False)
    offsets: list[int] = field(init=False)
    counted: Counter[int] = field(default_factory=Counter)
    order: list[list[int]] = field(init=False)

    def __post_init__(self) -> None:
        """Begin at the beginning, owned by nobody."""
        self.positions, self.epochs, self.offsets = ([0] * self.partitions for _ in range(3))
        self.order = [[] for _ in range(self.partitions)]

    def take(self, partition: int) -> int:
        """Give a partition to a new owner, and return the epoch it may write under."""
        self.epochs[partition] += 1
        return self.epochs[partition]

    def check(self, moves: Sequence[Move], *, fenced: bool) -> None:
        """Raise Refused unless all cursors are where and whose they should be."""
        for move in moves:
            owned = self.epochs[move.partition] == move.epoch and self.positions[move.partition] == move.held
            if fenced and not owned:
                raise Refused

    def move(self, moves: Sequence[Move]) -> None:
        """Move cursors."""
        for move in moves:
            self.positions[move.partition] = move.to
            self.offsets[move.partition] = move.next_offset or self.offsets[move.partition]

    def count(self, partition: int, position: int) -> None:
        """Let an event have its effect."""
        self.counted[position] += 1
        self.order[partition].append(position)
