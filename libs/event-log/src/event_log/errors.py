"""What can go wrong with a log; the class says who can act.

EventLogError
├── AppendRefused                 nothing of the append was written; also a verdict's value in append_all
│   ├── VersionConflict           another writer was first: look at its events, decide again
│   ├── Fenced                    a successor holds the fence: stop
│   ├── EventIdReused             the caller: this id was told before with another body
│   ├── StreamFull                the caller: begin another stream
│   └── InvalidAppend             the caller: the form is wrong
├── InvalidRead                   the caller: limit, column or address out of bounds
├── NotAllowed                    the operator: the log's door is closed to this token
├── IncarnationChanged            the reader: what it holds may not be what the log holds; rebuild
└── Unavailable                   the world
    ├── Busy                      certainly not applied; retry after a while
    └── LogUnavailable            not known whether applied: repeat the same append, it is harmless

Messages name streams and ids, never payloads.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from event_log.model import MAX_STREAM_EVENTS, Cursor, Event, Stream

MAX_CONFLICTING_EVENTS = 100
"""Events that a conflict carries at most."""


class EventLogError(Exception):
    """Root of everything this package raises on purpose."""


class AppendRefused(EventLogError):
    """Nothing of an append was written, and a repetition would be refused as well."""

    reason: ClassVar[str] = "REFUSED"

    def __eq__(self, other: object) -> bool:
        """Compare by kind and content, as verdicts are values."""
        return type(self) is type(other) and vars(self) == vars(other) and self.args == getattr(other, "args", None)

    def __hash__(self) -> int:
        """Hash by kind and sentence."""
        return hash((type(self), self.args))


class VersionConflict(AppendRefused):
    """The stream is not at the version expected; carries what was written since (at most 100 events)."""

    reason = "VERSION_CONFLICT"

    def __init__(self, stream: Stream, actual_version: int, events: Sequence[Event] = ()) -> None:
        """Tell the stream's present version and the events after the expected one."""
        super().__init__(f"{stream.category} {stream.key} is at version {actual_version}")
        self.stream = stream
        self.actual_version = actual_version
        self.events = tuple(events)


class Fenced(AppendRefused):
    """The fence was taken by a successor, or never given out."""

    reason = "FENCED"

    def __init__(self, name: str, epoch: int) -> None:
        """Tell the fence's name and the epoch that was refused."""
        super().__init__(f"fence {name} is no longer held at epoch {epoch}")
        self.name = name
        self.epoch = epoch


class EventIdReused(AppendRefused):
    """The stream holds an event of this id with another body."""

    reason = "EVENT_ID_REUSED"

    def __init__(self, stream: Stream, event_id: UUID) -> None:
        """Tell which id of which stream."""
        super().__init__(f"event {event_id} of {stream.category} {stream.key} was told before with another body")
        self.stream = stream
        self.event_id = event_id


class StreamFull(AppendRefused):
    """The stream would grow beyond its bound."""

    reason = "STREAM_FULL"

    def __init__(self, stream: Stream) -> None:
        """Tell which stream."""
        super().__init__(f"{stream.category} {stream.key} may hold {MAX_STREAM_EVENTS} events")
        self.stream = stream


class InvalidAppend(AppendRefused):
    """The append's form is wrong: no events, a stream named twice, a field out of bounds."""

    reason = "INVALID"


class InvalidRead(EventLogError):
    """A read asks for something that cannot be: an unknown column, a limit out of bounds, an unknown feed."""


class IncarnationChanged(EventLogError):
    """The cursor is of another incarnation, of another log, or beyond the head: the reader must rebuild."""

    def __init__(self, held: Cursor, actual: Cursor) -> None:
        """Tell what the reader holds and where the log is."""
        super().__init__(
            f"held {held.log_id} incarnation {held.incarnation} position {held.position}, "
            f"the log is {actual.log_id} incarnation {actual.incarnation} position {actual.position}",
        )
        self.held = held
        self.actual = actual


class NotAllowed(EventLogError):
    """The log's door is closed to the token that this process holds."""


class Unavailable(EventLogError):
    """The log cannot answer now."""


class Busy(Unavailable):
    """Too much waits already; nothing was applied."""

    def __init__(self, retry_after: timedelta) -> None:
        """Tell when to come again."""
        super().__init__(f"busy; retry after {retry_after.total_seconds():g} s")
        self.retry_after = retry_after


class LogUnavailable(Unavailable):
    """The store did not answer in time or was lost; an append may or may not have been applied."""
