"""What a figure is: its name, version, formula and the evidence it counts, and how sums become a value; no I/O.

A figure is read from sums of measures (`Sums`, a report's columns by name), never from other ratios, so that figures
over several intervals, queues or agents are pooled. Lengths enter as microseconds and leave as seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from metrics.evidence.evidence import SECOND_US, Evidence, Measure, Subject
from metrics.figure.estimate import Span, normal, wilson

Sums: TypeAlias = Mapping[str, Any]
"""Columns of a report by name: int, or float for squares and percentiles, or None where nothing was observed."""
MINIMUM_N = 30


@dataclass(frozen=True, slots=True)
class Reading:
    """A value with what it was made of. `value` is None where there is nothing to divide by."""

    value: float | None
    numerator: float
    denominator: float
    n: int
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """How many."""

    of: Measure[Any]
    unit = "count"
    interval = "none: it is counted, not estimated"

    def columns(self) -> dict[str, str]:
        """Return the aggregates it reads, name → SQL."""
        return {self.of.name: _sum(self.of)}

    def read(self, sums: Sums) -> Reading:
        """Return the count."""
        counted = _whole(sums, self.of.name)
        return Reading(float(counted), float(counted), 1.0, counted)


@dataclass(frozen=True, slots=True)
class Share:
    """A proportion: of the observations in `whole`, those in `part`."""

    part: Measure[Any]
    whole: Measure[Any]
    unit = "ratio"
    interval = "95 % Wilson"

    def columns(self) -> dict[str, str]:
        """Return the aggregates it reads, name → SQL."""
        return {self.part.name: _sum(self.part), self.whole.name: _sum(self.whole)}

    def read(self, sums: Sums) -> Reading:
        """Return part / whole."""
        part, whole = _whole(sums, self.part.name), _whole(sums, self.whole.name)
        return Reading(part / whole if whole else None, float(part), float(whole), whole, wilson(part, whole))


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean, of lengths in seconds or of ratings: the sum of `total`, in millionths, over what `over` counts."""

    total: Measure[Any]
    over: Measure[Any]
    unit: str = "seconds"
    interval = "95 % normal"

    @property
    def squares(self) -> str:
        """Name of the column with the sum of squares, in the square of its unit."""
        return f"{self.total.name}_squares"

    def columns(self) -> dict[str, str]:
        """Return the aggregates it reads, name → SQL."""
        squares = f"coalesce(sum((({self.total.sql})::double precision / {SECOND_US}) ^ 2), 0)"
        return {self.total.name: _sum(self.total), self.over.name: _sum(self.over), self.squares: squares}

    def read(self, sums: Sums) -> Reading:
        """Return total / over."""
        n, seconds = _whole(sums, self.over.name), _whole(sums, self.total.name) / SECOND_US
        span = normal(seconds, float(sums.get(self.squares) or 0.0), n)
        return Reading(seconds / n if n else None, seconds, float(n), n, span)


