"""AgentService over gRPC: an agent's own desktop, or a supervisor's for any agent."""
# ruff: noqa: N802  # methods are named as the proto names them

import time
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Any, Final

from holdfast.call_events.v1 import source_pb2
from holdfast.ivr_routing.v1 import agent_service_pb2 as pb
from holdfast.ivr_routing.v1 import agent_service_pb2_grpc as stubs
from ivr_routing.core import commands as c
from ivr_routing.core.agent import Agent
from ivr_routing.core.errors import UnknownAgent
from ivr_routing.core.words import AgentState
from ivr_routing.doors.policy import SUPERVISE
from ivr_routing.lead.leading import Leading
from ivr_routing.lead.shard import Shard
from ivr_routing.loop.offers import offered
from ivr_routing.loop.requests import Told
from service_host import call
from service_host.errors import InvalidArgument, PermissionDenied

MOST_OTHERS: Final = 4
MOST_HEARD: Final = 1_000
"""Agents of one call: noting them holds others up for half a millisecond."""


class AgentApi(stubs.AgentServiceServicer):
    """See agent_service.proto for what each method promises."""

    def __init__(self, leading: Leading, heartbeat: timedelta) -> None:
        self._leading = leading
        self._heartbeat = heartbeat

    async def SetAgentState(self, request: pb.SetAgentStateRequest, _context: Any) -> Any:
        """Sign in, out, ready or not ready."""
        shard, agent = await self._of(request.agent)
        for command in _commands(shard, agent, request):
            await shard.do(Told(command), actor=call.caller().subject)
        if request.state != source_pb2.AGENT_STATE_OFFLINE:
            shard.heartbeats.hear(agent, time.monotonic())
        known = _known(shard, agent)
        return pb.SetAgentStateResponse(state=_word(known.state), reason=known.reason)

    async def Heartbeat(self, request: pb.HeartbeatRequest, _context: Any) -> Any:
        """The desktop lives."""
        shard, agent = await self._of(request.agent)
        _known(shard, agent)
        (state,) = await _hear(shard, [agent])
        answer = pb.HeartbeatResponse(state=state)
        answer.next_within.FromTimedelta(self._heartbeat / 2)
        return answer

    async def HeartbeatAgents(self, request: pb.HeartbeatAgentsRequest, _context: Any) -> Any:
        """Many desktops live."""
        if len(request.agents) > MOST_HEARD:
            raise InvalidArgument("INVALID_FIELD", "These are too many agents for one call.", field="agents")
        for agent in request.agents:
            _may_speak_for(agent)
        shard = await self._leading.shard(call.caller().tenant)
        answer = pb.HeartbeatAgentsResponse(states=await _hear(shard, request.agents))
        answer.next_within.FromTimedelta(self._heartbeat / 2)
        return answer

    async def AcceptReservation(self, request: pb.AcceptReservationRequest, _context: Any) -> Any:
        """Take a contact."""
        shard, agent = await self._of(request.agent)
        await shard.do(Told(c.AcceptReservation(agent, request.reservation_id)), actor=call.caller().subject)
        return pb.AcceptReservationResponse()

    async def RejectReservation(self, request: pb.RejectReservationRequest, _context: Any) -> Any:
        """Say no to a contact."""
        shard, agent = await self._of(request.agent)
        command = c.RejectReservation(agent, request.reservation_id, request.reason)
        await shard.do(Told(command), actor=call.caller().subject)
        return pb.RejectReservationResponse()

    async def WatchReservations(self, request: pb.WatchReservationsRequest, _context: Any) -> AsyncIterator[Any]:
        """Stream agents' reservations."""
        if len(request.agents) > MOST_HEARD:
            raise InvalidArgument("INVALID_FIELD", "These are too many agents for one stream.", field="agents")
        caller = call.caller()
        agents = sorted({*request.agents, request.agent} - {""}) or [caller.agent or ""]
        for agent in agents:
            _may_speak_for(agent)
        shard = await self._leading.shard(caller.tenant)
        with shard.reservations.subscribed(*agents) as subscription:
            await shard.settled()
            reservations = shard.desk.core.reservations
            held = [reservations.get(_known(shard, agent).reservation_id) for agent in agents]
            first = [offered(shard.desk, found) for found in held if found is not None]
            for one in first:
                yield one
            told = {one.offered.reservation_id for one in first}
            async for news in subscription.read():
                if news is None or news.offered.reservation_id not in told:
                    yield news or pb.WatchReservationsResponse()

    async def CompleteWrapUp(self, request: pb.CompleteWrapUpRequest, _context: Any) -> Any:
        """End wrap-up."""
        shard, agent = await self._of(request.agent)
        await shard.do(Told(c.CompleteWrapUp(agent)), actor=call.caller().subject)
        return pb.CompleteWrapUpResponse(state=_word(_known(shard, agent).state))

    async def _of(self, agent: str) -> tuple[Shard, str]:
        """The shard and the agent whom the token may speak for; an agent's token is for that agent alone."""
        caller = call.caller()
        named = agent or caller.agent or ""
        _may_speak_for(named)
        return await self._leading.shard(caller.tenant), named


