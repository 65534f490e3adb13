"""What kinds of evidence there are: rows of facts with a subject, a crediting instant and a key; no I/O.

A source is SQL that gives one row for each piece of evidence of a subject within an interval, with the columns
`subject, credited, contact_id, fact_id` and those its measures read. Placeholders stand in braces: the scope's
(`tenant, from_us, to_us, subjects, team, queues`), the parts' (`starts, ends`) and the terms'. Every placeholder
becomes a parameter of the statement; no value is ever written into the text.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")
RowIn_contra = TypeVar("RowIn_contra", contravariant=True)
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US


class Subject(enum.StrEnum):
    """What a figure is about."""

    QUEUE = "queue"
    AGENT = "agent"
    FLOW = "flow"
    FLOW_PATH = "flow_path"
    """A flow by the nodes that were passed in it: the figures of FLOW, cut finer."""


class Credit(enum.StrEnum):
    """Which instant of a queue visit credits it to an interval."""

    ENQUEUE = "enqueue"
    END = "end"


@dataclass(frozen=True, slots=True)
class Terms:
    """The thresholds a report is asked with, in microseconds, and the instant up to which anything is known.

    Every comparison with a threshold is ≤, but for the superseded figures that say so.
    """

    now_us: int
    threshold_us: int = 20 * SECOND_US
    short_abandon_us: int = 5 * SECOND_US
    min_ring_us: int = 8 * SECOND_US
    long_wait_us: int = 120 * SECOND_US
    misroute_within_us: int = 60 * SECOND_US
    repeat_within_us: int = 7 * DAY_US


@dataclass(frozen=True, slots=True)
class Measure(Generic[RowIn_contra]):
    """One integer of a row, told twice in one place: as SQL and as Python of the same columns.

    Reports sum the SQL over millions of facts where they lie; an explanation computes the figure again from events
    alone by the Python. A property test holds the two together. None (null) means that the row does not take part.
    `name` is the column of reports; lengths end in `_us` and are microseconds. `symbol` stands for it in formulas.
    """

    name: str
    words: str
    sql: str
    of: Callable[[RowIn_contra, Terms], int | None]
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Evidence(Generic[Row]):
    """A kind of evidence: the fact it is found in, its sources by subject and credit, and its row in Python."""

    name: str
    words: str
    subjects: frozenset[Subject]
    source: Callable[[Subject, Credit], str]
    row: type[Row]


def within(*instants: str) -> str:
    """Return the SQL condition that the first told of some instants lies in the interval, fit for an index on each."""
    ways: list[str] = []
    for place, instant in enumerate(instants):
        untold = "".join(f"{earlier} is null and " for earlier in instants[:place])
        ways.append(f"({untold}{instant} >= {{from_us}} and {instant} < {{to_us}})")
    return f"({' or '.join(ways)})"


def first_told(*instants: str) -> str:
    """Return the SQL of the first told of some instants."""
    return instants[0] if len(instants) == 1 else f"coalesce({', '.join(instants)})"


def among(column: str) -> str:
    """Return the SQL condition that a column is one of the subjects asked for, or that all are."""
    return f"({{subjects}} is null or {column} = any({{subjects}}))"
