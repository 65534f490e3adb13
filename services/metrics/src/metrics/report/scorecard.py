"""One agent's figures: over all evidence, over what was in their hands, and what was left out and why.

Evidence that is marked stays in the first and leaves the second; nothing is hidden. Rings and states carry no marks: a
ring that could not be heard is no evidence about anybody, and says so by its own name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from metrics.connection import Connection
from metrics.evidence.outside import OF_SPELLS
from metrics.evidence.survey import OF_SURVEYS
from metrics.figure.definition import Definition, Figure, Sums, figure
from metrics.report.grouped import columns_of
from metrics.report.marks import AT_MOST, MARKED_RATINGS, MARKED_SPELLS, NAMES, Mark, marks
from metrics.report.question import Question
from metrics.report.statement import bind, values_of

_MARKED: Final = {
    "assignment": (MARKED_SPELLS, tuple(one.name for one in OF_SPELLS)),
    "survey": (MARKED_RATINGS, tuple(one.name for one in OF_SURVEYS)),
}
"""The evidence that carries marks, by fact: its SQL, and which marks it may have."""
ALWAYS: Final = (
    "Long handle time alone means nothing: look at what the contacts were about.",
    "Figures are one part of an evaluation; what customers, reviews and the agent say stand beside them.",
)
NO_STATES: Final = "No source tells this agent's states, so nothing is said of time signed in, ready or away."


@dataclass(frozen=True, slots=True)
class ScorecardFigure:
    """A figure twice, and how many observations each mark left out of the second."""

    all: Figure
    in_agents_hands: Figure
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Scorecard:
    """An agent's figures, the marks behind what was left out, and words that belong beside them."""

    figures: tuple[ScorecardFigure, ...]
    marks: tuple[Mark, ...]
    notes: tuple[str, ...]


async def scorecard(connection: Connection, question: Question, definitions: Iterable[Definition]) -> Scorecard:
    """Return the scorecard of the one agent in the question's scope."""
    wanted = tuple(definitions)
    everything: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for text in _texts(question, wanted):
        asked = bind(text, values_of(question))
        for record in await connection.fetch(asked.text, *asked.values):
            _add(everything, dict(record))
            if not record["outside"]:
                _add(own, dict(record))
    figures = tuple(_figure(definition, everything, own, question.minimum_n) for definition in wanted)
    found = await marks(connection, question)
    return Scorecard(figures, found, _notes(figures, found))


def _texts(question: Question, wanted: tuple[Definition, ...]) -> Iterable[str]:
    """Return a statement for each fact whose rows carry marks, and one for each other kind of evidence."""
    for fact, (rows, names) in _MARKED.items():
        if marked := [definition for definition in wanted if definition.evidence.name == fact]:
            columns = {name: sql for found in columns_of(marked, {}).values() for name, sql in found.items()}
            yield f"""
            select {" or ".join(names)} as outside, {_listed({**columns, **_left_out(marked, names)})}
            from ({rows}) marked group by 1
            """  # noqa: S608  # texts of this package; every value is a parameter
    others = [definition for definition in wanted if definition.evidence.name not in _MARKED]
    for evidence, aggregates in columns_of(others, {}).items():
        source = evidence.source(question.subject, question.interval.credit)
        yield f"select false as outside, {_listed(aggregates)} from ({source}) evidence"  # noqa: S608  # our own texts


def _listed(columns: Mapping[str, str]) -> str:
    return ", ".join(f'{sql} as "{name}"' for name, sql in columns.items()) or "1 as nothing"


def _left_out(marked: Iterable[Definition], names: Iterable[str]) -> dict[str, str]:
    """Return the observations of each figure that each mark leaves out, name → SQL."""
    measures = {_observed(definition).name: _observed(definition).sql for definition in marked}
    return {
        f"{measure}_{name}": f"coalesce(sum({sql}) filter (where {name}), 0)::bigint"
        for measure, sql in measures.items()
        for name in names
    }


def _observed(definition: Definition) -> Any:
    return definition.denominator or definition.numerator


def _figure(definition: Definition, everything: Sums, own: Sums, minimum_n: int) -> ScorecardFigure:
    observed = _observed(definition).name
    left_out = {name: int(everything.get(f"{observed}_{name}") or 0) for name in NAMES}
    return ScorecardFigure(
        figure(definition, everything, minimum_n),
        figure(definition, own, minimum_n),
        {name: count for name, count in left_out.items() if count},
    )


def _add(sums: dict[str, Any], record: Mapping[str, Any]) -> None:
    for name, value in record.items():
        if name != "outside" and value is not None:
            sums[name] = sums.get(name, 0) + value


def _notes(figures: Iterable[ScorecardFigure], found: tuple[Mark, ...]) -> tuple[str, ...]:
    listed = tuple(figures)
    lacking = [one.all.name for one in listed if one.all.insufficient_evidence and one.all.value is not None]
    notes = [*ALWAYS]
    if lacking:
        notes.append(f"Insufficient evidence to conclude anything from {', '.join(lacking)}.")
    if any(one.all.name == "occupancy" and one.all.value is None for one in listed):
        notes.append(NO_STATES)
    if len({mark.assignment_id for mark in found}) >= AT_MOST:
        notes.append(f"Of the marked contacts the latest {AT_MOST} are named; all of them count.")
    return tuple(notes)
