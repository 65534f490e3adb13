"""The words of states and kinds, with the same names and numbers as in the proto files.

States hold the plain integer that was told, so that a number from a newer schema is kept and never fails; compare it
with a member here, and print it with `word`. No rule stands here.
"""

from enum import IntEnum, StrEnum


class LegRole(IntEnum):
    """What a leg is there for."""

    UNSPECIFIED = 0
    CALLER = 1
    AGENT = 2
    CONSULT_TARGET = 3
    CALLBACK = 4
    REDIAL = 5
    SUPERVISOR = 6
    VOICEMAIL = 7
    EXTERNAL = 8


class Direction(IntEnum):
    """Which way a contact or a leg was set up."""

    UNSPECIFIED = 0
    INBOUND = 1
    OUTBOUND = 2
    CALLBACK = 3
    INTERNAL = 4


class EndedHow(IntEnum):
    """How the end of a leg came about."""

    UNSPECIFIED = 0
    RECEIVED_BYE = 1
    SENT_BYE = 2
    MEDIA_TIMEOUT = 3
    NODE_FAILURE = 4
    API = 5


class ReleaseSide(IntEnum):
    """Who ended a leg."""

    UNSPECIFIED = 0
    CALLER = 1
    AGENT = 2
    SUPERVISOR = 3
    PLATFORM = 4
    NETWORK = 5


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


class TransferKind(IntEnum):
    """How a transfer is done."""

    UNSPECIFIED = 0
    WARM = 1
    COLD = 2
    CONFERENCE = 3


class TransferReason(IntEnum):
    """Why a contact is transferred."""

    UNSPECIFIED = 0
    MISROUTE = 1
    ESCALATION = 2
    AUTHORITY_LIMIT = 3
    HAND_OFF = 4
    OTHER = 5


class ContactLinkReason(IntEnum):
    """Why two contacts are one."""

    UNSPECIFIED = 0
    RECONNECT = 1
    CONSULT = 2
    DUPLICATE = 3


class AgentState(IntEnum):
    """State of an agent."""

    UNSPECIFIED = 0
    AVAILABLE = 1
    RESERVED = 2
    ON_CONTACT = 3
    WRAP_UP = 4
    HELD_FOR_RECONNECT = 5
    NOT_READY = 6
    UNREACHABLE = 7
    OFFLINE = 8


class RingOutcome(IntEnum):
    """How the ringing of an agent's endpoint ended, as told."""

    UNSPECIFIED = 0
    ANSWERED = 1
    NO_ANSWER = 2
    REJECTED = 3
    CALLER_GONE = 4
    FAILED = 5


class Phase(StrEnum):
    """The furthest open part of a contact."""

    ARRIVED = "arrived"
    IN_IVR = "in_ivr"
    QUEUED = "queued"
    OFFERED = "offered"
    BRIDGED = "bridged"
    ON_HOLD = "on_hold"
    WRAP_UP = "wrap_up"
    ENDED = "ended"


class ContactEnd(StrEnum):
    """How a contact ended; OPEN, the empty word, while it has not."""

    OPEN = ""
    HANDLED = "handled"
    ABANDONED_IVR = "abandoned_ivr"
    ABANDONED_QUEUE = "abandoned_queue"
    ABANDONED_RINGING = "abandoned_ringing"
    CONTAINED = "contained"
    VOICEMAIL = "voicemail"
    CALLBACK_FAILED = "callback_failed"
    DROPPED = "dropped"
    REFUSED_CLOSED = "refused_closed"
    REFUSED_FULL = "refused_full"
    UNKNOWN = "unknown"


class WaitClock(StrEnum):
    """Which instants a wait was taken from; NONE, the empty word, where no wait can be told."""

    NONE = ""
    DEQUEUED = "dequeued"
    BRIDGED = "bridged"
    MIXED_CLOCK = "mixed_clock"


class RingVerdict(StrEnum):
    """What a ring counts as. Only `rona` is ever held against an agent."""

    OPEN = "open"
    ACCEPTED = "accepted"
    RONA = "rona"
    OFFER_FAILED = "offer_failed"
    REJECTED = "rejected"
    RESCINDED = "rescinded"


def word(kind: type[IntEnum], number: int) -> str:
    """Return the lower-case word of a number, or `unknown_<number>` for one from a newer schema."""
    try:
        return kind(number).name.lower()
    except ValueError:
        return f"unknown_{number}"
