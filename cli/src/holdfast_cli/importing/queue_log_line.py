"""One line of an Asterisk queue_log: its verb, its instant, and what the verb's data mean. Pure.

Data of each verb stand where Asterisk's versions since 1.4 put them: later versions add at the right. Attended
transfers tell a method of one to three parts first, so their lengths are counted from the right.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final, NamedTuple

from holdfast.call_events.v1.observation_pb2 import (
    TIME_PRECISION_MICROSECOND,
    TIME_PRECISION_SECOND,
    TimePrecision,
)

SECOND_US: Final = 1_000_000
NOBODY: Final = frozenset({"", "NONE", "NULL", "\\N"})
NO_CALL: Final = NOBODY | {"REALTIME", "MANAGER", "CLI"}
"""What stands for a call where there is none: a member was added by the table, by a program, by hand."""

RINGS: Final = frozenset({"RINGNOANSWER", "RINGCANCELED", "AGENTDUMP"})
COMPLETIONS: Final = frozenset({"COMPLETEAGENT", "COMPLETECALLER"})
TRANSFERS: Final = frozenset({"TRANSFER", "BLINDTRANSFER", "ATTENDEDTRANSFER"})
TALK_ENDS: Final = COMPLETIONS | TRANSFERS
EXITS: Final = frozenset({"ABANDON", "EXITEMPTY", "LEAVEEMPTY", "EXITWITHKEY", "EXITWITHTIMEOUT"})
NEVER_JOINED: Final = frozenset({"JOINEMPTY", "FULL", "CLOSED", "DIVERT_CA_RATIO", "DIVERT_HOLDTIME"})
"""The caller was turned away before waiting. (The two diverts are those of XiVO and Wazo.)"""

OF_CALLS: Final = frozenset({"ENTERQUEUE", "CONNECT", "DID", "WRAPUPSTART"}) | RINGS | TALK_ENDS | EXITS | NEVER_JOINED
LOGINS: Final = frozenset({"ADDMEMBER", "AGENTLOGIN", "AGENTCALLBACKLOGIN"})
LOGOUTS: Final = frozenset({"REMOVEMEMBER", "AGENTLOGOFF", "AGENTCALLBACKLOGOFF"})
PAUSES: Final = frozenset({"PAUSE", "PAUSEALL", "PAUSEREASON"})
UNPAUSES: Final = frozenset({"UNPAUSE", "UNPAUSEALL"})
OF_AGENTS: Final = LOGINS | LOGOUTS | PAUSES | UNPAUSES | {"WRAPUPSTART"}
OF_SOURCE: Final = frozenset({"QUEUESTART"})
SILENT: Final = frozenset({"CONFIGRELOAD", "SYSCOMPAT", "PENALTY", "RINGINUSE", "INFO"})
"""Known, and of no consequence for a contact or an agent."""

_WAIT_AT: Final = {"ABANDON": 2, "EXITEMPTY": 2, "EXITWITHTIMEOUT": 2, "EXITWITHKEY": 3, "CONNECT": 0}
_HOLD_AT: Final = {"COMPLETEAGENT": 0, "COMPLETECALLER": 0, "TRANSFER": 2, "BLINDTRANSFER": 2, "ATTENDEDTRANSFER": -3}
_RING_AT: Final = 2
_MILLISECONDS_FROM: Final = 10**11
"""A stamp of more digits than seconds will have for three thousand years counts milliseconds."""
_LAST_MILLISECOND: Final = 253_402_300_799_999
"""Of the year 9999; what lies beyond is no time."""
_MOST_DIGITS: Final = 20
"""Digits of a number that are looked at; no stamp has more."""
_FIRST_SECOND: Final = 315_532_800
"""Of the year 1980, long before the first Asterisk; a smaller number is a row's number in its table."""
_LONGEST_DIGITS: Final = 8
"""Digits of a length in seconds (three years); what has more is no length, so none was told."""


class MalformedLine(ValueError):
    """A line is none of a queue_log; the text says why."""


