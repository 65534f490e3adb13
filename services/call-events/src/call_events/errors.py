"""What can go wrong in call-events; the class says who can act.

CallEventsError
├── EventRefused          the teller: this event cannot stand; its neighbours can
├── WrongCursor           the reader: no cursor of this tenant, or not of this use
├── WrongMasterKey        whoever runs the service: the key's file is missing, open to others, or another one
└── CannotUnseal          us: a stored key or value does not open with the keys we hold

Messages name fields and ids, never what stands in them.
"""


class CallEventsError(Exception):
    """Root of everything this package raises on purpose."""


class EventRefused(CallEventsError):
    """An event does not stand in the log; `reason` is a word of the proto's EventRefused."""

    __slots__ = ("field", "message", "reason")

    def __init__(self, reason: str, message: str, field: str = "") -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.field = field


class WrongCursor(CallEventsError):
    """The cursor or page token is not one that was given to this tenant for this use."""


class WrongMasterKey(CallEventsError):
    """The master key cannot be used."""


class CannotUnseal(CallEventsError):
    """A stored key or value does not open."""
