"""OverviewService over gRPC: what goes on now, and why it was decided so."""
# ruff: noqa: N802  # methods are named as the proto names them

from typing import Any, Final

from holdfast.call_events.v1 import source_pb2
from holdfast.ivr_routing.v1 import overview_service_pb2 as pb
from holdfast.ivr_routing.v1 import overview_service_pb2_grpc as stubs
from ivr_routing.core.explain import Candidate
from ivr_routing.doors import now
from ivr_routing.doors.explaining import Explaining
from ivr_routing.lead.leading import Leading
from ivr_routing.lead.shard import Shard
from service_host import call

MOST: Final = 100
LIMIT: Final = 1_000
LONG_MS: Final = 600_000


class OverviewApi(stubs.OverviewServiceServicer):
    """See overview_service.proto for what each method promises."""

    def __init__(self, leading: Leading, explaining: Explaining) -> None:
        self._leading = leading
        self._explaining = explaining

    async def ListQueuesNow(self, _request: pb.ListQueuesNowRequest, _context: Any) -> Any:
        """Queues now."""
        shard = await self._shard()
        answer = pb.ListQueuesNowResponse(queues=now.queues(shard.desk, shard.now_us()))
        answer.as_of.FromMicroseconds(shard.now_us())
        return answer

    async def ListAvailableAgents(self, request: pb.ListAvailableAgentsRequest, _context: Any) -> Any:
        """Agents who may be given a contact now."""
        shard = await self._shard()
        answer = pb.ListAvailableAgentsResponse(agents=now.available_agents(shard.desk, request.queue))
        answer.as_of.FromMicroseconds(shard.now_us())
        return answer

    async def ListWaitingContacts(self, request: pb.ListWaitingContactsRequest, _context: Any) -> Any:
        """Contacts that wait now."""
        shard = await self._shard()
        found = now.waiting_contacts(shard.desk, request.queue)
        answer = pb.ListWaitingContactsResponse(contacts=found[: _limit(request.limit)], waiting=len(found))
        answer.as_of.FromMicroseconds(shard.now_us())
        return answer

    async def ListLongContacts(self, request: pb.ListLongContactsRequest, _context: Any) -> Any:
        """Contacts with an agent for long."""
        shard = await self._shard()
        found = now.long_contacts(shard.desk, (request.longer_than_ms or LONG_MS) * 1_000, shard.now_us())
        answer = pb.ListLongContactsResponse(contacts=found[: _limit(request.limit)])
        answer.as_of.FromMicroseconds(shard.now_us())
        return answer

    async def ExplainDecision(self, request: pb.ExplainDecisionRequest, _context: Any) -> Any:
        """Why a contact was, or was not, given to an agent."""
        at_us = request.at.ToMicroseconds() if request.HasField("at") else None
        found, event_id = await self._explaining.explain(call.caller().tenant, request.contact_id, at_us)
        answer = pb.ExplainDecisionResponse(
            contact_id=found.contact_id,
            decision=found.decision,
            event_id=event_id,
            queue=found.queue,
            queue_version=found.queue_version,
            step=found.step,
            chosen=found.chosen,
            next=found.next,
            candidates=map(_candidate, found.candidates),
            rules=found.rules,
            contacts_ahead=found.contacts_ahead,
        )
        answer.decided_time.FromMicroseconds(found.decided_us)
        return answer

    async def _shard(self) -> Shard:
        return await self._leading.shard(call.caller().tenant)


def _limit(asked: int) -> int:
    return min(asked or MOST, LIMIT)


def _candidate(candidate: Candidate) -> pb.Candidate:
    return pb.Candidate(
        agent=candidate.agent,
        state=source_pb2.AgentState.ValueType(candidate.state),
        passed_over=candidate.passed_over,
        detail=candidate.detail,
        rank=candidate.rank,
    )
