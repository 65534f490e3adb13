"""What the core refuses, and why. Nothing was decided when one of these is raised.

Refused                    the caller asked for what cannot be; `reason` can be switched on
 ├── UnknownContact        routing has not admitted it, or has forgotten it
 ├── ContactOver           it is finished
 ├── UnknownQueue          no such queue, or retired
 ├── UnknownAgent          no such agent
 ├── AgentSignedOutAlready the agent is not signed in
 ├── NotWaiting            the contact waits in no queue
 ├── NotInFlow             the contact is in no flow
 ├── ReservationOver       it ended before, or never was the agent's
 ├── StateNotAllowed       an agent cannot ask for this state, or not now
 ├── RulesInvalid          a configuration that cannot work
 └── VersionConflict       somebody configured it meanwhile
"""

from typing import ClassVar


class Refused(Exception):
    """The caller asked for what cannot be. The message names no person and no number."""

    reason: ClassVar[str] = "REFUSED"


class UnknownContact(Refused):
    reason = "UNKNOWN_CONTACT"


class ContactOver(Refused):
    reason = "CONTACT_OVER"


class UnknownQueue(Refused):
    reason = "UNKNOWN_QUEUE"


class UnknownAgent(Refused):
    reason = "UNKNOWN_AGENT"


class AgentSignedOutAlready(Refused):
    reason = "AGENT_SIGNED_OUT"


class NotWaiting(Refused):
    reason = "NOT_WAITING"


class NotInFlow(Refused):
    reason = "NOT_IN_FLOW"


class ReservationOver(Refused):
    reason = "RESERVATION_OVER"


class StateNotAllowed(Refused):
    reason = "STATE_NOT_ALLOWED"


class RulesInvalid(Refused):
    reason = "RULES_INVALID"


class VersionConflict(Refused):
    reason = "VERSION_CONFLICT"