def _may_speak_for(agent: str) -> None:
    """Refuse unless the token speaks for an agent."""
    caller = call.caller()
    if not agent:
        raise InvalidArgument("INVALID_FIELD", "Say which agent.", field="agent")
    if agent != caller.agent and SUPERVISE not in caller.scopes:
        raise PermissionDenied("AGENT_NOT_YOURS", "The token does not speak for this agent.")


async def _hear(shard: Shard, agents: Iterable[str]) -> list["source_pb2.AgentState.ValueType"]:
    """Note that desktops live; the states of their agents, UNSPECIFIED for one who is not known."""
    now, actor = time.monotonic(), call.caller().subject
    heard = [shard.desk.core.agents.get(agent) for agent in agents]
    lost = [known.agent for known in heard if known is not None and known.signed_in and known.heartbeat_lost]
    for known in heard:
        if known is not None and known.signed_in:
            shard.heartbeats.hear(known.agent, now)
    for agent in lost:
        shard.decide(Told(c.RegainHeartbeat(agent)), actor=actor)
    if lost:
        await shard.settled()
    return [source_pb2.AGENT_STATE_UNSPECIFIED if known is None else _word(known.state) for known in heard]


def _commands(shard: Shard, agent: str, request: pb.SetAgentStateRequest) -> list[c.Command]:
    """What asking for a state means, as the agent is now."""
    state = AgentState(request.state)
    known = _known(shard, agent)
    if state is AgentState.OFFLINE:
        return [c.SignOut(agent)]
    endpoints = _endpoints(request) or known.endpoints
    if not endpoints:
        raise InvalidArgument("INVALID_FIELD", "Say where the agent can be rung.", field="endpoint")
    if not known.signed_in:
        reason = request.reason or "signed_in"
        return [c.SignIn(agent, endpoints, state, reason)]
    changed: list[c.Command] = [c.SignIn(agent, endpoints)] if endpoints != known.endpoints else []
    return [*changed, c.SetAgentState(agent, state, request.reason)]


def _endpoints(request: pb.SetAgentStateRequest) -> tuple[str, ...]:
    """Where the agent can be rung, as the request says; empty if it says nothing."""
    if len(request.other_endpoints) > MOST_OTHERS:
        raise InvalidArgument("INVALID_FIELD", "These are too many endpoints.", field="other_endpoints")
    named = (request.endpoint, *request.other_endpoints)
    return tuple(dict.fromkeys(endpoint for endpoint in named if endpoint))


def _known(shard: Shard, agent: str) -> Agent:
    known = shard.desk.core.agents.get(agent)
    if known is None:
        raise UnknownAgent("There is no such agent.")
    return known


def _word(state: AgentState) -> "source_pb2.AgentState.ValueType":
    return source_pb2.AgentState.ValueType(state)
