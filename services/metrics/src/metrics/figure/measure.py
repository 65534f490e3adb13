"""What one fact adds to a figure: an integer, told twice in one place.

A measure stands as SQL, by which reports sum millions of facts where they lie, and as a Python function of the same
row, by which an explanation computes a figure again from the events alone. A property test holds the two together.
None (null) means that the fact does not take part. Lengths are microseconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Row_contra = TypeVar("Row_contra", contravariant=True)
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US


@dataclass(frozen=True, slots=True)
class Terms:
    """The thresholds a report is asked with, in microseconds, and the instant up to which anything is known.

    In SQL each stands as `{name}`. Every comparison with a threshold is ≤, but for the superseded figures that say so.
    """

    now_us: int
    threshold_us: int = 20 * SECOND_US
    short_abandon_us: int = 5 * SECOND_US
    min_ring_us: int = 8 * SECOND_US
    long_wait_us: int = 120 * SECOND_US
    misroute_within_us: int = 60 * SECOND_US
    repeat_within_us: int = 7 * DAY_US


@dataclass(frozen=True, slots=True)
class Measure(Generic[Row_contra]):
    """One integer of a row: its name (a column of reports), what it counts, its SQL, and the same in Python.

    The SQL is an expression over the columns of its evidence, with terms as `{threshold_us}`.
    """

    name: str
    words: str
    sql: str
    of: Callable[[Row_contra, Terms], int | None]
