"""The words with a number on the wire, as the core uses them; the numbers are those of the proto's enums."""

from enum import IntEnum


class AgentState(IntEnum):
    """State of an agent. Unreachable (heartbeat or endpoint lost) is not not_ready, and never charged to the agent."""

    UNSPECIFIED = 0
    AVAILABLE = 1
    RESERVED = 2
    ON_CONTACT = 3
    WRAP_UP = 4
    HELD_FOR_RECONNECT = 5
    NOT_READY = 6
    UNREACHABLE = 7
    OFFLINE = 8


class DequeueKind(IntEnum):
    """How a queue visit ended."""

    UNSPECIFIED = 0
    ANSWERED = 1
    ABANDONED = 2
    TRANSFERRED = 3
    OVERFLOW = 4
    CLOSED = 5
    FULL = 6
    VOICEMAIL = 7
    CALLBACK = 8
    ANSWERED_ELSEWHERE = 9
    REMOVED = 10
    TIMEOUT = 11
    KEY_PRESSED = 12


class MatchingStrategy(IntEnum):
    """How an agent is chosen among those who fit. Longest idle says which idle: since available, or since contact."""

    UNSPECIFIED = 0
    LONGEST_IDLE_SINCE_AVAILABLE = 1
    LONGEST_IDLE_SINCE_CONTACT = 2
    MOST_SKILLED = 3


class ChosenBy(IntEnum):
    """What made a choice: a contact that looked for an agent, or an agent that looked for a contact."""

    UNSPECIFIED = 0
    CONTACT = 1
    AGENT = 2


class ExpiryKind(IntEnum):
    """Why a reservation expired: only rona (rang long enough, caller there) is charged to the agent."""

    UNSPECIFIED = 0
    RONA = 1
    OFFER_FAILED = 2


class RescindCause(IntEnum):
    """Why a reservation was rescinded."""

    UNSPECIFIED = 0
    CALLER_GONE = 1
    LOST_RACE = 2
    DEFAULT_ROUTE = 3
    SERVED_ELSEWHERE = 4


class CountedSource(IntEnum):
    """The source that counts in figures where both tell of offers and agents' states; it changes no decision."""

    UNSPECIFIED = 0
    ROUTING = 1
    PHONE_SYSTEM = 2


class WrapUpKind(IntEnum):
    """Work after a contact."""

    UNSPECIFIED = 0
    NONE = 1
    OPTIONAL = 2
    TIMED = 3
    MANDATORY = 4
