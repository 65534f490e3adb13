"""Lines of a queue_log by call, however they are strewn over the file and however large it is.

The lines wait in a temporary database on disk, which is gone with its connection; memory holds one call at a time.
"""

import sqlite3
from collections.abc import Iterator
from itertools import groupby
from types import TracebackType
from typing import Self, cast

from holdfast.call_events.v1.observation_pb2 import TimePrecision
from holdfast_cli.importing.queue_log_line import QueueLogLine

_BATCH = 2_000
_SEPARATOR = "\x1f"
_TABLE = (
    "CREATE TABLE line (call TEXT, time_us INTEGER, precision INTEGER, queue TEXT, agent TEXT, verb TEXT, data TEXT)"
)
_ORDER = "SELECT * FROM line ORDER BY call, time_us, verb, queue, agent, data"


class CallSpool:
    """Takes lines in any order and gives them back call by call; lines of no call come first, in order of time."""

    def __init__(self) -> None:
        """Begin empty."""
        self._connection = sqlite3.connect("")
        self._connection.execute(_TABLE)
        self._waiting: list[tuple[str, int, int, str, str, str, str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()

    def add(self, line: QueueLogLine) -> None:
        """Keep a line."""
        kept = (line.call, line.time_us, int(line.precision), line.queue, line.agent, line.verb)
        self._waiting.append((*kept, _SEPARATOR.join(line.data)))
        if len(self._waiting) >= _BATCH:
            self._flush()

    def calls(self) -> int:
        """Return how many calls there are."""
        self._flush()
        (count,) = self._connection.execute("SELECT count(DISTINCT call) FROM line WHERE call <> ''").fetchone()
        return int(count)

    def by_call(self) -> Iterator[tuple[str, Iterator[QueueLogLine]]]:
        """Give each call, the empty one first, with its lines by their stamps."""
        self._flush()
        rows = map(_line, self._connection.execute(_ORDER))
        yield from groupby(rows, key=lambda line: line.call)

    def _flush(self) -> None:
        self._connection.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?, ?, ?)", self._waiting)
        self._waiting.clear()


def _line(row: tuple[str, int, int, str, str, str, str]) -> QueueLogLine:
    call, time_us, precision, queue, agent, verb, data = row
    parts = tuple(data.split(_SEPARATOR)) if data else ()
    return QueueLogLine(time_us, cast(TimePrecision.ValueType, precision), call, queue, agent, verb, parts)
