"""One simulated agent: a desktop that signs in, beats, watches and accepts, and an endpoint picked up or not."""

import asyncio
import logging
import random
from collections.abc import Awaitable
from typing import Any, Final

import grpc

from holdfast.call_events.v1 import source_pb2
from holdfast.ivr_routing.v1 import agent_service_pb2 as pb
from holdfast.ivr_routing.v1 import agent_service_pb2_grpc, instruction_pb2
from holdfast_connectors.simulated.chance import length
from holdfast_connectors.simulated.scenario import Scenario

logger = logging.getLogger(__name__)

CALL_SECONDS: Final = 3.0
PAUSE_SECONDS: Final = 0.5
BREAK_SECONDS: Final = 10.0
"""How long an agent stays away who was made not ready, or unreachable."""
_AWAY: Final = (
    source_pb2.AGENT_STATE_NOT_READY,
    source_pb2.AGENT_STATE_UNREACHABLE,
    source_pb2.AGENT_STATE_OFFLINE,
)


class Agent:
    """An agent by name; the token of the channel speaks for them."""

    def __init__(self, name: str, channel: grpc.aio.Channel, scenario: Scenario, chance: random.Random) -> None:
        self.name = name
        self.endpoint = f"SIM/{name}"
        self._stub = agent_service_pb2_grpc.AgentServiceStub(channel)
        self._scenario = scenario
        self._chance = chance
        self._rejected: set[str] = set()
        self._holds = ""
        """The ring that was picked up last, until its call and the work after it are over."""
        self._under_way: set[asyncio.Task[Any]] = set()

    async def work(self) -> None:
        """Sign in and be there for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beat())
            tasks.create_task(self._watch())

    @property
    def busy(self) -> bool:
        """Whether the endpoint is in use: a second call gets the busy tone."""
        return bool(self._holds)

    def hang_up(self, ring: instruction_pb2.Ring) -> None:
        """The call of a ring is over for the endpoint, if it was picked up at all."""
        if self._holds == ring.reservation_id:
            self._holds = ""

    async def pick_up(self, ring: instruction_pb2.Ring) -> None:
        """Return when the ringing endpoint is picked up, which may be never."""
        if self._chance.random() < self._scenario.ignore_share or ring.reservation_id in self._rejected:
            await asyncio.Event().wait()
        await asyncio.sleep(length(self._chance, self._scenario.answer_seconds))
        if self.busy:
            await asyncio.Event().wait()
        self._holds = ring.reservation_id
        request = pb.AcceptReservationRequest(reservation_id=ring.reservation_id, agent=self.name)
        self._beside(self._stub.AcceptReservation(request, timeout=CALL_SECONDS))

    async def wrap_up(self, ring: instruction_pb2.Ring) -> None:
        """Work after a contact."""
        await asyncio.sleep(length(self._chance, self._scenario.wrap_up_seconds))
        self.hang_up(ring)
        request = pb.CompleteWrapUpRequest(agent=self.name, disposition="served")
        await asked(self._stub.CompleteWrapUp(request, timeout=CALL_SECONDS))

    async def _beat(self) -> None:
        await self._become_available()
        while True:
            await asyncio.sleep(self._scenario.heartbeat.total_seconds())
            heard = await asked(self._stub.Heartbeat(pb.HeartbeatRequest(agent=self.name), timeout=CALL_SECONDS))
            if heard is not None and heard.state in _AWAY:
                await asyncio.sleep(0 if heard.state == source_pb2.AGENT_STATE_OFFLINE else BREAK_SECONDS)
                await self._become_available()

    async def _become_available(self) -> None:
        request = pb.SetAgentStateRequest(
            agent=self.name, state=source_pb2.AGENT_STATE_AVAILABLE, endpoint=self.endpoint
        )
        while True:
            if await asked(self._stub.SetAgentState(request, timeout=CALL_SECONDS)) is not None:
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _watch(self) -> None:
        """Look at what is offered, and reject some of it."""
        while True:
            try:
                async for news in self._stub.WatchReservations(pb.WatchReservationsRequest(agent=self.name)):
                    if news.HasField("offered") and self._chance.random() < self._scenario.reject_share:
                        self._reject(news.offered.reservation_id)
            except grpc.aio.AioRpcError as away:
                logger.info("the watch of reservations ended: %s", away.code().name)
            await asyncio.sleep(PAUSE_SECONDS)

    def _reject(self, reservation_id: str) -> None:
        self._rejected.add(reservation_id)
        request = pb.RejectReservationRequest(reservation_id=reservation_id, agent=self.name, reason="busy")
        self._beside(self._stub.RejectReservation(request, timeout=CALL_SECONDS))

    def _beside(self, call: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(asked(call))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)


async def asked(call: Awaitable[Any]) -> Any:
    """The answer of a call; None if it was refused or not answered."""
    try:
        return await call
    except grpc.aio.AioRpcError as trouble:
        logger.info("routing did not do what an agent asked: %s", trouble.code().name)
        return None
