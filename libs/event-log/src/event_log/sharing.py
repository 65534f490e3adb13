"""How instances of a consumer share the partitions of a topic: each by itself, from what all can see; pure.

Every instance has its share, as even as can be: members in order of name, the first of them one partition more where
it does not come out even. Who owns too many gives the highest back, who owns too few takes the lowest that are free. A
partition that stays with its owner costs nothing, so nothing moves that need not.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lease:
    """Who owns a partition, and whether that is over; `epoch` was raised when it was taken."""

    partition: int
    member: str
    epoch: int
    over: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """What an instance does with its leases now: partitions it keeps, takes, and gives back."""

    keep: frozenset[int]
    take: frozenset[int]
    give: frozenset[int]


def share_of(me: str, members: Collection[str], partitions: int) -> int:
    """Return how many partitions an instance may own; it counts as alive whether listed or not."""
    alive = sorted({me, *members})
    each, rest = divmod(partitions, len(alive))
    return each + (alive.index(me) < rest)


def next_turn(me: str, members: Collection[str], leases: Mapping[int, Lease]) -> Turn:
    """Return what to do, given who lives and every partition's lease."""
    alive = {me, *members}
    share = share_of(me, alive, len(leases))
    mine = sorted(number for number, lease in leases.items() if lease.member == me)
    free = sorted(number for number, lease in leases.items() if lease.over or lease.member not in alive)
    taken = [number for number in free if number not in set(mine)][: max(0, share - len(mine))]
    return Turn(frozenset(mine[:share]), frozenset(taken), frozenset(mine[share:]))
