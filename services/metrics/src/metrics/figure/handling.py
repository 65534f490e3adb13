"""Figures of assignments: how long agents' spells on contacts were, and how many of them were passed on."""

from collections.abc import Callable
from typing import Final

from metrics.evidence.assignment import (
    ASSIGNMENT,
    MISROUTED_SQL,
    PASSED_ON,
    AssignmentRow,
    PassedRow,
    is_misrouted,
)
from metrics.evidence.bridged import BRIDGED, WAS_MISROUTED_SQL, BridgedRow, was_misrouted
from metrics.evidence.evidence import Measure, Subject, Terms
from metrics.evidence.transfer import RECEIVED, TransferRow
from metrics.figure.definition import Count, Definition, Formula, Mean, Share

_BOTH: Final = frozenset({Subject.QUEUE, Subject.AGENT})
_EVERY: Final = frozenset({*_BOTH, Subject.FLOW})


def _spells(name: str, words: str, sql: str, which: Callable[[AssignmentRow], bool]) -> Measure[AssignmentRow]:
    return Measure(name, words, f"({sql})::int", lambda row, _: int(which(row)))


def _length(name: str, words: str, of: Callable[[AssignmentRow], int | None]) -> Measure[AssignmentRow]:
    return Measure(name, words, name, lambda row, _: of(row))


def _handled_length(name: str, words: str, of: Callable[[AssignmentRow], int | None]) -> Measure[AssignmentRow]:
    """Return a length of those spells only that `aht` divides by, so that its parts add up to it."""
    sql = f"case when handle_us > 0 then {name} end"
    return Measure(f"handled_{name}", words, sql, lambda row, _: of(row) if (row.handle_us or 0) > 0 else None)


ASSIGNMENTS: Measure[AssignmentRow] = Measure("assignments", "assignments", "1", lambda _row, _terms: 1)
ENDED = _spells(
    "assignments_ended", "assignments that have ended", "handle_us is not null", lambda row: row.handle_us is not None
)
HANDLED = _spells(
    "assignments_handled", "assignments with handle_duration > 0", "handle_us > 0", lambda row: (row.handle_us or 0) > 0
)
OPEN = _spells("assignments_open", "assignments still open", "handle_us is null", lambda row: row.handle_us is None)
HANDLE = _length("handle_us", "Σ handle_duration", lambda row: row.handle_us)
TALK = _length("talk_us", "Σ talk", lambda row: row.talk_us)
HOLD = _length("hold_us", "Σ hold", lambda row: row.hold_us)
WRAP_UP = _length("wrap_up_us", "Σ wrap-up", lambda row: row.wrap_up_us)


def _figure(name: str, words: str, formula: Formula) -> Definition:
    return Definition(name, 1, words, ASSIGNMENT, formula, _BOTH, OPEN)


LENGTHS: Final = (
    _figure("handled", "Assignments.", Count(ASSIGNMENTS)),
    _figure("aht", "Σ handle_duration / assignments with handle_duration > 0.", Mean(HANDLE, HANDLED)),
    _figure("aht.all", "Σ handle_duration / assignments that have ended, those of no length too.", Mean(HANDLE, ENDED)),
    *(
        _figure(f"aht.{name}", f"Σ {word} / assignments with handle_duration > 0.", Mean(measure, HANDLED))
        for name, word, measure in (
            ("talk", "talk", _handled_length("talk_us", "Σ talk", lambda row: row.talk_us)),
            ("hold", "hold", _handled_length("hold_us", "Σ hold", lambda row: row.hold_us)),
            ("wrap_up", "wrap-up", _handled_length("wrap_up_us", "Σ wrap-up", lambda row: row.wrap_up_us)),
        )
    ),
)


def _passed(name: str, words: str, sql: str, which: Callable[[PassedRow, Terms], bool]) -> Measure[PassedRow]:
    return Measure(name, words, f"coalesce({sql}, false)::int", lambda row, terms: int(which(row, terms)))


SPELLS: Measure[PassedRow] = Measure("spells", "assignments", "1", lambda _row, _terms: 1)
PASSED = _passed(
    "transfers_out", "assignments that ended in a transfer", "passed_reason is not null",
    lambda row, _: row.passed_reason is not None,
)  # fmt: skip


def _because(reason: str) -> Measure[PassedRow]:
    words = f"assignments that ended in a transfer told as {reason}"
    return _passed(
        f"transfers_{reason}", words, f"passed_reason = '{reason}'", lambda row, _: row.passed_reason == reason
    )


def _share(name: str, words: str, part: Measure[PassedRow], *, superseded: bool = False) -> Definition:
    return Definition(name, 1, words, PASSED_ON, Share(part, SPELLS), _EVERY, superseded=superseded)


CONTACTS: Measure[BridgedRow] = Measure(
    "contacts_bridged", "contacts bridged", "is_first::int", lambda row, _: int(row.is_first)
)
MISROUTED: Measure[BridgedRow] = Measure(
    "contacts_misrouted",
    "contacts passed on as a misroute, or soon to another department",
    f"coalesce({WAS_MISROUTED_SQL}, false)::int",
    lambda row, terms: int(was_misrouted(row, terms)),
)


TRANSFERS: Final = (
    _share(
        "transfer_rate", "Assignments with an agent-initiated transfer out that did not fail / assignments.", PASSED
    ),
    *(
        _share(f"transfer_rate.{reason}", f"Of transfer_rate, those told as {reason} / assignments.", _because(reason))
        for reason in ("misroute", "escalation", "authority_limit", "hand_off")
    ),
    _share(
        "misroute_rate",
        "Assignments passed on as a misroute, or within 60 s of the bridge to another queue or department / all.",
        _passed("misrouted", "assignments of misrouted contacts", MISROUTED_SQL, is_misrouted),
        superseded=True,
    ),
    Definition(
        "misroute_rate",
        2,
        "Contacts passed on as a misroute, or within 60 s of the bridge to another department / contacts bridged.",
        BRIDGED,
        Share(MISROUTED, CONTACTS),
        _EVERY,
    ),
)
RECEIVED_ALL: Measure[TransferRow] = Measure("transfers_in", "transfers received", "1", lambda _row, _terms: 1)
COUNTS: Final = (
    Definition("transfers_out", 1, "Assignments passed on by their agent.", PASSED_ON, Count(PASSED), _EVERY),
    Definition("transfers_in", 1, "Transfers that reached it.", RECEIVED, Count(RECEIVED_ALL), _BOTH),
)
DEFINITIONS: Final = (*LENGTHS, *TRANSFERS, *COUNTS)
