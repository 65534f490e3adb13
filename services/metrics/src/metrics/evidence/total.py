"""Measures put together from others: A + B - S; no I/O."""

from typing import Any, TypeVar

from metrics.evidence.evidence import Measure, Terms

Row = TypeVar("Row")


def total(name: str, words: str, *added: Measure[Row], less: tuple[Measure[Row], ...] = ()) -> Measure[Row]:
    """Return the sum of some measures of a row, less others; a measure that is None counts as 0."""
    sql = " + ".join(_sql(measure) for measure in added) + "".join(f" - {_sql(measure)}" for measure in less)
    symbol = " + ".join(measure.symbol for measure in added) + "".join(f" - {measure.symbol}" for measure in less)

    def of(row: Row, terms: Terms) -> int:
        plus = sum(measure.of(row, terms) or 0 for measure in added)
        return plus - sum(measure.of(row, terms) or 0 for measure in less)

    return Measure(name, words, f"({sql})", of, symbol)


def _sql(measure: Measure[Any]) -> str:
    return f"coalesce({measure.sql}, 0)"
