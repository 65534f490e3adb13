"""Figures of first contacts: resolved at the first one, or repeated; N = 7 days."""

from collections.abc import Callable
from typing import Final

from metrics.evidence.evidence import Measure, Subject
from metrics.evidence.repeat import COMING, FIRST, ComingRow, FirstRow
from metrics.figure.definition import Definition, Share

_BOTH: Final = frozenset({Subject.QUEUE, Subject.AGENT})


def _firsts(name: str, words: str, sql: str, which: Callable[[FirstRow], bool]) -> Measure[FirstRow]:
    return Measure(name, words, f"({sql})::int", lambda row, _: int(which(row)))


FIRSTS: Final = _firsts("first_contacts", "first contacts", "true", lambda _: True)
REPEATED: Final = _firsts(
    "first_repeated", "first contacts repeated within N days", "repeated", lambda row: row.repeated
)
ONCE: Final = _firsts(
    "first_resolved",
    "first contacts served (handled or contained) and not repeated within N days",
    "served and not repeated",
    lambda row: row.served and not row.repeated,
)
UNRIPE: Final = _firsts(
    "first_unripe", "first contacts whose N days are not over", "not final", lambda row: not row.final
)
COME: Measure[ComingRow] = Measure("coming", "contacts that came by themselves", "1", lambda _row, _terms: 1)
KNOWN: Measure[ComingRow] = Measure(
    "coming_known", "of these, customer and reason known", "known::int", lambda row, _: int(row.known)
)
DEFINITIONS: Final = (
    Definition(
        "fcr",
        1,
        "First contacts served and without a repeat in 7 days / first contacts; final when the 7 days are over.",
        FIRST,
        Share(ONCE, FIRSTS),
        _BOTH,
        UNRIPE,
    ),
    Definition(
        "repeat_rate",
        1,
        "First contacts repeated by the same person for the same reason within 7 days / first contacts.",
        FIRST,
        Share(REPEATED, FIRSTS),
        _BOTH,
        UNRIPE,
    ),
    Definition(
        "fcr.coverage",
        1,
        "Contacts with known customer and reason / contacts that came by themselves: how much fcr speaks of.",
        COMING,
        Share(KNOWN, COME),
        _BOTH,
    ),
)
