"""The way to routing: start, report, acknowledge, and a watch that says how long routing has been silent.

Nothing here waits longer than its deadline. What must not be lost (acknowledgements, default routes) is told again
until it was heard.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, TypeVar

import grpc

from holdfast.ivr_routing.v1 import instruction_pb2, phone_system_service_pb2_grpc
from holdfast.ivr_routing.v1 import phone_system_service_pb2 as pb

logger = logging.getLogger(__name__)
_Answer = TypeVar("_Answer")

CALL_SECONDS: Final = 3.0
SIGN_OF_LIFE_SECONDS: Final = 3.0
"""A watch that gave nothing for so long is begun anew; routing gives a sign of life each second."""
FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 1.0
SNAPSHOT_SECONDS: Final = 5.0
"""A snapshot that routing wants is made at most so often: it takes a while until routing has heard of it."""
MOST_WAITING: Final = 10_000
"""Tellings that may wait for routing to come back; the oldest are dropped beyond."""


class RoutingLink:
    """One source's way to routing."""

    def __init__(self, channel: grpc.aio.Channel, source_id: str, node: str, clock: Callable[[], float]) -> None:
        """Speak over a channel; `clock` is monotonic, in seconds."""
        self._stub = phone_system_service_pb2_grpc.PhoneSystemServiceStub(channel)
        self.source_id = source_id
        self.node = node
        self._clock = clock
        self._heard = clock()
        self._highest = 0
        self._snapshot_at = -SNAPSHOT_SECONDS
        self._to_tell: asyncio.Queue[Callable[[], Awaitable[Any]]] = asyncio.Queue(MOST_WAITING)

    @property
    def silence(self) -> timedelta:
        """How long nothing was heard of routing."""
        return timedelta(seconds=self._clock() - self._heard)

    async def start(self, request: pb.StartContactRequest) -> pb.StartContactResponse | None:
        """Ask where a contact goes; None if routing does not answer within its time."""
        return await self._asked(self._stub.StartContact(request, timeout=CALL_SECONDS))

    async def report(self, request: pb.ReportInputRequest) -> pb.ReportInputResponse | None:
        """Tell input and ask what comes next; None if routing does not answer within its time."""
        return await self._asked(self._stub.ReportInput(request, timeout=CALL_SECONDS))

    async def static_plans(self) -> list[instruction_pb2.StaticPlan]:
        """Fetch the static plans; empty if routing does not answer."""
        answer = await self._asked(
            self._stub.ListStaticPlans(pb.ListStaticPlansRequest(source_id=self.source_id), timeout=CALL_SECONDS)
        )
        return list(answer.plans) if answer is not None else []

    def acknowledge(self, request: pb.AcknowledgeInstructionRequest) -> None:
        """Tell what became of an instruction, as soon as routing hears."""
        self._tell_later(lambda: self._stub.AcknowledgeInstruction(request, timeout=CALL_SECONDS))

    def default_route(self, request: pb.ReportDefaultRouteRequest) -> None:
        """Tell that a static plan was followed, as soon as routing hears."""
        self._tell_later(lambda: self._stub.ReportDefaultRoute(request, timeout=CALL_SECONDS))

    async def watch(
        self, on_instruction: Callable[[instruction_pb2.Instruction], None], on_snapshot_wanted: Callable[[], None]
    ) -> None:
        """Hand over instructions as they come, and routing's wish to be told what lives; for ever."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                async for news in self._watched():
                    pause = FIRST_PAUSE_SECONDS
                    if news.snapshot_wanted and self._clock() - self._snapshot_at >= SNAPSHOT_SECONDS:
                        self._snapshot_at = self._clock()
                        on_snapshot_wanted()
                    if news.HasField("instruction"):
                        on_instruction(news.instruction)
            except (grpc.aio.AioRpcError, TimeoutError) as away:
                logger.info("the watch of instructions ended: %s", type(away).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def tell(self) -> None:
        """Tell what waits to be told, in order, each until it was heard or refused for good; for ever."""
        while True:
            telling = await self._to_tell.get()
            pause = FIRST_PAUSE_SECONDS
            while not await self._told(telling):
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            self._to_tell.task_done()

    async def drained(self) -> None:
        """Wait until nothing waits to be told."""
        await self._to_tell.join()

    async def _watched(self) -> Any:
        request = pb.WatchInstructionsRequest(source_id=self.source_id, node=self.node, after_number=self._highest)
        call = self._stub.WatchInstructions(request)
        try:
            while True:
                async with asyncio.timeout(SIGN_OF_LIFE_SECONDS):
                    answer: Any = await call.read()
                if answer is grpc.aio.EOF:
                    return
                self._heard = self._clock()
                self._highest = max(self._highest, answer.instruction.number)
                yield answer
        finally:
            call.cancel()

    async def _asked(self, answering: Awaitable[_Answer]) -> _Answer | None:
        try:
            answer = await answering
        except grpc.aio.AioRpcError as away:
            logger.info("routing did not answer: %s", away.code().name)
            return None
        self._heard = self._clock()
        return answer

    async def _told(self, telling: Callable[[], Awaitable[Any]]) -> bool:
        try:
            await telling()
        except grpc.aio.AioRpcError as trouble:
            again = trouble.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
            if not again:
                logger.info("routing refused a telling: %s", trouble.code().name)
            return not again
        return True

    def _tell_later(self, telling: Callable[[], Awaitable[Any]]) -> None:
        if self._to_tell.full():
            self._to_tell.get_nowait()
            self._to_tell.task_done()
        self._to_tell.put_nowait(telling)