class QueueLogLine(NamedTuple):
    """A line, typed; texts that stand for nobody are empty. `time_us` is the stamp in microseconds UTC."""

    time_us: int
    precision: TimePrecision.ValueType
    call: str
    queue: str
    agent: str
    verb: str
    data: tuple[str, ...]

    @property
    def wait_us(self) -> int | None:
        """How long the caller had waited when the line was written, if it says so."""
        place = _HOLD_AT.get(self.verb, _WAIT_AT.get(self.verb))
        return None if place is None else self._length(place)

    @property
    def talk_us(self) -> int | None:
        """How long agent and caller had talked, if the line ends a talk and says so."""
        place = _HOLD_AT.get(self.verb)
        return None if place is None else self._length(place + 1)

    @property
    def ring_ms(self) -> int | None:
        """How long the agent's endpoint rang, if the line says so: CONNECT in seconds, others in milliseconds."""
        if self.verb == "CONNECT":
            ring = self._length(_RING_AT)
            return None if ring is None else ring // 1000
        text = self.datum(0)
        return int(text) if self.verb in RINGS and _is_length(text, _LONGEST_DIGITS + 3) else None

    @property
    def wrap_up_us(self) -> int | None:
        """How long the wrap-up that begins is to last, if the line says so."""
        return self._length(0) if self.verb == "WRAPUPSTART" else None

    def datum(self, place: int) -> str:
        """Return one of the data, counted from the right if below zero; empty if it is not told."""
        return self.data[place] if -len(self.data) <= place < len(self.data) else ""

    def _length(self, place: int) -> int | None:
        """Return a length told in whole seconds, in microseconds."""
        text = self.datum(place)
        return int(text) * SECOND_US if _is_length(text, _LONGEST_DIGITS) else None


def _is_length(text: str, digits: int) -> bool:
    """Whether a text is a whole number of so many digits at most."""
    return text.isascii() and text.isdigit() and len(text) <= digits


def read_line(fields: Sequence[str], zone: tzinfo) -> QueueLogLine:
    """Return the line of bare texts time, call, queue, agent, verb, data…; raise MalformedLine.

    A time without its own offset is one on the wall clock of `zone`; numbers are seconds since 1970 UTC.
    """
    if len(fields) < 5:  # noqa: PLR2004 - time, call, queue, agent, verb
        raise MalformedLine("it has fewer than five fields")
    time_us, precision = instant_of(fields[0], zone)
    call, queue, agent = ("" if text in NOBODY else text for text in fields[1:4])
    verb = fields[4].upper()
    if not verb.replace("_", "").isalnum():
        raise MalformedLine("the event is no word")
    return QueueLogLine(time_us, precision, "" if call in NO_CALL else call, queue, agent, verb, _data(fields[5:]))


def _data(texts: Sequence[str]) -> tuple[str, ...]:
    """Return the data; a table's last column may hold all that found no column, and trailing ones hold nothing."""
    data = _without_padding(["" if text in {"NULL", "\\N"} else text for text in texts])
    if data and "|" in data[-1]:
        data = _without_padding([*data[:-1], *data[-1].split("|")])
    return tuple(data)


def _without_padding(data: list[str]) -> list[str]:
    while data and not data[-1]:
        data.pop()
    return data


def instant_of(text: str, zone: tzinfo) -> tuple[int, TimePrecision.ValueType]:
    """Return a stamp in microseconds UTC and how finely it was told; raise MalformedLine if it is none."""
    whole, _, fraction = text.partition(".")
    if _is_length(whole, _MOST_DIGITS) and (not fraction or _is_length(fraction, _MOST_DIGITS)):
        return _counted(int(whole), fraction)
    try:
        told = datetime.fromisoformat(text)
        whole_us = told.replace(tzinfo=told.tzinfo or zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise MalformedLine("the time is neither seconds since 1970 nor a date with a time") from None
    since = whole_us - datetime(1970, 1, 1, tzinfo=UTC)
    time_us = (since.days * 86_400 + since.seconds) * SECOND_US + since.microseconds
    return time_us, TIME_PRECISION_MICROSECOND if "." in text else TIME_PRECISION_SECOND


def _counted(number: int, fraction: str) -> tuple[int, TimePrecision.ValueType]:
    if not _FIRST_SECOND <= number <= _LAST_MILLISECOND:
        raise MalformedLine("the time lies before the year 1980 or beyond 9999")
    if number >= _MILLISECONDS_FROM:
        return number * 1000, TIME_PRECISION_MICROSECOND
    time_us = number * SECOND_US + int(fraction[:6].ljust(6, "0") or 0)
    return time_us, TIME_PRECISION_MICROSECOND if fraction else TIME_PRECISION_SECOND
