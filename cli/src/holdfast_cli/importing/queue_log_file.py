"""A queue_log as Asterisk writes it to a file, or as its table is exported, line by line.

- the file: `time|callid|queue|agent|event|data…`, times in seconds since 1970;
- the table as CSV: `time,callid,queuename,agent,event,data1,…,data5`, with or without a header line (which may name
  the columns in another order and others beside them) and the row's number before it, commas, semicolons or tabs,
  quoted or not, times as text; an older table has all data in one column, parted by bars;
- the table as psql prints it, between bars.
"""

import csv
from collections.abc import Callable, Iterator
from datetime import tzinfo
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

from holdfast_cli.importing.errors import NotThisFormat
from holdfast_cli.importing.lines import Line, lines_of
from holdfast_cli.importing.oddities import Oddities
from holdfast_cli.importing.queue_log_line import MalformedLine, QueueLogLine, read_line

ODDITIES: Final = {
    "blank_line": "a line without anything in it",
    "malformed_line": "a line that is none of a queue_log; left out",
    "truncated_last_line": "the file ends within a line; left out",
    "unknown_verb:<verb>": "an event that the importer does not know; left out",
    "no_agent": "an event about an agent that names none; left out",
    "no_call": "an event about a call that names none; left out",
    "told_length_differs": "the wait or talk told differs by more than 2 s from the stamps; the told one counts",
    "connect_without_enter": "a call left a queue that it was not seen to enter; its start is taken from the told wait",
    "connect_before_enter": "a call was connected or left by its stamp before it entered; the told wait counts",
    "complete_without_connect": "a talk ended that was not seen to begin; its start is taken from the told length",
    "second_end": "a visit or talk was told to end again; left out",
    "still_waiting": "a call that still waits at the end of the file",
    "still_talking": "a call that is still connected at the end of the file",
    "repeated_line": "a line that stood there before, word for word; left out",
}
"""What may be odd about a queue_log, by name."""

LOOKED_AT: Final = 50
_ORDER: Final = ("time", "callid", "queuename", "agent", "event", "data1", "data2", "data3", "data4", "data5")
_SAME: Final = {
    "queue": "queuename",
    "verb": "event",
    "call_id": "callid",
    "uniqueid": "callid",
    "time_id": "time",
    "created": "time",
    "data": "data1",
}
"""Other names of columns; they count where the usual one is missing."""
_DATA_FROM: Final = _ORDER.index("data1")
_RULES: Final = frozenset("-+=| ")

Split: TypeAlias = Callable[[str], list[str]]


def queue_log_lines(path: Path, zone: tzinfo, oddities: Oddities) -> Iterator[tuple[Line, QueueLogLine]]:
    """Give the lines of a queue_log; counts what is none. Raises CannotRead, NotThisFormat (before the first)."""
    lines = lines_of(path)
    first = list(islice(lines, LOOKED_AT))
    split, header = _how_to_split(path, first, zone)
    for source in (first, lines):
        for line in source:
            told = _read(line, split, header, zone, oddities)
            if told is not None:
                yield line, told


def _read(line: Line, split: Split, header: int, zone: tzinfo, oddities: Oddities) -> QueueLogLine | None:
    if line.number <= header or not line.text.strip() or _RULES.issuperset(line.text):
        if not line.text:
            oddities.add("blank_line", line.number)
        return None
    try:
        return read_line(split(line.text), zone)
    except MalformedLine:
        oddities.add("malformed_line" if line.ended else "truncated_last_line", line.number)
        return None


def _how_to_split(path: Path, first: list[Line], zone: tzinfo) -> tuple[Split, int]:
    """Return how to take the fields from a line, and the number of the header line (0 if none)."""
    by_header: list[Split] = []
    header = 0
    for line in first:
        plain = _splits(line.text)
        named = [split for split in (_named(split, line.text) for split in plain) if split is not None]
        if named:
            by_header, header = named[:1], line.number
            continue
        for split in by_header or plain:
            if _reads(split, line.text, zone):
                return split, header
    raise NotThisFormat(
        f"{path.name} is no queue_log: none of its lines up to {len(first)} is one. Give Asterisk's queue_log file "
        "(time|callid|queue|agent|event|data…) or its table as CSV (time,callid,queuename,agent,event,data1,…,data5)."
    )


def _reads(split: Split, text: str, zone: tzinfo) -> bool:
    try:
        read_line(split(text), zone)
    except MalformedLine:
        return False
    return True


def _splits(text: str) -> list[Split]:
    """Return how a line may be parted, likeliest first: by bars, or by commas, semicolons or tabs around bars."""
    delimiter = max(",;\t", key=text.count)
    plain: list[Split] = [_bars] if "|" in text else []
    plain.append(partial(_columns, delimiter))
    return plain + [partial(_after_number, split) for split in plain]


def _columns(delimiter: str, text: str) -> list[str]:
    try:
        return [field.strip() for field in next(csv.reader([text], delimiter=delimiter), [])]
    except csv.Error:
        raise MalformedLine("it is no line of a table") from None


def _after_number(split: Split, text: str) -> list[str]:
    """Leave out the first field: a table numbers its rows there."""
    return split(text)[1:]


def _bars(text: str) -> list[str]:
    """Part by bars; psql's table has blanks around fields, and some print a bar at both ends."""
    fields = [field.strip() for field in text.split("|")]
    return fields[1:] if fields and not fields[0] else fields


def _named(split: Split, text: str) -> Split | None:
    """Return how to take the columns that a header names, in our order; None if the line is no header."""
    try:
        told = [name.lower() for name in split(text)]
    except MalformedLine:
        return None
    names = [name if _SAME.get(name, name) in told else _SAME.get(name, name) for name in told]
    return partial(_by_header, split, names) if {"callid", "event"} <= set(names) else None


def _by_header(split: Split, names: list[str], text: str) -> list[str]:
    """Take the columns in our order; missing ones are empty. A column of all data counts where no other tells any."""
    fields = split(text)
    if len(fields) < len([name for name in names if name]) // 2:
        raise MalformedLine("it has too few columns")
    told = dict(reversed(list(zip(names, fields, strict=False))))
    ordered = [told.get(name, "") for name in _ORDER]
    return ordered if any(ordered[_DATA_FROM:]) else [*ordered[:_DATA_FROM], told.get("data", "")]
