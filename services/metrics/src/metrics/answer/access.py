"""Who may call which method, and how what is wrong is told: the tables of both doors."""

from datetime import timedelta
from typing import Final

from event_log import errors as log_errors
from metrics import errors
from metrics.follow import retrying
from metrics.people.policy import READ_LOG, READ_PEOPLE, SUPERVISOR
from metrics.rebuild import refused
from service_host.authorisation import Policy, Rule
from service_host.errors import Conflict, ErrorTable, FailedPrecondition, InvalidArgument, NotFound, Row, Unavailable

_READ: Final = Rule(scope="figures:read", deadline=timedelta(seconds=30))
_EXPLAIN: Final = Rule(scope="figures:read", deadline=timedelta(seconds=55))
"""Computing a month again from its events takes its time; less than the commands wait."""
_OPERATE: Final = Rule(scope="operator")
_SOON: Final = timedelta(seconds=1)
_SERVICE: Final = "/holdfast.metrics.v1.MetricsService"


class MetricsPolicy(Policy):
    """The rules of the methods; what a token may read of people and of the log is decided inside some of them."""

    def every_scope(self) -> frozenset[str]:
        """Return all scopes that anything here asks for."""
        return super().every_scope() | {READ_PEOPLE, READ_LOG}

    def every_role(self) -> frozenset[str]:
        """Return all roles that anything here asks for."""
        return super().every_role() | {SUPERVISOR}


POLICY: Final = MetricsPolicy(
    {
        f"{_SERVICE}/GetQueueReport": _READ,
        f"{_SERVICE}/GetAgentReport": _READ,
        f"{_SERVICE}/GetFlowReport": _READ,
        f"{_SERVICE}/GetScorecard": _READ,
        f"{_SERVICE}/ExplainFigure": _EXPLAIN,
        f"{_SERVICE}/ListFigureDefinitions": _READ,
        f"{_SERVICE}/GetFactsStatus": _READ,
        f"{_SERVICE}/RebuildFacts": _OPERATE,
        f"{_SERVICE}/ListParkedEvents": _OPERATE,
        f"{_SERVICE}/RetryParkedEvent": _OPERATE,
        f"{_SERVICE}/SkipParkedEvent": _OPERATE,
        f"{_SERVICE}/SetTenantTimeZone": _OPERATE,
        "GET /v1/queues": _READ,
        "GET /v1/agents": _READ,
        "GET /v1/agents/{agent:path}/scorecard": _READ,
        "GET /v1/flows": _READ,
        "GET /v1/figures": _READ,
        "GET /v1/figures/{figure}:explain": _EXPLAIN,
        "GET /v1/status": _READ,
    }
)
ERRORS: Final = ErrorTable(
    {
        errors.InvalidInterval: Row(InvalidArgument, "INTERVAL_INVALID"),
        errors.UnknownTimeZone: Row(InvalidArgument, "TIME_ZONE_UNKNOWN"),
        errors.InvalidThreshold: Row(InvalidArgument, "THRESHOLD_INVALID"),
        errors.InvalidNames: Row(InvalidArgument, "NAMES_INVALID"),
        errors.TooManyParts: Row(InvalidArgument, "TOO_MANY_PARTS"),
        errors.TooManyRows: Row(InvalidArgument, "TOO_MANY_ROWS"),
        errors.UnknownFigure: Row(InvalidArgument, "FIGURE_UNKNOWN"),
        errors.InvalidPageToken: Row(InvalidArgument, "PAGE_TOKEN_INVALID"),
        errors.NoSuchAgent: Row(NotFound, "AGENT_NOT_FOUND"),
        retrying.NotParked: Row(NotFound, "EVENT_NOT_PARKED"),
        retrying.AmbiguousPosition: Row(FailedPrecondition, "EVENT_AMBIGUOUS"),
        retrying.StillUnfoldable: Row(FailedPrecondition, "EVENT_UNFOLDABLE"),
        refused.RebuildRunning: Row(Conflict, "REBUILD_RUNNING"),
        refused.DecisionsUnknown: Row(FailedPrecondition, "REBUILD_LACKS_DECISIONS"),
        refused.PoisonedRebuild: Row(
            FailedPrecondition, "REBUILD_POISONED", metadata=lambda error: {"position": error.position}
        ),
        refused.LiveFactsAway: Row(Unavailable, "FACTS_NOT_FOLLOWING"),
        log_errors.IncarnationChanged: Row(Unavailable, "FACTS_REBUILDING", retry_after=_SOON),
        log_errors.Unavailable: Row(Unavailable, "LOG_UNAVAILABLE", retry_after=_SOON),
    }
)
