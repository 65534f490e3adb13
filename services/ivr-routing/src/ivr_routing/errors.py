"""What can go wrong in the service around the core; the class says who can act.

RoutingError
├── NotLeading            the caller: another process decides, ask it; nothing was done here
├── NoSuchContact         the caller: routing holds no such contact of this tenant
├── NoSuchFlow            the caller: there is no such version or draft of a flow
├── TooFarBack            the caller: an explanation would read more of the log than one answer may
└── ShardFailed           the world: what was decided could not be written; the same again is harmless

Messages name ids and rules, never a person or a number.
"""


class RoutingError(Exception):
    """Root of everything the service raises on purpose."""


class NotLeading(RoutingError):
    """Another process decides."""


class NoSuchContact(RoutingError):
    """Routing holds no such contact."""


class NoSuchFlow(RoutingError):
    """There is no such version or draft of a flow."""


class TooFarBack(RoutingError):
    """An explanation would read too much."""


class ShardFailed(RoutingError):
    """What was decided could not be written: whether it was is unknown, and the shard is read anew."""
