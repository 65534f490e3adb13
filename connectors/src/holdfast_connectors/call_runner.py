"""Carries out one caller's instructions: each once, the newest counts, and the static plan when routing is silent.

Between answer and bridge nothing is asked of anybody: what becomes of a plan is told beside it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final, TypeVar
from uuid import UUID

from holdfast.ivr_routing.v1 import instruction_pb2 as pb
from holdfast.ivr_routing.v1 import phone_system_service_pb2 as asking
from holdfast_connectors import static_plans
from holdfast_connectors.line import Line, NotSupported, Rung, StepFailed
from holdfast_connectors.racing import first_of
from holdfast_connectors.routing_link import RoutingLink

LOOK_SECONDS: Final = 0.1
"""How often a waiting call looks whether routing is silent."""
LONGEST_CALL: Final = timedelta(hours=4)
INSTRUCTED: Final = "instructed"
"""Said of a call when routing has given its first instruction."""
DEFAULT_ROUTE: Final = "default_route"
"""Said of a call when it follows a static plan."""
_Answer = TypeVar("_Answer")


def unsaid(what: str) -> None:
    """Say nothing of what happens to a call."""
    del what


class RoutingSilent(Exception):
    """Routing said nothing for as long as the static plan allows, or nothing that can be done here."""


class CallRunner:
    """One call, from its arrival until the caller is served, sent elsewhere or gone."""

    def __init__(
        self,
        line: Line,
        link: RoutingLink,
        plans: Sequence[pb.StaticPlan],
        now_us: Callable[[], int],
        new_id: Callable[[], UUID],
        say: Callable[[str], None] = unsaid,
    ) -> None:
        """Run a line by what a link says; `plans` are the static plans at hand; `say` is told what leads the call."""
        self._line = line
        self._say = say
        self._link = link
        self._plans = plans
        self._now_us = now_us
        self._new_id = new_id
        self._instruction = pb.Instruction()
        self._newer = asyncio.Event()
        self._state = pb.WAITING_STATE_ARRIVAL
        self._queue = self._service_number = ""
        self._rung = Rung()
        self.contact_id = ""
        self.followed_default = False

    def told(self, instruction: pb.Instruction) -> None:
        """Take an instruction; one that is not newer than the last was told before and is done once.

        Once an agent has answered, nothing may come between them and the caller any more.
        """
        if self._rung.answered:
            self._acknowledge(instruction, pb.INSTRUCTION_STATUS_FAILED, "answered")
        elif instruction.number > self._instruction.number:
            self._instruction = instruction
            self._newer.set()

    async def run(self, request: asking.StartContactRequest) -> None:
        """Serve the call until it needs nothing more of routing, or the caller has gone."""
        self._service_number = request.service_number
        async with asyncio.timeout(LONGEST_CALL.total_seconds()):
            await first_of(self._served(request), self._line.gone())

    async def call_back(self, instruction: pb.Instruction) -> None:
        """Carry out what leads to a customer who waits to be called; returns when nothing of it lasts."""
        self.contact_id, self._state = instruction.contact_id, pb.WAITING_STATE_REDIAL
        self.told(instruction)
        async with asyncio.timeout(LONGEST_CALL.total_seconds()):
            await first_of(self._called_back(), self._line.gone())

    async def _called_back(self) -> None:
        while True:
            self._newer.clear()
            if await first_of(self._carried_out(self._instruction), self._newer.wait()) == 0:
                return

    async def _served(self, request: asking.StartContactRequest) -> None:
        try:
            answer = await self._until_silent(lambda: self._link.start(request))
            self.contact_id = answer.contact_id
            self._say(INSTRUCTED)
            self.told(answer.instruction)
            await self._follow()
        except RoutingSilent:
            await self._follow_default()

    async def _follow(self) -> None:
        """Carry out the newest instruction until one leads to an end; a newer one replaces what still lasts."""
        while True:
            self._newer.clear()
            if await first_of(self._carry_out(self._instruction), self._newer.wait()) == 0:
                return

    async def _carry_out(self, instruction: pb.Instruction) -> None:
        """Carry out a plan; returns when the call needs nothing more of routing, else waits for the next one."""
        if not await self._carried_out(instruction):
            await self._wait(LONGEST_CALL)

    async def _carried_out(self, instruction: pb.Instruction) -> bool:
        """Carry out a plan, and tell what became of it; True if its last step ends the need for routing."""
        if instruction.HasField("valid_until") and instruction.valid_until.ToMicroseconds() < self._now_us():
            self._acknowledge(instruction, pb.INSTRUCTION_STATUS_EXPIRED)
            return False
        self._acknowledge(instruction, pb.INSTRUCTION_STATUS_ACCEPTED)
        self._line.led_by(instruction.instruction_id)
        try:
            ended = await self._steps([*instruction.do, *instruction.then])
        except NotSupported:
            self._acknowledge(instruction, pb.INSTRUCTION_STATUS_UNSUPPORTED)
            ended = await self._instead(instruction)
        except StepFailed as failed:
            self._acknowledge(instruction, pb.INSTRUCTION_STATUS_FAILED, str(failed))
            ended = await self._instead(instruction)
        else:
            self._acknowledge(instruction, pb.INSTRUCTION_STATUS_DONE)
        return ended

    async def _instead(self, instruction: pb.Instruction) -> bool:
        """Do what stands instead of a plan that failed; where that fails too nothing more comes of it."""
        try:
            return await self._steps(instruction.otherwise)
        except (NotSupported, StepFailed):
            raise RoutingSilent from None

    async def _steps(self, steps: Sequence[pb.Action]) -> bool:
        """Take steps one after the other; True if the last of them ends the call's need for routing."""
        ended = False
        for number, action in enumerate(steps, start=1):
            ended = await self._step(action, last=number == len(steps))
        return ended

    async def _step(self, action: pb.Action, *, last: bool) -> bool:
        """Take one step; True if it ends the call's need for routing."""
        match action.WhichOneof("action"):
            case "play":
                await self._line.play(action.play)
            case "collect":
                await self._report(action.collect.node, await self._line.collect(action.collect))
            case "ask_next":
                await self._report(action.ask_next.node, None, played=True)
            case "queue_music":
                await self._wait_in_queue(action.queue_music, last=last)
            case "park":
                await self._park(action.park, last=last)
            case "stop_ringing" | None:
                return False
            case "ring" | "ring_all" | "redial":
                await self._reach(action)
            case _:
                return await self._last_step(action)
        return False

    async def _last_step(self, action: pb.Action) -> bool:
        """Take a step after which the call needs nothing more of routing."""
        match action.WhichOneof("action"):
            case "bridge":
                await self._line.bridge(action.bridge, self._rung)
            case "transfer":
                await self._line.transfer(action.transfer)
            case "voicemail":
                await self._line.voicemail(action.voicemail)
            case "hang_up":
                await self._line.hang_up(action.hang_up)
            case _:
                raise NotSupported(str(action.WhichOneof("action")))
        return True

    async def _reach(self, action: pb.Action) -> None:
        if action.HasField("redial"):
            await self._dial(action.redial)
        else:
            await self._ring(tuple(action.ring_all.rings) or (action.ring,))

    async def _ring(self, rings: tuple[pb.Ring, ...]) -> None:
        self._rung = await self._line.ring(rings)
        if not self._rung.answered:
            raise StepFailed(self._rung.cause or "no_answer")

    async def _dial(self, redial: pb.Redial) -> None:
        try:
            await self._line.redial(redial)
        except StepFailed:
            self._rung = Rung()
            raise

    async def _wait_in_queue(self, music: pb.QueueMusic, *, last: bool) -> None:
        self._state, self._queue = pb.WAITING_STATE_QUEUE_MUSIC, music.queue
        await self._line.enter_queue(music)
        if last:
            await self._wait(music.at_most.ToTimedelta() if music.HasField("at_most") else LONGEST_CALL)
            raise RoutingSilent

    async def _park(self, park: pb.Park, *, last: bool) -> None:
        self._state = pb.WAITING_STATE_PARKED
        await self._line.park(park)
        if last:
            raise RoutingSilent

    async def _wait(self, at_most: timedelta) -> None:
        """Wait to be told something; raises RoutingSilent when the link has been silent for too long."""
        silence = static_plans.silence_of(self._plan())
        until = asyncio.get_running_loop().time() + at_most.total_seconds()
        while asyncio.get_running_loop().time() < until:
            if self._link.silence > silence:
                raise RoutingSilent
            await asyncio.sleep(LOOK_SECONDS)

    async def _report(self, node: str, digits: str | None, *, played: bool = False) -> None:
        request = asking.ReportInputRequest(
            contact_id=self.contact_id,
            input_id=str(self._new_id()),
            instruction_id=self._instruction.instruction_id,
            node=node,
        )
        if played:
            request.played = True
        elif digits is None:
            request.no_input = True
        else:
            request.digits = digits
        self._state = pb.WAITING_STATE_ARRIVAL
        self.told((await self._until_silent(lambda: self._link.report(request))).instruction)

    async def _until_silent(self, ask: Callable[[], Awaitable[_Answer | None]]) -> _Answer:
        """Ask until there is an answer; raises RoutingSilent when there was none for as long as the plan allows."""
        until = asyncio.get_running_loop().time() + static_plans.silence_of(self._plan()).total_seconds()
        while (left := until - asyncio.get_running_loop().time()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    if (answer := await ask()) is not None:
                        return answer
            await asyncio.sleep(LOOK_SECONDS)
        raise RoutingSilent

    def _plan(self) -> pb.StaticPlan:
        return static_plans.chosen(self._plans, self._state, queue=self._queue, service_number=self._service_number)

    async def _follow_default(self) -> None:
        """Follow the static plan of the state: the first action that works; tell it later."""
        plan = self._plan()
        self.followed_default = True
        self._say(DEFAULT_ROUTE)
        self._line.led_by("")
        did = []
        for action in plan.do or static_plans.LAST_RESORT.do:
            did.append(action)
            try:
                await self._step(action, last=False)
                break
            except (NotSupported, StepFailed):
                continue
        self._tell_default(did)

    def _tell_default(self, did: Sequence[pb.Action]) -> None:
        request = asking.ReportDefaultRouteRequest(
            source_id=self._link.source_id,
            native_id=self._line.native_id,
            state=self._state,
            did=did,
            service_number=self._service_number,
        )
        request.taken_time.FromMicroseconds(self._now_us())
        self._link.default_route(request)

    def _acknowledge(
        self, instruction: pb.Instruction, status: "pb.InstructionStatus.ValueType", cause: str = ""
    ) -> None:
        request = asking.AcknowledgeInstructionRequest(
            contact_id=instruction.contact_id,
            instruction_id=instruction.instruction_id,
            status=status,
            cause=cause,
            leg_id=self._rung.leg_id,
        )
        if self._rung.rang_ms:
            request.rang_for.FromMilliseconds(self._rung.rang_ms)
        self._link.acknowledge(request)
