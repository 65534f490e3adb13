"""Figures of agents' time: signed in, ready, busy, away. Undefined without a source of agent states."""

from collections.abc import Callable
from typing import Final

from metrics.evidence.evidence import Measure, Subject
from metrics.evidence.state import STATE, StateRow
from metrics.figure.definition import Definition, Length, LengthShare

_AGENT: Final = frozenset({Subject.AGENT})


def _time(name: str, words: str, of: Callable[[StateRow], int | None]) -> Measure[StateRow]:
    return Measure(name, words, name, lambda row, _: of(row))


BUSY: Final = _time("busy_us", "on_contact and wrap_up, their union on the wall clock", lambda row: row.busy_us)
READY: Final = _time("ready_us", "on_contact, wrap_up and available", lambda row: row.ready_us)
STAFFED: Final = _time("staffed_us", "signed in", lambda row: row.staffed_us)
AWAY: Final = _time("away_us", "not_ready or unreachable in every queue", lambda row: row.away_us)
APART: Final = (
    ("available", _time("available_us", "available", lambda row: row.available_us)),
    ("reserved", _time("reserved_us", "reserved", lambda row: row.reserved_us)),
    ("held_for_reconnect", _time("held_us", "held_for_reconnect", lambda row: row.held_us)),
    ("not_ready", _time("not_ready_us", "not_ready", lambda row: row.not_ready_us)),
    ("unreachable", _time("unreachable_us", "unreachable", lambda row: row.unreachable_us)),
)
DEFINITIONS: Final = (
    Definition(
        "occupancy",
        1,
        "Union of on_contact and wrap_up / (that + available), clipped to the interval; other states stand apart.",
        STATE,
        LengthShare(BUSY, READY),
        _AGENT,
    ),
    Definition("staffed_duration", 1, "Time signed in.", STATE, Length(STAFFED), _AGENT),
    Definition("shrinkage", 1, "not_ready and unreachable / signed in.", STATE, LengthShare(AWAY, STAFFED), _AGENT),
    *(
        Definition(f"{name}_duration", 1, f"Time {name} in at least one queue.", STATE, Length(measure), _AGENT)
        for name, measure in APART
    ),
)
