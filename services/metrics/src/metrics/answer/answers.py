"""What each method answers: the caller's reach, the question, one snapshot of the facts, the answer as a message.

Both doors, gRPC and REST, come here, so that they cannot come to differ. The caller is that of the running call.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

from holdfast.metrics.v1 import figure_pb2
from holdfast.metrics.v1 import metrics_service_pb2 as pb
from metrics import as_of, telemetry
from metrics.answer import answering, asking
from metrics.as_of import AsOf
from metrics.connection import Connection
from metrics.evidence.evidence import Subject
from metrics.figure import catalogue
from metrics.interval.interval import Interval, zone_named
from metrics.people import audit
from metrics.people.policy import may_see_positions, reach
from metrics.report.agent_report import agent_report
from metrics.report.flow_report import flow_report
from metrics.report.question import Question, Scope, named
from metrics.report.queue_report import queue_report
from metrics.report.snapshot import snapshot
from metrics.tenant import time_zone
from service_host import call
from service_host.postgres import Database


class Answers:
    """Answers about figures of queues, agents and flows."""

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._database = database
        self._clock = clock

    async def queue_report(self, request: pb.GetQueueReportRequest) -> pb.GetQueueReportResponse:
        """Return figures of queues."""
        wanted = asking.figures(request.figures, Subject.QUEUE)
        told = asking.Told(
            threshold=request.threshold if request.HasField("threshold") else None,
            short_abandon=request.short_abandon if request.HasField("short_abandon") else None,
            minimum_n=request.minimum_n,
        )
        scope = Scope(call.caller().tenant, named(request.queues))
        asked = asking.question(Subject.QUEUE, scope, await self.interval(request.interval), told)
        asked = replace(asked, together=request.all_queues_together)
        with telemetry.REPORT.start(subject=Subject.QUEUE):
            async with snapshot(self._database) as connection:
                found, asked = await self.known(connection, asked)
                report = await queue_report(connection, asked, wanted)
        answer = await asyncio.to_thread(answering.queue_report, asked, report)
        answer.as_of.CopyFrom(self.as_of(found))
        return answer

    async def agent_report(self, request: pb.GetAgentReportRequest) -> pb.GetAgentReportResponse:
        """Return what agents handled, of those the caller may read."""
        wanted = asking.figures(request.figures, Subject.AGENT)
        within = reach(call.caller(), named(request.agents))
        scope = Scope(call.caller().tenant, within.agents, within.team, named(request.queues))
        told = asking.Told(minimum_n=request.minimum_n)
        asked = asking.question(Subject.AGENT, scope, await self.interval(request.interval), told)
        reading = audit.Reading("GetAgentReport", within, asked.interval, request.purpose)
        await audit.record(self._database, reading)
        with telemetry.REPORT.start(subject=Subject.AGENT):
            async with snapshot(self._database) as connection:
                found, asked = await self.known(connection, asked)
                rows = await agent_report(connection, asked, wanted)
        answer = await asyncio.to_thread(answering.agent_report, asked, rows)
        answer.as_of.CopyFrom(self.as_of(found))
        return answer

    async def flow_report(self, request: pb.GetFlowReportRequest) -> pb.GetFlowReportResponse:
        """Return figures of IVR flows."""
        wanted = asking.figures(request.figures, Subject.FLOW)
        scope = Scope(call.caller().tenant, named(request.flows))
        told = asking.Told(minimum_n=request.minimum_n)
        subject = Subject.FLOW_PATH if request.by_node_path else Subject.FLOW
        asked = asking.question(subject, scope, await self.interval(request.interval), told)
        with telemetry.REPORT.start(subject=Subject.FLOW):
            async with snapshot(self._database) as connection:
                found, asked = await self.known(connection, asked)
                report = await flow_report(connection, asked, wanted)
        answer = await asyncio.to_thread(answering.flow_report, asked, report)
        answer.as_of.CopyFrom(self.as_of(found))
        return answer

    async def figure_definitions(self) -> pb.ListFigureDefinitionsResponse:
        """Return what every figure means, all versions."""
        definitions = [answering.definition(found) for found in catalogue.DEFINITIONS]
        return pb.ListFigureDefinitionsResponse(definitions=definitions)

    async def set_time_zone(self, request: pb.SetTenantTimeZoneRequest) -> pb.SetTenantTimeZoneResponse:
        """Set the zone in which the tenant's days begin."""
        zone, tenant = zone_named(request.time_zone), call.caller().tenant
        async with self._database.acquire() as connection:
            changed = await time_zone.write(connection, tenant, zone, only_if_unset=request.only_if_unset)
            stands = await time_zone.read(connection, tenant)
        return pb.SetTenantTimeZoneResponse(time_zone=stands.key, changed=changed)

    async def zone(self) -> ZoneInfo:
        """Return the zone in which the caller's days begin."""
        async with self._database.acquire() as connection:
            return await time_zone.read(connection, call.caller().tenant)

    async def interval(self, told: figure_pb2.ReportInterval) -> Interval:
        """Return the interval told, in the tenant's zone where it names none."""
        zone = zone_named(told.time_zone) if told.time_zone else await self.zone()
        return asking.interval(told, zone)

    async def known(self, connection: Connection, asked: Question) -> tuple[AsOf, Question]:
        """Return how current the facts are, and the question with the instant up to which anything is known."""
        found = await as_of.read(connection, asked.scope.tenant)
        terms = replace(asked.terms, now_us=found.known_us(self._clock()))
        return found, replace(asked, terms=terms)

    def as_of(self, found: AsOf) -> figure_pb2.AsOf:
        """Return how current an answer is, as far as the caller may see it."""
        return answering.as_of(found, self._clock(), positions=may_see_positions(call.caller()))
