"""Who may call what, and what a caller is told when something goes wrong."""

from typing import Any, Final

from event_log import errors as log_errors
from ivr_routing import errors
from ivr_routing.core import errors as core_errors
from ivr_routing.doors.http_api import DOORS
from ivr_routing.lead.hub import TooSlow
from ivr_routing.lead.opening import HoursRefused
from service_host.authorisation import Policy, Rule
from service_host.errors import (
    Conflict,
    ErrorTable,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Row,
    Unavailable,
)
from service_host.postgres import RETRY_AFTER

_V1: Final = "/holdfast.ivr_routing.v1."
_LOG: Final = "/holdfast.log.v1.LogService/"
_PHONE: Final = Rule(scope="routing:phone", needs_source=True)
_AGENT: Final = Rule(scope="routing:agent")
_ADMINISTER: Final = Rule(scope="routing:administer")
_READ: Final = Rule(scope="routing:read")
SUPERVISE: Final = "routing:supervise"
"""Scope of a token that may speak for any agent of its tenant."""
_RULES: Final = {
    "PhoneSystemService": {
        "StartContact": _PHONE,
        "ReportInput": _PHONE,
        "NextInstruction": _PHONE,
        "WatchInstructions": _PHONE,
        "AcknowledgeInstruction": _PHONE,
        "ReportDefaultRoute": _PHONE,
        "ListStaticPlans": _PHONE,
    },
    "AgentService": {
        "SetAgentState": _AGENT,
        "Heartbeat": _AGENT,
        "HeartbeatAgents": _AGENT,
        "AcceptReservation": _AGENT,
        "RejectReservation": _AGENT,
        "WatchReservations": _AGENT,
        "CompleteWrapUp": _AGENT,
    },
    "AdministrationService": {
        "ConfigureQueue": _ADMINISTER,
        "RetireQueue": _ADMINISTER,
        "SetQueueOpenness": _ADMINISTER,
        "ListQueues": _READ,
        "ConfigureAgent": _ADMINISTER,
        "ListAgents": _READ,
        "ConfigureSkill": _ADMINISTER,
        "ListSkills": _READ,
        "ConfigureHours": _ADMINISTER,
        "ListHours": _READ,
        "PublishFlow": _ADMINISTER,
        "SaveFlowDraft": _ADMINISTER,
        "GetFlow": _READ,
        "ScheduleFlow": _ADMINISTER,
        "WithdrawFlow": _ADMINISTER,
        "ListFlows": _READ,
        "ListChanges": _ADMINISTER,
    },
    "OverviewService": {
        "ListQueuesNow": _READ,
        "ListAvailableAgents": _READ,
        "ListWaitingContacts": _READ,
        "ListLongContacts": _READ,
        "ExplainDecision": _READ,
    },
}
POLICY: Final = Policy(
    {
        **{f"{_V1}{service}/{method}": rule for service, rules in _RULES.items() for method, rule in rules.items()},
        **{door.name: _RULES[door.service][door.method] for door in DOORS},
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


def _own_words(error: Any) -> str:
    return str(error)


def _refused(status: Any, kind: type[core_errors.Refused]) -> Row:
    return Row(status, kind.reason, _own_words)


ERRORS: Final = ErrorTable(
    {
        core_errors.UnknownContact: _refused(NotFound, core_errors.UnknownContact),
        core_errors.UnknownQueue: _refused(NotFound, core_errors.UnknownQueue),
        core_errors.UnknownAgent: _refused(NotFound, core_errors.UnknownAgent),
        core_errors.RulesInvalid: _refused(InvalidArgument, core_errors.RulesInvalid),
        core_errors.VersionConflict: _refused(Conflict, core_errors.VersionConflict),
        core_errors.ContactOver: _refused(FailedPrecondition, core_errors.ContactOver),
        core_errors.AgentSignedOutAlready: _refused(FailedPrecondition, core_errors.AgentSignedOutAlready),
        core_errors.NotWaiting: _refused(FailedPrecondition, core_errors.NotWaiting),
        core_errors.NotInFlow: _refused(FailedPrecondition, core_errors.NotInFlow),
        core_errors.ReservationOver: _refused(FailedPrecondition, core_errors.ReservationOver),
        core_errors.StateNotAllowed: _refused(FailedPrecondition, core_errors.StateNotAllowed),
        HoursRefused: Row(InvalidArgument, "HOURS_INVALID", _own_words),
        errors.NoSuchContact: Row(NotFound, "UNKNOWN_CONTACT", _own_words),
        errors.NoSuchFlow: Row(NotFound, "UNKNOWN_FLOW", _own_words),
        errors.TooFarBack: Row(FailedPrecondition, "TOO_FAR_BACK", _own_words),
        errors.NotLeading: Row(Unavailable, "NOT_LEADING", _own_words, retry_after=RETRY_AFTER),
        errors.ShardFailed: Row(
            Unavailable,
            "NOT_WRITTEN",
            lambda _: "It is not known whether this counts; the same again is harmless.",
            retry_after=RETRY_AFTER,
        ),
        TooSlow: Row(ResourceExhausted, "READER_TOO_SLOW", lambda _: "The stream was not read in time."),
        log_errors.InvalidRead: Row(InvalidArgument, "INVALID_READ"),
        log_errors.Unavailable: Row(
            Unavailable, "LOG_UNAVAILABLE", lambda _: "The log did not answer.", retry_after=RETRY_AFTER
        ),
    }
)