@dataclass(frozen=True, slots=True)
class Quantile:
    """The length in seconds that a fraction of the observations does not exceed; linear between two of them."""

    of: Measure[Any]
    fraction: float
    unit = "seconds"
    interval = "none"

    @property
    def name(self) -> str:
        """Name of its column."""
        return f"{self.of.name}_p{round(self.fraction * 100)}"

    def columns(self) -> dict[str, str]:
        """Return the aggregates it reads, name → SQL."""
        quantile = f"percentile_cont({self.fraction}) within group (order by ({self.of.sql})::double precision)"
        return {self.name: quantile, f"{self.of.name}_n": f"count({self.of.sql})"}

    def read(self, sums: Sums) -> Reading:
        """Return the quantile."""
        return _positional(sums, self.name, f"{self.of.name}_n")


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest length in seconds."""

    of: Measure[Any]
    unit = "seconds"
    interval = "none"

    @property
    def name(self) -> str:
        """Name of its column."""
        return f"{self.of.name}_max"

    def columns(self) -> dict[str, str]:
        """Return the aggregates it reads, name → SQL."""
        return {self.name: f"max({self.of.sql})", f"{self.of.name}_n": f"count({self.of.sql})"}

    def read(self, sums: Sums) -> Reading:
        """Return the largest."""
        return _positional(sums, self.name, f"{self.of.name}_n")


@dataclass(frozen=True, slots=True)
class Length:
    """A length in seconds, added up."""

    of: Measure[Any]
    unit = "seconds"
    interval = "none: it is measured, not estimated"

    def columns(self) -> dict[str, str]:
        """Return the aggregates it reads, name → SQL; null where nothing was told."""
        return {self.of.name: f"sum({self.of.sql})::bigint", f"{self.of.name}_n": f"count({self.of.sql})"}

    def read(self, sums: Sums) -> Reading:
        """Return the sum; None where nothing was told."""
        n = _whole(sums, f"{self.of.name}_n")
        seconds = _whole(sums, self.of.name) / SECOND_US
        return Reading(seconds if n else None, seconds, 1.0, n)


@dataclass(frozen=True, slots=True)
class LengthShare:
    """The share of one length in another; no interval: the instants of one spell are not independent observations."""

    part: Measure[Any]
    whole: Measure[Any]
    unit = "ratio"
    interval = "none: instants of one spell are no independent observations"

    def columns(self) -> dict[str, str]:
        """Return the aggregates it reads, name → SQL; null where nothing was told."""
        n = {f"{self.whole.name}_n": f"count({self.whole.sql})"}
        return {
            self.part.name: f"sum({self.part.sql})::bigint",
            self.whole.name: f"sum({self.whole.sql})::bigint",
            **n,
        }

    def read(self, sums: Sums) -> Reading:
        """Return part / whole; None where nothing was told."""
        part, whole = _whole(sums, self.part.name), _whole(sums, self.whole.name)
        value = part / whole if whole and sums.get(self.part.name) is not None else None
        return Reading(value, part / SECOND_US, whole / SECOND_US, _whole(sums, f"{self.whole.name}_n"))


Formula: TypeAlias = Count | Share | Mean | Quantile | Largest | Length | LengthShare


@dataclass(frozen=True, slots=True)
class Definition:
    """A figure: one name, one formula, a version. `unfinished` counts the observations that can still change it."""

    name: str
    version: int
    words: str
    evidence: Evidence[Any]
    formula: Formula
    subjects: frozenset[Subject]
    unfinished: Measure[Any] | None = None
    superseded: bool = False

    @property
    def reference(self) -> str:
        """The name it is asked for by: name@version."""
        return f"{self.name}@{self.version}"

    @property
    def numerator(self) -> Measure[Any]:
        """The measure that is summed, or looked at."""
        match self.formula:
            case Share(part=measure) | LengthShare(part=measure) | Mean(total=measure):
                return measure
            case Count(of=measure) | Quantile(of=measure) | Largest(of=measure) | Length(of=measure):
                return measure

    @property
    def denominator(self) -> Measure[Any] | None:
        """The measure that is divided by; None for what is no quotient."""
        match self.formula:
            case Share(whole=measure) | LengthShare(whole=measure) | Mean(over=measure):
                return measure
            case Count() | Quantile() | Largest() | Length():
                return None

    def columns(self) -> dict[str, str]:
        """Return the aggregates it reads, name → SQL over its evidence."""
        also = {self.unfinished.name: _sum(self.unfinished)} if self.unfinished else {}
        return {**self.formula.columns(), **also}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure's value with what is needed to judge it."""

    definition: Definition
    reading: Reading
    insufficient_evidence: bool
    provisional: bool

    @property
    def name(self) -> str:
        """Its one name."""
        return self.definition.name

    @property
    def value(self) -> float | None:
        """Its value; None where it is undefined."""
        return self.reading.value


def figure(definition: Definition, sums: Sums, minimum_n: int = MINIMUM_N) -> Figure:
    """Return a figure from a report's columns. A count or a length is a fact: it needs no minimum n."""
    reading = definition.formula.read(sums)
    estimated = not isinstance(definition.formula, Count | Length)
    unfinished = _whole(sums, definition.unfinished.name) if definition.unfinished else 0
    too_little = estimated and reading.n < minimum_n
    return Figure(definition, reading, too_little, unfinished > 0)


def _sum(measure: Measure[Any]) -> str:
    return f"coalesce(sum({measure.sql}), 0)::bigint"


def _whole(sums: Sums, name: str) -> int:
    return int(sums.get(name) or 0)


def _positional(sums: Sums, name: str, counted: str) -> Reading:
    value, n = sums.get(name), _whole(sums, counted)
    seconds = None if value is None else float(value) / SECOND_US
    return Reading(seconds, seconds or 0.0, 1.0, n)
