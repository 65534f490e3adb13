"""SQL with named placeholders, bound to parameters: the one way a value gets into a statement; no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

from metrics.report.question import Question

_TYPES = {
    "tenant": "text",
    "subjects": "text[]",
    "team": "text",
    "queues": "text[]",
    "starts": "bigint[]",
    "ends": "bigint[]",
    "contact": "text",
    "fact": "text",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """A text with $1, $2, … and their values in order."""

    text: str
    values: tuple[Any, ...]


def bind(text: str, values: Mapping[str, Any]) -> Statement:
    """Return the text with each `{name}` made a parameter of its type (bigint if no other is known for the name)."""
    names = list(dict.fromkeys(name for _, name, _, _ in Formatter().parse(text) if name is not None))
    places = {name: f"${place}::{_TYPES.get(name, 'bigint')}" for place, name in enumerate(names, 1)}
    return Statement(text.format(**places), tuple(values[name] for name in names))


def values_of(question: Question) -> dict[str, Any]:
    """Return the values of every placeholder that sources and measures know."""
    interval, scope, terms = question.interval, question.scope, question.terms
    parts = interval.parts()
    return {
        "tenant": scope.tenant,
        "subjects": None if scope.subjects is None else list(scope.subjects),
        "team": scope.team,
        "queues": None if scope.queues is None else list(scope.queues),
        "from_us": interval.from_us,
        "to_us": interval.to_us,
        "starts": [part.start_us for part in parts],
        "ends": [part.end_us for part in parts],
        "now_us": terms.now_us,
        "threshold_us": terms.threshold_us,
        "short_abandon_us": terms.short_abandon_us,
        "min_ring_us": terms.min_ring_us,
        "long_wait_us": terms.long_wait_us,
        "misroute_within_us": terms.misroute_within_us,
        "repeat_within_us": terms.repeat_within_us,
    }
