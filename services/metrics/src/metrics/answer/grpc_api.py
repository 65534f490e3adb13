"""The gRPC door: each method is the answer of the same name; statuses come from the host's table."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from holdfast.metrics.v1 import metrics_service_pb2 as pb
from metrics.answer.answers import Answers
from metrics.answer.explanations import Explanations
from metrics.answer.parked_events import ParkedEvents
from metrics.answer.scorecards import Scorecards
from metrics.answer.status import Status

if TYPE_CHECKING:
    from grpc.aio import ServicerContext

    Context = ServicerContext[Any, Any]

Rebuild: TypeAlias = Callable[[pb.RebuildFactsRequest], AsyncGenerator[pb.RebuildFactsResponse, None]]
"""Rebuilds the facts and tells how it goes."""


@dataclass(frozen=True, slots=True)
class Answering:
    """What answers behind the door, by kind of question."""

    answers: Answers
    scorecards: Scorecards
    explanations: Explanations
    status: Status
    parked: ParkedEvents
    rebuild: Rebuild


class MetricsApi:
    """Serves holdfast.metrics.v1.MetricsService."""

    def __init__(self, answering: Answering) -> None:
        self._answers = answering.answers
        self._scorecards = answering.scorecards
        self._explanations = answering.explanations
        self._status = answering.status
        self._parked = answering.parked
        self._rebuild = answering.rebuild

    async def GetQueueReport(  # noqa: N802  # the service's word
        self, request: pb.GetQueueReportRequest, _: "Context"
    ) -> pb.GetQueueReportResponse:
        """Figures of queues."""
        return await self._answers.queue_report(request)

    async def GetAgentReport(  # noqa: N802  # the service's word
        self, request: pb.GetAgentReportRequest, _: "Context"
    ) -> pb.GetAgentReportResponse:
        """Handle times by agent."""
        return await self._answers.agent_report(request)

    async def GetFlowReport(  # noqa: N802  # the service's word
        self, request: pb.GetFlowReportRequest, _: "Context"
    ) -> pb.GetFlowReportResponse:
        """Figures of IVR flows."""
        return await self._answers.flow_report(request)

    async def SetTenantTimeZone(  # noqa: N802  # the service's word
        self, request: pb.SetTenantTimeZoneRequest, _: "Context"
    ) -> pb.SetTenantTimeZoneResponse:
        """The zone in which the tenant's days begin."""
        return await self._answers.set_time_zone(request)

    async def GetScorecard(  # noqa: N802  # the service's word
        self, request: pb.GetScorecardRequest, _: "Context"
    ) -> pb.GetScorecardResponse:
        """One agent's figures with their evidence."""
        return await self._scorecards.scorecard(request)

    async def ExplainFigure(  # noqa: N802  # the service's word
        self, request: pb.ExplainFigureRequest, _: "Context"
    ) -> pb.ExplainFigureResponse:
        """The facts and events behind a figure."""
        return await self._explanations.explain(request)

    async def GetFactsStatus(  # noqa: N802  # the service's word
        self, request: pb.GetFactsStatusRequest, _: "Context"
    ) -> pb.GetFactsStatusResponse:
        """How far the facts follow the logs."""
        return await self._status.facts_status(request)

    async def RebuildFacts(  # noqa: N802  # the service's word
        self, request: pb.RebuildFactsRequest, _: "Context"
    ) -> AsyncIterator[pb.RebuildFactsResponse]:
        """How a rebuild goes; ending the call early ends the rebuild and leaves the live facts untouched."""
        async with aclosing(self._rebuild(request)) as steps:
            async for told in steps:
                yield told

    async def ListParkedEvents(  # noqa: N802  # the service's word
        self, request: pb.ListParkedEventsRequest, _: "Context"
    ) -> pb.ListParkedEventsResponse:
        """Events that were set aside."""
        return await self._parked.listed(request)

    async def RetryParkedEvent(  # noqa: N802  # the service's word
        self, request: pb.RetryParkedEventRequest, _: "Context"
    ) -> pb.RetryParkedEventResponse:
        """One of them applied."""
        return await self._parked.retry(request)

    async def SkipParkedEvent(  # noqa: N802  # the service's word
        self, request: pb.SkipParkedEventRequest, _: "Context"
    ) -> pb.SkipParkedEventResponse:
        """One of them left out for good."""
        return await self._parked.skip(request)

    async def ListFigureDefinitions(  # noqa: N802  # the service's word
        self, _request: pb.ListFigureDefinitionsRequest, _: "Context"
    ) -> pb.ListFigureDefinitionsResponse:
        """What figures mean."""
        return await self._answers.figure_definitions()
