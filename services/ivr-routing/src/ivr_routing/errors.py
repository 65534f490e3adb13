"""What can go wrong in the service around the core; the class says who can act.

RoutingError
├── NotLeading            the caller: another process decides, ask it; nothing was done here
├── NoSuchContact         the caller: routing holds no such contact of this tenant
├── NoSuchReservation     the caller: the reservation is not open for this agent
├── NoSuchObject          the caller: nothing is configured under this name
├── CommandRefused        the caller: a rule of the house says no; the reason says which
└── ShardFailed           the world: what was decided could not be written; the same again is harmless

Messages name ids and rules, never a person or a number.
"""


class RoutingError(Exception):
    """Root of everything the service raises on purpose."""


class NotLeading(RoutingError):
    """Another process decides."""


class NoSuchContact(RoutingError):
    """Routing holds no such contact."""


class NoSuchReservation(RoutingError):
    """The reservation is not open for this agent."""


class NoSuchObject(RoutingError):
    """Nothing is configured under this name."""


class CommandRefused(RoutingError):
    """A command that cannot be; `reason` is UPPER_SNAKE."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ShardFailed(RoutingError):
    """What was decided could not be written: whether it was is unknown, and the shard is read anew."""
