"""The outermost answer to anything that went wrong: what is known is told, what is not becomes an id.

An unexpected exception's text never leaves and is never logged: it may hold a caller's number. The log has its class
and its places under the id the caller was told.
"""

from __future__ import annotations

import secrets
import time

from service_host import logs, telemetry
from service_host.errors import Bug, ErrorTable, Refused

UNEXPECTED = telemetry.Event(
    "call_failed_unexpectedly",
    "A call ended by an exception no table knows; the caller was told only the id.",
    "error_id",
    "method",
    "error_class",
    "places",
    "causes",
    "not_logged",
)
LINES_PER_SECOND = 20
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


class Guard:
    """Turns exceptions into refusals for one edge."""

    def __init__(self, table: ErrorTable) -> None:
        self._table = table
        self._second = 0
        self._lines = 0
        self._not_logged = 0

    def refusal(self, error: Exception, method: str) -> Refused:
        """What to tell the caller about ``error``; logs it if it is our bug. Never raises."""
        try:
            known = self._table.refusal(error)
        except Exception as broken_row:  # noqa: BLE001  # a table that fails must not let the first error out
            error, known = broken_row, None
        return known if known is not None else self._bug(error, method)

    def _bug(self, error: Exception, method: str) -> Bug:
        error_id = new_error_id()
        if self._may_log():
            UNEXPECTED.error(
                error_id=error_id,
                method=method,
                error_class=type(error).__name__,
                places=logs.places(error.__traceback__),
                causes=_causes(error),
                not_logged=self._not_logged,
            )
            self._not_logged = 0
        return Bug(error_id)

    def _may_log(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines <= LINES_PER_SECOND:
            return True
        self._not_logged += 1
        return False


def new_error_id() -> str:
    """Sixteen letters, so that no id is ever taken for a number."""
    return secrets.token_hex(8).translate(_LETTERS)


def _causes(error: BaseException) -> list[str]:
    causes: list[str] = []
    cause = error.__cause__ or error.__context__
    while cause is not None and len(causes) < 5:  # noqa: PLR2004  # enough to see where it began
        causes.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    return causes
