"""The gRPC door: each method is the answer of the same name; statuses come from the host's table."""

from typing import TYPE_CHECKING, Any

from holdfast.metrics.v1 import metrics_service_pb2 as pb
from metrics.answers import Answers

if TYPE_CHECKING:
    from grpc.aio import ServicerContext

    Context = ServicerContext[Any, Any]


class MetricsApi:
    """Serves holdfast.metrics.v1.MetricsService."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

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

    async def ListFigureDefinitions(  # noqa: N802  # the service's word
        self, _request: pb.ListFigureDefinitionsRequest, _: "Context"
    ) -> pb.ListFigureDefinitionsResponse:
        """What figures mean."""
        return await self._answers.figure_definitions()
