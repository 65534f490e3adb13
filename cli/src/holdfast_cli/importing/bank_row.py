"""One row of the bank's call archive of 1999: its columns, typed, and its instants put in order.

The archive tells times of day without a date and lengths beside them. An instant is placed by the nearest difference,
modulo 24 hours, to the instant before it in the call's life, so that calls over midnight come out right; a length that
the row tells is the length between its two instants, exactly. Pure: no file, no clock, no event.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

DAY: Final = 86_400
_NEAR_MIDNIGHT: Final = 300
"""Seconds around midnight within which 0:00:00 may be a time of day; elsewhere it means that none was told."""

_ROUNDED: Final = frozenset("eE+.")

COLUMNS: Final = (
    "vru+line", "call_id", "customer_id", "priority", "type", "date",
    "vru_entry", "vru_exit", "vru_time",
    "q_start", "q_exit", "q_time", "outcome",
    "ser_start", "ser_exit", "ser_time", "server",
)  # fmt: skip

OUTCOMES: Final = frozenset({"AGENT", "HANG", "PHANTOM"})

ODDITIES: Final = {
    "blank_line": "a line without anything in it",
    "malformed_line": "a line that is no row; left out",
    "truncated_last_line": "the file ends within a row, or in what may be half the name of a server; left out",
    "time_untold": "a time of day is empty or none; taken from the others of its step",
    "length_odd": "a length is empty or not written in whole seconds; if it says none, the instants count",
    "priority_odd": "a priority is no whole number; taken as 0",
    "type_untold": "a row without a type; its queue has no name",
    "server_untold": "a row without a server; taken as NO_SERVER",
    "extra_columns": "a row with more columns than the format has; the rest is not read",
    "phantom": "a virtual call that the archive says to ignore; left out",
    "unknown_outcome": "an outcome other than AGENT, HANG and PHANTOM; left out",
    "duplicate_row": "a row with the same date, line and call id as an earlier one",
    "customer_id_rounded": "a customer id that a spreadsheet rounded (3.06E+08); the customer stays unknown",
    "negative_ivr_time": "the IVR was left before it was entered; kept as told",
    "midnight_crossing": "the call ended on another date than it began",
    "vru_time_mismatch": "vru_time is not vru_exit - vru_entry; the instants count",
    "q_time_mismatch": "q_time is not q_exit - q_start; q_time counts",
    "ser_time_mismatch": "ser_time is not ser_exit - ser_start; ser_time counts",
    "negative_length": "q_time or ser_time below zero; the instants count",
    "service_before_queue_exit": "service began before the queue was left; kept as told",
    "service_before_ivr_exit": "service without queueing began before the IVR was left; kept as told",
    "service_instants_untold": "answered, but when is not told; taken as the end of the wait",
    "zero_service_time": "an answered call of no length",
    "no_server_answered": "answered by an agent who is not named",
    "overlapping_service": "an agent's service began before an earlier one of theirs was over; both are kept",
    "hang_with_service": "the caller hung up, yet a service is told; the service is left out",
}
"""What may be odd about a row, by name. Each is counted; none but those that say so keeps the row from being told."""


class MalformedRow(ValueError):
    """A line is no row; the text says which column and why."""


class Row(NamedTuple):
    """A row, typed. Times of day are seconds from midnight, lengths seconds; ids are as told."""

    line: str
    call: str
    customer: str
    priority: int
    queue: str
    date: str
    vru_entry: int
    vru_exit: int
    vru_time: int
    q_start: int
    q_exit: int
    q_time: int
    outcome: str
    ser_start: int
    ser_exit: int
    ser_time: int
    server: str

    @property
    def native_id(self) -> str:
        """The archive's own name of the call: a call id alone comes back on other lines and days."""
        return f"{self.date}/{self.line}/{self.call}"


class Instants(NamedTuple):
    """The instants of a call in seconds from the local midnight its date begins with; None where it had none."""

    entry: int
    flow_exit: int
    enqueued: int | None
    dequeued: int | None
    answered: int | None
    ended: int | None


def is_rounded(customer: str) -> bool:
    """Whether a spreadsheet made a number of an id and kept its first digits only: such an id is many people's."""
    return not _ROUNDED.isdisjoint(customer)


def nearest(time_of_day: int, instant: int) -> int:
    """Return the instant nearest to another one at which a clock shows a time of day."""
    return instant + (time_of_day - instant + DAY // 2) % DAY - DAY // 2


def instants_of(row: Row, odd: Callable[[str], None]) -> Instants:
    """Return when things happened to a call; `odd` is told the name of each oddity."""
    flow_exit = nearest(row.vru_exit, row.vru_entry)
    if flow_exit < row.vru_entry:
        odd("negative_ivr_time")
    if (row.vru_exit - row.vru_entry - row.vru_time) % DAY:
        odd("vru_time_mismatch")
    enqueued, dequeued = _wait(row, flow_exit, odd)
    answered, ended = _service(row, flow_exit if dequeued is None else dequeued, odd)
    last = max(flow_exit, dequeued or flow_exit, ended or flow_exit)
    if last // DAY != 0 or flow_exit < 0:
        odd("midnight_crossing")
    return Instants(row.vru_entry, flow_exit, enqueued, dequeued, answered, ended)


def _wait(row: Row, flow_exit: int, odd: Callable[[str], None]) -> tuple[int | None, int | None]:
    """Return when the queue was entered and left; answered without queueing is a wait of no length."""
    if not _queued(row, flow_exit):
        return (flow_exit, flow_exit) if row.outcome == "AGENT" else (None, None)
    enqueued = nearest(row.q_start, flow_exit)
    length = _length(row.q_time, row.q_start, row.q_exit, "q_time_mismatch", odd)
    return enqueued, enqueued + length


def _queued(row: Row, flow_exit: int) -> bool:
    """Whether the call was queued. A start of 0:00:00 says no, unless it is midnight and a wait is told."""
    if row.q_start:
        return True
    return bool(row.q_exit or row.q_time) and abs(nearest(0, flow_exit) - flow_exit) <= _NEAR_MIDNIGHT


def _service(row: Row, from_instant: int, odd: Callable[[str], None]) -> tuple[int | None, int | None]:
    """Return when the agent's leg was answered and ended."""
    if row.outcome != "AGENT":
        if row.ser_time or (row.server and row.outcome == "HANG"):
            odd("hang_with_service")
        return None, None
    if not row.server:
        odd("no_server_answered")
    if not row.ser_time:
        odd("zero_service_time")
    if _untold(row, from_instant):
        odd("service_instants_untold")
        return from_instant, from_instant + max(0, row.ser_time)
    answered = nearest(row.ser_start, from_instant)
    if answered < from_instant:
        odd("service_before_queue_exit" if row.q_start else "service_before_ivr_exit")
    return answered, answered + _length(row.ser_time, row.ser_start, row.ser_exit, "ser_time_mismatch", odd)


def _untold(row: Row, from_instant: int) -> bool:
    if row.ser_start or row.ser_exit:
        return False
    return abs(nearest(0, from_instant) - from_instant) > _NEAR_MIDNIGHT


def _length(told: int, start: int, end: int, mismatch: str, odd: Callable[[str], None]) -> int:
    """Return the length between two times of day: as told, unless that is below zero."""
    if (end - start - told) % DAY:
        odd(mismatch)
    if told < 0:
        odd("negative_length")
        return nearest(end, start) - start
    return told
