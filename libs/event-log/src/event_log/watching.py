"""Whom an appender tells how it does: how much its flushes write and how long they take, and who was faster."""

from typing import Protocol

ANOTHER_APPENDER = "ANOTHER_APPENDER"
"""A flush that another process's flush, or its taking of a fence, came before; all of it is decided about again."""


class AppendWatch(Protocol):
    """Who is told. Nothing it does may fail or wait."""

    def flushed(self, events: int, seconds: float) -> None:
        """A flush of so many events stands, so many seconds after it was sent."""
        ...

    def conflicted(self, reason: str) -> None:
        """An append was refused for what another writer did (the verdict's reason), or a flush: ANOTHER_APPENDER."""
        ...


class Unwatched:
    """Tells nobody."""

    def flushed(self, events: int, seconds: float) -> None:
        """See AppendWatch."""

    def conflicted(self, reason: str) -> None:
        """See AppendWatch."""
