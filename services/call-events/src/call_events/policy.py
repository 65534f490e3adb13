"""Who may call what, and what a caller is told when something goes wrong."""

from typing import Any, Final

from call_events import errors
from event_log import errors as log_errors
from service_host.authorisation import Policy, Rule
from service_host.errors import (
    ErrorTable,
    FailedPrecondition,
    InvalidArgument,
    ResourceExhausted,
    Row,
    Unavailable,
)
from service_host.postgres import RETRY_AFTER

_SERVICE: Final = "/holdfast.call_events.v1.CallEventsService/"
_LOG: Final = "/holdfast.log.v1.LogService/"
_WRITE: Final = Rule(scope="events:write", needs_source=True)
_READ: Final = Rule(scope="events:read")
_RESOLVE: Final = Rule(scope="callers:resolve")
_ERASE: Final = Rule(scope="customers:erase")

POLICY: Final = Policy(
    {
        f"{_SERVICE}RecordContactEvents": _WRITE,
        f"{_SERVICE}RecordAgentEvents": _WRITE,
        f"{_SERVICE}StreamContactEvents": _WRITE,
        f"{_SERVICE}GetContact": _READ,
        f"{_SERVICE}ListContacts": _READ,
        f"{_SERVICE}ReadEvents": _READ,
        f"{_SERVICE}SubscribeEvents": _READ,
        f"{_SERVICE}ResolveCaller": _RESOLVE,
        f"{_SERVICE}EraseCustomer": _ERASE,
        "POST /v1/contact-events:record": _WRITE,
        "POST /v1/agent-events:record": _WRITE,
        "GET /v1/contacts/{contact_id}": _READ,
        "GET /v1/contacts": _READ,
        "GET /v1/events": _READ,
        "POST /v1/callers:resolve": _RESOLVE,
        "POST /v1/customers:erase": _ERASE,
    }
)
LOG_POLICY: Final = Policy(
    {
        **{f"{_LOG}{name}": Rule(scope="log:read") for name in ("GetHead", "ReadStream", "ReadEvents")},
        **{f"{_LOG}{name}": Rule(scope="log:read") for name in ("ReadStreams", "ReadPackedEvents", "SubscribeEvents")},
        **{f"{_LOG}{name}": Rule(scope="log:append") for name in ("Append", "AcquireFence")},
    }
)
"""The door for services: every tenant's events, with their positions."""
SCOPE_OF_POSITIONS: Final = "log:read"
"""Who may see positions in clear: they count the events of all tenants."""


def _own_words(error: Any) -> str:
    return str(error.message) if isinstance(error, errors.EventRefused) else str(error)


ERRORS: Final = ErrorTable(
    {
        errors.EventRefused: Row(InvalidArgument, "MALFORMED", _own_words, lambda error: {"field": error.field}),
        errors.WrongCursor: Row(InvalidArgument, "WRONG_CURSOR", _own_words),
        log_errors.InvalidRead: Row(InvalidArgument, "INVALID_READ"),
        log_errors.IncarnationChanged: Row(
            FailedPrecondition,
            "CURSOR_OUTDATED",
            lambda _: "The log was restored since this cursor was given: begin again without one.",
        ),
        log_errors.Busy: Row(
            ResourceExhausted,
            "LOG_BUSY",
            lambda _: "Too much waits to be recorded; nothing was.",
            retry_after=RETRY_AFTER,
        ),
        log_errors.Unavailable: Row(
            Unavailable,
            "LOG_UNAVAILABLE",
            lambda _: "The log did not answer; telling the same again is harmless.",
            retry_after=RETRY_AFTER,
        ),
    }
)
