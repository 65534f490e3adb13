"""The part of AdministrationService that is about flows: drafts, versions that never change, and where numbers lead."""
# ruff: noqa: N802  # methods are named as the proto names them

import hashlib
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.ivr_routing.v1 import administration_service_pb2 as pb
from holdfast.ivr_routing.v1 import administration_service_pb2_grpc as stubs
from holdfast.ivr_routing.v1 import configuration_pb2
from ivr_routing.doors import flow_versions
from ivr_routing.errors import NoSuchFlow
from ivr_routing.flow import publishing
from ivr_routing.flow.flow import lint, load, missing_queues
from ivr_routing.flow.problem import FlowRefused, Problem, PublishingRefused
from ivr_routing.lead.leading import Leading
from ivr_routing.lead.shard import Shard
from ivr_routing.loop.catalogue import message_of
from ivr_routing.loop.requests import Record
from service_host import call
from service_host.errors import FailedPrecondition, InvalidArgument

LONGEST_DOCUMENT: Final = 500_000
MOST_NUMBERS: Final = 1_000


class FlowAdministration(stubs.AdministrationServiceServicer):
    """See administration_service.proto for what each method promises."""

    def __init__(self, leading: Leading) -> None:
        self._leading = leading

    async def SaveFlowDraft(self, request: pb.SaveFlowDraftRequest, _context: Any) -> Any:
        """Keep a document under work."""
        if not request.flow.strip():
            raise InvalidArgument("INVALID_FIELD", "Say which flow it is of.", field="flow")
        _not_too_long(request.document)
        found = lint(request.document)
        if not found and load(request.document).name != request.flow:
            raise InvalidArgument("INVALID_FIELD", "The document is of another flow.", field="flow")
        shard = await self._shard()
        digest = hashlib.sha256(request.document.encode()).hexdigest()
        await self._decide(shard, publishing.SaveDraft(request.flow, digest, request.document, who()))
        return pb.SaveFlowDraftResponse(problems=map(_problem, found))

    async def GetFlow(self, request: pb.GetFlowRequest, _context: Any) -> Any:
        """One version with its document."""
        shard = await self._shard()
        flows = shard.desk.catalogue.flows
        held = (
            flows.versions.get((request.flow, request.version)) if request.version else flows.drafts.get(request.flow)
        )
        if held is None:
            raise NoSuchFlow("There is no such version of a flow.")
        now = flow_versions.version_of(flows, held, shard.now_us())
        return pb.GetFlowResponse(version=now, document=held.document)

    async def ScheduleFlow(self, request: pb.ScheduleFlowRequest, _context: Any) -> Any:
        """Lead numbers to a published version."""
        if not 0 < len(request.service_numbers) <= MOST_NUMBERS:
            raise InvalidArgument("INVALID_FIELD", "Say which numbers, not too many.", field="service_numbers")
        shard = await self._shard()
        command = publishing.ScheduleFlow(
            request.flow,
            request.version,
            tuple(request.service_numbers),
            _instant(request),
            who(),
            shard.now_us(),
        )
        await self._decide(shard, command)
        return pb.ScheduleFlowResponse()

    async def PublishFlow(self, request: pb.PublishFlowRequest, _context: Any) -> Any:
        """Publish a version of a flow."""
        _not_too_long(request.document)
        shard = await self._shard()
        command = publishing.PublishFlow(
            request.document, tuple(request.service_numbers), _instant(request), who(), shard.now_us()
        )
        try:
            decided = publishing.decide(shard.desk.catalogue.flows, command)
            missing = missing_queues(request.document, shard.desk.core.queues)
        except FlowRefused as refused:
            return pb.PublishFlowResponse(problems=map(_problem, refused.problems))
        except PublishingRefused as refused:
            raise FailedPrecondition(refused.reason, str(refused)) from None
        if missing:
            return pb.PublishFlowResponse(problems=map(_problem, missing))
        if decided and not request.validate_only:
            await shard.do(Record(tuple(message_of(event) for event in decided)), actor=who())
        return pb.PublishFlowResponse(flow=_published(request.document))

    async def WithdrawFlow(self, request: pb.WithdrawFlowRequest, _context: Any) -> Any:
        """Lead service numbers to no flow of their own."""
        shard = await self._shard()
        command = publishing.WithdrawFlow(request.flow, tuple(request.service_numbers), who(), shard.now_us())
        await self._decide(shard, command)
        return pb.WithdrawFlowResponse()

    async def ListFlows(self, _request: pb.ListFlowsRequest, _context: Any) -> Any:
        """Flows and their versions."""
        shard = await self._shard()
        answer = pb.ListFlowsResponse(flows=flow_versions.every(shard.desk.catalogue.flows, shard.now_us()))
        for event in shard.desk.catalogue.kept:
            if isinstance(event, configuration_pb2.FlowPublished):
                answer.versions.add().CopyFrom(event)
                answer.versions[-1].document = ""
            elif isinstance(event, configuration_pb2.FlowScheduled):
                answer.schedules.append(event)
        answer.versions.sort(key=lambda version: version.flow)
        return answer

    async def _decide(self, shard: Shard, command: publishing.Command) -> None:
        try:
            decided = publishing.decide(shard.desk.catalogue.flows, command)
        except PublishingRefused as refused:
            raise FailedPrecondition(refused.reason, str(refused)) from None
        if decided:
            await shard.do(Record(tuple(message_of(event) for event in decided)), actor=who())

    async def _shard(self) -> Shard:
        return await self._leading.shard(call.caller().tenant)


def who() -> str:
    """Who calls, as the log keeps it."""
    return call.caller().subject


def _not_too_long(document: str) -> None:
    if len(document) > LONGEST_DOCUMENT:
        raise InvalidArgument("INVALID_FIELD", "The document is too long.", field="document")


def _instant(request: pb.PublishFlowRequest | pb.ScheduleFlowRequest) -> int | None:
    return Timestamp.ToMicroseconds(request.effective_time) if request.HasField("effective_time") else None


def _problem(problem: Problem) -> pb.FlowProblem:
    rule, message, remedy = problem.code.upper(), problem.text, problem.remedy
    return pb.FlowProblem(rule=rule, node=problem.node, line=problem.line, message=message, remedy=remedy)


def _published(document: str) -> configuration_pb2.FlowPublished:
    flow = load(document)
    return configuration_pb2.FlowPublished(flow=flow.name, version=flow.version, content_hash=flow.content_hash)
