"""Log lines as JSON on standard error, without personal data.

Our own lines are declared events with declared keys (:class:`service_host.telemetry.Event`). Lines of libraries pass
with their template only, never its arguments, and of an exception its class and places, never its text. In both,
runs of digits that may be a telephone or card number are struck out; ids and times are left.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, TextIO

import structlog

LONGEST_VALUE = 500
FRAMES = 12
STRUCK_OUT = "[number]"
_KEEP = (
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?"
)
_NUMBER = r"\+?\(?\d(?:[\s().\-/]{0,3}\d){6,}"
_PATTERN = re.compile(rf"(?P<keep>{_KEEP})|{_NUMBER}")


def redacted(text: str) -> str:
    """``text`` without anything that looks like a telephone or card number (seven digits and more), cut to length."""
    return _PATTERN.sub(lambda found: found["keep"] or STRUCK_OUT, text[: LONGEST_VALUE * 2])[:LONGEST_VALUE]


def places(traceback: TracebackType | None) -> list[str]:
    """Where an exception came by, outermost first: module, line and function, without values."""
    found = []
    while traceback is not None:
        frame = traceback.tb_frame
        module = frame.f_globals.get("__name__", "?")
        found.append(f"{module}:{traceback.tb_lineno} {frame.f_code.co_name}")
        traceback = traceback.tb_next
    return found[-FRAMES:]


def configure(service: str, level: str = "info", stream: TextIO | None = None) -> None:
    """Send our own and all libraries' log lines to ``stream`` (standard error) as JSON, one a line."""
    out = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            _with_service(service),
            structlog.processors.add_log_level,
            _redact,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_Foreign()]
    root.setLevel(max(number, logging.WARNING))


class _Foreign(logging.Handler):
    """Turns a library's record into one of our lines."""

    def emit(self, record: logging.LogRecord) -> None:
        keys: dict[str, object] = {"logger": record.name, "message": str(record.msg)}
        if record.exc_info and record.exc_info[0]:
            keys["error_class"] = record.exc_info[0].__name__
            keys["places"] = places(record.exc_info[2])
        structlog.get_logger().log(record.levelno, "library_message", **keys)


def _with_service(service: str) -> structlog.typing.Processor:
    def add(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        line["service"] = service
        return line

    return add


def _redact(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: _clean(value) for key, value in line.items()}


def _clean(value: object) -> object:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean(item) for item in list(value)[:FRAMES]]
    if isinstance(value, dict):
        return {redacted(str(key)): _clean(item) for key, item in list(value.items())[:FRAMES]}
    return redacted(str(value))
