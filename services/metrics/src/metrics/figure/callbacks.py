"""Figures of callbacks. How often one was offered is told by no event yet, so nothing is said of it."""

from collections.abc import Callable
from typing import Final

from metrics.evidence.callback import CALLBACK, CallbackRow
from metrics.evidence.evidence import Measure, Subject
from metrics.figure.definition import Count, Definition, Share

_QUEUE: Final = frozenset({Subject.QUEUE})


def _callbacks(name: str, words: str, sql: str, which: Callable[[CallbackRow], bool]) -> Measure[CallbackRow]:
    return Measure(name, words, f"coalesce({sql}, false)::int", lambda row, _: int(which(row)))


def _kept(row: CallbackRow) -> bool:
    done, promised = row.completed_time, row.promised_time
    return done is not None and (promised is None or done <= promised)


TAKEN: Final = _callbacks("callbacks_taken", "callbacks asked for", "true", lambda _: True)
KEPT: Final = _callbacks(
    "callbacks_kept",
    "callbacks that reached the customer, within the promise where one was told",
    "completed_time is not null and (promised_time is null or completed_time <= promised_time)",
    _kept,
)
FAILED: Final = _callbacks(
    "callbacks_failed",
    "callbacks given up",
    "failed_time is not null and completed_time is null",
    lambda row: row.failed_time is not None and row.completed_time is None,
)
PENDING: Final = _callbacks(
    "callbacks_pending",
    "callbacks neither reached nor given up",
    "failed_time is null and completed_time is null",
    lambda row: row.failed_time is None and row.completed_time is None,
)
DEFINITIONS: Final = (
    Definition("callback.taken", 1, "Callbacks asked for.", CALLBACK, Count(TAKEN), _QUEUE),
    Definition(
        "callback.kept", 1, "Reached within the promise / asked for.", CALLBACK, Share(KEPT, TAKEN), _QUEUE, PENDING
    ),
    Definition("callback.failed", 1, "Given up / asked for.", CALLBACK, Share(FAILED, TAKEN), _QUEUE, PENDING),
)
