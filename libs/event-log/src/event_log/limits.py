"""The bounds of an appender: how much may wait, be remembered, and last."""

from dataclasses import dataclass
from datetime import timedelta

from event_log.lease import LEASE


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """Bounds of an appender."""

    waiting_events: int = 20_000
    """Events that may wait; a call beyond them is told to come again."""
    waiting_bytes: int = 67_108_864
    """Bytes of payload that may wait; the same."""
    share: float = 0.5
    """What part of both one caller may have waiting, where callers have names."""
    remembered_events: int = 200_000
    """Events whose ids are kept in memory, to recognise those told again without asking the store."""
    call: timedelta = timedelta(seconds=10)
    """A call not answered by then is told that its outcome is unknown."""
    statement: timedelta = timedelta(seconds=4)
    """A statement not done by then ends with its session."""
    lease: timedelta | None = LEASE
    """Silence after which another appender takes over; None: append without a lease."""
    retry_after: timedelta = timedelta(milliseconds=100)
    """What a call beyond the bound is told."""
