"""Sums of measures by subject and part of the interval, in one statement whatever their number.

Each kind of evidence is summed where it lies, by subject and part and over all; `width_bucket` finds the part among
the boundaries that the calendar gave, so that clocks and zones are settled before SQL begins. The sums of several
kinds are joined by subject and part.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from metrics.connection import Connection
from metrics.errors import TooManyRows
from metrics.evidence.evidence import Evidence, Measure
from metrics.figure.definition import Definition, Sums
from metrics.interval.calendar import Part
from metrics.report.question import Question
from metrics.report.statement import Statement, bind, values_of

AT_MOST_ROWS = 50_000
Columns: TypeAlias = Mapping[Evidence[Any], Mapping[str, str]]
"""Aggregates by the evidence they are over: name → SQL."""


@dataclass(frozen=True, slots=True)
class Group:
    """The sums of one subject in one part of the interval."""

    subject: str
    part: Part
    sums: Sums


@dataclass(frozen=True, slots=True)
class Groups:
    """Groups in order of subject and part, and the sums over all of them."""

    rows: tuple[Group, ...]
    total: Sums


def sums_of(*measures: Measure[Any]) -> dict[str, str]:
    """Return the aggregates that sum some measures, name → SQL."""
    return {measure.name: f"coalesce(sum({measure.sql}), 0)::bigint" for measure in measures}


def columns_of(definitions: Iterable[Definition], base: Columns) -> Columns:
    """Return the aggregates that figures read, with those of `base`."""
    found = {evidence: dict(columns) for evidence, columns in base.items()}
    for definition in definitions:
        found.setdefault(definition.evidence, {}).update(definition.columns())
    return found


def statement(question: Question, columns: Columns) -> Statement:
    """Return the one statement that gives `whole, subject, part` and every aggregate."""
    named = [(f"e{place}", evidence, wanted) for place, (evidence, wanted) in enumerate(columns.items())]
    summed = ",\n".join(f"{name} as ({_summed(question, evidence, wanted)})" for name, evidence, wanted in named)
    joined = named[0][0] + "".join(f" full join {name} using (whole, subject, part)" for name, _, _ in named[1:])
    text = f"with {summed}\nselect * from {joined} order by whole, subject, part limit {AT_MOST_ROWS + 2}"
    return bind(text, values_of(question))


async def grouped(connection: Connection, question: Question, columns: Columns) -> Groups:
    """Return the sums by subject and part; TooManyRows beyond AT_MOST_ROWS."""
    asked = await asyncio.to_thread(statement, question, columns)
    records = await connection.fetch(asked.text, *asked.values)
    if len(records) > AT_MOST_ROWS + 1:
        raise TooManyRows
    return await asyncio.to_thread(_groups, records, question.interval.parts())


def _groups(records: Iterable[Any], parts: Sequence[Part]) -> Groups:
    """Return the groups; in a thread, since a year of half-hours has many."""
    listed = [(record["whole"], dict(record)) for record in records]
    rows = tuple(Group(found["subject"], parts[found["part"] - 1], found) for whole, found in listed if not whole)
    return Groups(rows, next(found for whole, found in listed if whole))


def _summed(question: Question, evidence: Evidence[Any], wanted: Mapping[str, str]) -> str:
    shown = "''::text" if question.together else "subject"
    aggregates = ", ".join(f'{sql} as "{name}"' for name, sql in wanted.items())
    source = evidence.source(question.subject, question.interval.credit)
    return f"""
    select grouping(shown) as whole, coalesce(shown, '') as subject, coalesce(part, 0) as part, {aggregates}
    from (select {shown} as shown, width_bucket(credited, {{starts}}) as part, evidence.*
          from ({source}) evidence) placed
    group by grouping sets ((shown, part), ())
    """  # noqa: S608  # texts of this package's evidence and measures; every value is a parameter
