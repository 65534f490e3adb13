"""The columns of a report from rows in hand, as SQL gives them from tables; no I/O.

For explanations, which have the rows of a figure from events, and for the tests that hold SQL and Python together.
"""

from collections.abc import Iterable
from typing import Any

from metrics.evidence.evidence import SECOND_US, Terms
from metrics.figure.definition import Count, Definition, Largest, Length, LengthShare, Mean, Quantile, Share, Sums


def sums(definition: Definition, rows: Iterable[Any], terms: Terms) -> Sums:
    """Return the columns that a figure reads, from the rows of its evidence."""
    listed = list(rows)
    values = [definition.numerator.of(row, terms) for row in listed]
    divisor = definition.denominator
    over = [] if divisor is None else [divisor.of(row, terms) for row in listed]
    unfinished = definition.unfinished
    also = {unfinished.name: sum(unfinished.of(row, terms) or 0 for row in listed)} if unfinished else {}
    return {**_columns(definition, _told(values), _told(over)), **also}


def _columns(definition: Definition, values: list[int], over: list[int]) -> dict[str, Any]:
    formula = definition.formula
    match formula:
        case Count(of=measure):
            return {measure.name: sum(values)}
        case Share(part=part, whole=whole):
            return {part.name: sum(values), whole.name: sum(over)}
        case Mean(total=total, over=counted):
            squares = sum((value / SECOND_US) ** 2 for value in values)
            return {total.name: sum(values), counted.name: sum(over), formula.squares: squares}
        case Quantile(of=measure, fraction=fraction):
            return {formula.name: _quantile(values, fraction), f"{measure.name}_n": len(values)}
        case Largest(of=measure):
            return {formula.name: max(values, default=None), f"{measure.name}_n": len(values)}
        case Length(of=measure):
            return {measure.name: sum(values) if values else None, f"{measure.name}_n": len(values)}
        case LengthShare(part=part, whole=whole):
            told = {part.name: sum(values) if values else None, whole.name: sum(over) if over else None}
            return {**told, f"{whole.name}_n": len(over)}


def _told(values: Iterable[int | None]) -> list[int]:
    return [value for value in values if value is not None]


def _quantile(values: list[int], fraction: float) -> float | None:
    """Return the value at a fraction of the way through, linear between two, as percentile_cont does."""
    if not values:
        return None
    ordered = sorted(values)
    place = fraction * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
