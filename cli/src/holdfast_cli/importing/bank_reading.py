"""The texts of a row of the bank's archive, read into a `Row`. Pure.

A row that names its call, its date and how the call ended is a call, whatever else of it is empty or garbled. Each step
of a call (IVR, queue, service) has a start, an end and a length: what is not told of the three follows from the others.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from holdfast_cli.importing.bank_row import DAY, MalformedRow, Row, is_rounded, nearest

NO_SERVER: Final = "NO_SERVER"

Odd = Callable[[str], None]

_TIME_OF_DAY: Final = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})")


class _TimesOfDay(dict[str, int | None]):
    """Seconds from midnight by h:mm:ss, each text read once: an archive has at most 86,400 of them."""

    def __missing__(self, text: str) -> int | None:
        found = _TIME_OF_DAY.fullmatch(text)
        hour, minute, second = map(int, found.groups()) if found else (0, 0, DAY)
        valid = hour < 24 and minute < 60 and second < 60  # noqa: PLR2004 - of a clock
        seconds = hour * 3600 + minute * 60 + second if valid else None
        if valid:
            self[text] = seconds
        return seconds


_TIMES: Final = _TimesOfDay()


def read_row(fields: Sequence[str], odd: Odd) -> Row:
    """Return the row of 17 bare texts in the order of COLUMNS; `odd` is told the name of each oddity.

    Raises MalformedRow if they do not say which call it was and when.
    """
    line, call, customer, priority, queue, date, *steps = fields
    outcome, server = steps.pop(6), steps.pop()
    if not (line and call):
        raise MalformedRow("a column is empty that never is")
    day = _date(date)
    entered, left, in_flow = _step(steps[0:3], odd)
    if entered is None or left is None:
        raise MalformedRow("a time of day is not h:mm:ss")
    q_start, q_exit, q_time = _step(steps[3:6], odd)
    ser_start, ser_exit, ser_time = _step(steps[6:9], odd)
    if is_rounded(customer):
        odd("customer_id_rounded")
    if not queue:
        odd("type_untold")
    if not server:
        odd("server_untold")
    return Row(
        line, call, customer, _priority(priority, odd), queue, day,
        entered, left, in_flow,
        q_start or 0, q_exit or 0, q_time,
        outcome.upper(),
        ser_start or 0, ser_exit or 0, ser_time,
        "" if server == NO_SERVER else server,
    )  # fmt: skip


def _step(texts: Sequence[str], odd: Odd) -> tuple[int | None, int | None, int]:
    """Return start, end and length of a step; no start and no end if it tells neither."""
    start, end = _time(texts[0], odd), _time(texts[1], odd)
    length = _length(texts[2], odd)
    if start is None and end is not None:
        start = (end - (length or 0)) % DAY
    elif end is None and start is not None:
        end = (start + (length or 0)) % DAY
    if length is None:
        length = 0 if start is None or end is None else nearest(end, start) - start
    return start, end, length


def _time(text: str, odd: Odd) -> int | None:
    """Return a time of day in seconds from midnight, None if it is none."""
    seconds = _TIMES[text]
    if seconds is None:
        odd("time_untold")
    return seconds


def _length(text: str, odd: Odd) -> int | None:
    """Return a length in seconds; one that a spreadsheet wrote with decimals says whole seconds if these are nought."""
    try:
        return int(text)
    except ValueError:
        odd("length_odd")
    whole, _, decimals = text.partition(".")
    return int(whole) if re.fullmatch("-?[0-9]{1,8}", whole) and not decimals.strip("0") else None


def _priority(text: str, odd: Odd) -> int:
    try:
        return int(text or 0)
    except ValueError:
        odd("priority_odd")
        return 0


def _date(text: str) -> str:
    """Return a date of six digits (yymmdd); eight digits (yyyymmdd) are shortened, so that one call has one id."""
    if not (text.isascii() and text.isdigit() and len(text) in {6, 8}):
        raise MalformedRow("the date is not six digits, yymmdd")
    return text[-6:]
