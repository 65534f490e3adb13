"""A question about figures, as understood: whose, about what, when, with which thresholds; no I/O."""

from collections.abc import Iterable
from dataclasses import dataclass

from metrics.errors import InvalidNames, InvalidThreshold
from metrics.evidence.evidence import DAY_US, Subject, Terms
from metrics.figure.definition import MINIMUM_N
from metrics.interval.interval import Interval

AT_MOST_NAMES = 1_000
LONGEST_NAME = 200
LARGEST_MINIMUM = 1_000_000


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose facts, and which: a tenant's, of some subjects (None: all).

    For agents also: what one team did (None: any), and what came from some queues (None: any).
    """

    tenant: str
    subjects: tuple[str, ...] | None = None
    team: str | None = None
    queues: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `together` wants one row for all subjects."""

    subject: Subject
    scope: Scope
    interval: Interval
    terms: Terms
    minimum_n: int = MINIMUM_N
    together: bool = False


def named(names: Iterable[str]) -> tuple[str, ...] | None:
    """Return names each once, or None for none (which asks for all); InvalidNames for what can be no name."""
    found = tuple(dict.fromkeys(names))
    if len(found) > AT_MOST_NAMES or not all(map(is_name, found)):
        raise InvalidNames
    return found or None


def is_name(text: str) -> bool:
    """Whether a text can name something: not too long, and without the character that Postgres keeps in no text."""
    return len(text) <= LONGEST_NAME and "\0" not in text


def threshold_us(told_us: int | None, default_us: int) -> int:
    """Return a threshold as told, or the default; InvalidThreshold if it is negative or beyond a day."""
    found = default_us if told_us is None else told_us
    if not 0 <= found <= DAY_US:
        raise InvalidThreshold
    return found


def minimum(told: int) -> int:
    """Return the least n to conclude from; 0 asks for the default."""
    if not 0 <= told <= LARGEST_MINIMUM:
        raise InvalidThreshold
    return told or MINIMUM_N
