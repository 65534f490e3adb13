"""Timelines written as tables of text, one row an event, to the events they tell of.

So a contact from the field can be pasted in as a test, and read. A row is an instant, a type, and the fields told:

    10:00:05      Enqueued     queue=sales priority=2
    10:00:41.250  LegAnswered  leg_id=b1 role=AGENT agent=eva @desktop #17 agent_snapshot.team=north

The instant is a time of day, or ISO 8601 with its date and zone. `@name` is the source, `#17` its count, `id=` the
event id (a UUID; else one is made of the row), `recorded=` our own instant. Enumerations are written as their words,
text with blanks in quotes. Empty rows and rows beginning with `--` are left out.
"""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from contact_life.codec import TYPES
from contact_life.identity import event_id
from contact_life.observed import Observed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = "2026-03-02"


def events_of(text: str, day: str = _DAY, source: str = "pbx") -> list[Observed]:
    """Return the events of a table, positions from 1 in the order written; raise ValueError for a row that is none.

    Times of day are UTC of `day`. An event is recorded a second after it happened, unless its row says otherwise.
    """
    rows = [row.strip() for row in text.splitlines()]
    told = [row for row in rows if row and not row.startswith("--")]
    return [_event(position, row, day, source) for position, row in enumerate(told, 1)]


def _event(position: int, row: str, day: str, source: str) -> Observed:
    """Return the event of one row."""
    instant, name, *fields = shlex.split(row)
    known = TYPES.get(name)
    body: Any = known() if known else None
    marks = {"@": source, "#": "", "id": event_id("table", row, name, str(position)), "recorded": ""}
    for path, value in _pairs(fields):
        if path in marks:
            marks[path] = value
        elif body is not None:
            _tell(body, path, value)
    told_us = _microseconds(instant, day)
    recorded_us = _microseconds(marks["recorded"], day) if marks["recorded"] else told_us + 1_000_000
    seq = int(marks["#"]) if marks["#"] else None
    return Observed(position, marks["id"], name, told_us, recorded_us, marks["@"], seq, body)


def _pairs(fields: list[str]) -> Iterator[tuple[str, str]]:
    """Give path and value of each field; a mark's path is its sign."""
    for field in fields:
        if field[0] in "@#":
            yield field[0], field[1:]
        else:
            path, equals, value = field.partition("=")
            if not equals:
                raise ValueError(f"{field} tells nothing: write it as name=value")
            yield path, value


def _microseconds(instant: str, day: str) -> int:
    """Return an instant in microseconds since 1970 UTC."""
    told = datetime.fromisoformat(instant if "T" in instant else f"{day}T{instant}")
    aware = told if told.tzinfo else told.replace(tzinfo=UTC)
    since = aware - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _tell(body: Any, path: str, value: str) -> None:
    """Set a field, `a.b` within a nested message."""
    *within, name = path.split(".")
    for part in within:
        body = getattr(body, part)
    field = body.DESCRIPTOR.fields_by_name.get(name)
    if field is None:
        raise ValueError(f"{body.DESCRIPTOR.name} has no field {name}")
    if field.message_type is not None and field.message_type.full_name == "google.protobuf.Timestamp":
        getattr(body, name).FromMicroseconds(_microseconds(value, _DAY))
    elif field.enum_type is not None:
        prefix = field.enum_type.values_by_number[0].name.removesuffix("UNSPECIFIED")
        setattr(body, name, field.enum_type.values_by_name[prefix + value.upper()].number)
    elif field.cpp_type == field.CPPTYPE_BOOL:
        setattr(body, name, value == "true")
    elif field.cpp_type == field.CPPTYPE_STRING:
        setattr(body, name, value)
    else:
        setattr(body, name, int(value))
