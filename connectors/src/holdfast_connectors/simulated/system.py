"""A whole simulated phone system: calls arrive, each is run by what routing says, everything is told to call-events."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

import grpc

from contact_life import identity
from holdfast.call_events.v1 import call_events_service_pb2, call_events_service_pb2_grpc
from holdfast.ivr_routing.v1 import instruction_pb2
from holdfast.ivr_routing.v1 import phone_system_service_pb2 as asking
from holdfast_connectors import source_words
from holdfast_connectors.call_runner import CallRunner
from holdfast_connectors.callbacks import calls_back, unsupported
from holdfast_connectors.routing_link import RoutingLink
from holdfast_connectors.simulated.agent import Agent
from holdfast_connectors.simulated.chance import Chance, Unreliable, length, new_id
from holdfast_connectors.simulated.line import CallbackLine, SimulatedLine, World
from holdfast_connectors.simulated.record import ARRIVED, OVER, Record
from holdfast_connectors.simulated.scenario import Scenario
from holdfast_connectors.teller import Teller

RESOLVE_SECONDS: Final = 1.0
"""How long a caller waits until it is known who they are; routing is asked without it then."""
LOOK_SECONDS: Final = 0.1
LONGEST_CALLBACK_SECONDS: Final = 60.0
"""How long customers who wait to be called are waited for when no more calls arrive."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Channels to what is outside, and the clock."""

    routing: grpc.aio.Channel
    call_events: grpc.aio.Channel
    now_us: Callable[[], int]
    record: Record


class SimulatedPhoneSystem:
    """Callers, lines and agents of one scenario."""

    def __init__(self, scenario: Scenario, tenant: str, doors: Doors) -> None:
        self._scenario = scenario
        self._tenant = tenant
        self._doors = doors
        self._chance = Chance(scenario)
        self._fate = Unreliable(scenario, self._chance.of("events"))
        self._teller = Teller(doors.call_events, scenario.source_id, self._fate)
        self._link = RoutingLink(doors.routing, scenario.source_id, scenario.node, asyncio.get_running_loop().time)
        self._resolve = call_events_service_pb2_grpc.CallEventsServiceStub(doors.call_events)
        agents = {name: Agent(name, doors.routing, scenario, self._chance.of(name)) for name in scenario.agents}
        self._world = World(scenario, self._teller, agents, doors.now_us)
        self._plans: list[instruction_pb2.StaticPlan] = []
        self._runners: dict[str, CallRunner] = {}
        self._lines: dict[str, SimulatedLine] = {}
        self._no_more = asyncio.Event()
        self._native_ids: dict[str, str] = {}
        self._kept: set[str] = set()
        """Contacts whose customers wait to be called."""
        self._callbacks: set[asyncio.Task[None]] = set()
        self.called_back = 0
        self.calls_begun = self.calls_over = self.default_routes = self.gone_unanswered = 0

    async def run(self) -> None:
        """Serve until every call that was to arrive is over; for ever if they never end and nobody ends them."""
        self._plans = await self._link.static_plans()
        async with self._beside():
            async with asyncio.TaskGroup() as calls:
                async for number in self._arrivals():
                    calls.create_task(self._call(number))
            await self._all_called_back()
            await self._link.drained()
            await self._teller.drained()
            await asyncio.sleep(self._scenario.rest.total_seconds())
            if self._scenario.snapshot_every:
                self._tell_snapshot()
            await self._teller.drained()

    def end_arrivals(self) -> None:
        """Let no more calls arrive."""
        self._no_more.set()

    async def _arrivals(self) -> AsyncIterator[int]:
        """Yield the number of each call when it arrives."""
        chance = self._chance.of("arrivals")
        while not self._scenario.most_calls or self.calls_begun < self._scenario.most_calls:
            with suppress(TimeoutError):
                async with asyncio.timeout(length(chance, 60 / self._scenario.calls_per_minute)):
                    await self._no_more.wait()
                    return
            self.calls_begun += 1
            yield self.calls_begun

    @asynccontextmanager
    async def _beside(self) -> AsyncIterator[None]:
        """Run what goes on beside the calls."""
        works = [self._link.watch(self._told, self._tell_snapshot), self._link.tell(), self._teller.run()]
        works += [self._snapshots(), self._gap()]
        works += [agent.work() for agent in self._world.agents.values()]
        tasks = [asyncio.create_task(work) for work in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _call(self, number: int) -> None:
        chance = self._chance.of(f"call {number}")
        native_id = f"{self._scenario.source_id}-{self._scenario.seed}-{number}"
        service_number = chance.choice(self._scenario.service_numbers)
        caller = f"+4930{1_000_000 + chance.randrange(self._scenario.repeat_callers)}"
        contact_id = identity.contact_id(self._tenant, self._scenario.source_id, native_id)
        say = self._doors.record.of(contact_id)
        line = SimulatedLine(self._world, native_id, chance)
        say(ARRIVED)
        line.arrive(service_number, caller)
        runner = CallRunner(line, self._link, self._plans, self._doors.now_us, lambda: new_id(chance), say)
        self._runners[contact_id], self._lines[contact_id] = runner, line
        self._native_ids[contact_id] = native_id
        try:
            await runner.run(await self._request(native_id, service_number, caller))
            await self._end_of(line)
            say(OVER)
        finally:
            del self._runners[contact_id], self._lines[contact_id]
            if line.keeps_place:
                self._kept.add(contact_id)
            else:
                del self._native_ids[contact_id]
            self.calls_over += 1
            self.default_routes += runner.followed_default
            self.gone_unanswered += not runner.contact_id and not runner.followed_default

    async def _end_of(self, line: SimulatedLine) -> None:
        if line.talk is not None:
            await line.talk
        await line.gone()

    async def _request(self, native_id: str, service_number: str, caller: str) -> asking.StartContactRequest:
        resolved: Any = None
        with suppress(grpc.aio.AioRpcError):
            resolved = await self._resolve.ResolveCaller(
                call_events_service_pb2.ResolveCallerRequest(number=caller), timeout=RESOLVE_SECONDS
            )
        return asking.StartContactRequest(
            source_id=self._scenario.source_id,
            native_id=native_id,
            node=self._scenario.node,
            service_number=service_number,
            caller_ref=resolved.caller_ref if resolved is not None else "",
        )

    def _told(self, instruction: instruction_pb2.Instruction) -> None:
        runner = self._runners.get(instruction.contact_id)
        if runner is not None:
            runner.told(instruction)
        elif calls_back(instruction):
            if native_id := self._native_ids.get(instruction.contact_id):
                task = asyncio.create_task(self._call_back(native_id, instruction))
                self._callbacks.add(task)
                task.add_done_callback(self._callbacks.discard)
            else:
                self._link.acknowledge(unsupported(instruction))

    async def _call_back(self, native_id: str, instruction: instruction_pb2.Instruction) -> None:
        """Ring the agent, then the customer who hung up; who is reached is a caller like any other."""
        contact_id, chance = instruction.contact_id, self._chance.of(f"callback {instruction.number}")
        line = CallbackLine(self._world, native_id, instruction.number, chance)
        runner = CallRunner(line, self._link, self._plans, self._doors.now_us, lambda: new_id(chance))
        self._runners[contact_id], self._lines[contact_id] = runner, line
        try:
            await runner.call_back(instruction)
            if line.talk is not None:
                self._kept.discard(contact_id)
                self.called_back += 1
                await self._end_of(line)
        finally:
            del self._runners[contact_id], self._lines[contact_id]

    async def _all_called_back(self) -> None:
        """Wait until every place that was kept has been called and served, but not for ever."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_CALLBACK_SECONDS):
                while self._kept or self._callbacks:  # noqa: ASYNC110  # two sets say it, seldom
                    await asyncio.sleep(LOOK_SECONDS)

    async def _snapshots(self) -> None:
        every = self._scenario.snapshot_every.total_seconds()
        while every:
            await asyncio.sleep(every)
            self._tell_snapshot()

    async def _gap(self) -> None:
        """Lose all events for a while, and say so afterwards."""
        if not self._scenario.gap_after:
            return
        await asyncio.sleep(self._scenario.gap_after.total_seconds())
        first, self._fate.gap = self._teller.seq + 1, True
        await asyncio.sleep(self._scenario.gap_for.total_seconds())
        last, self._fate.gap = self._teller.seq, False
        if last >= first:
            told = source_words.gap(
                self._own_id(), self._scenario.source_id, self._doors.now_us(), "restart", first, last
            )
            self._teller.tell_of_source(told)

    def _tell_snapshot(self) -> None:
        """Tell all that lives, so that hang-ups that were never told are noticed."""
        live = [(leg, contact_id) for contact_id, line in self._lines.items() for leg in line.live_legs]
        told = source_words.snapshot(self._own_id(), self._scenario.source_id, self._doors.now_us(), live)
        self._teller.tell_of_source(told)

    def _own_id(self) -> str:
        """Return an id for what the source tells of itself now."""
        return str(new_id(random.Random(f"{self._scenario.seed} source {self._doors.now_us()}")))  # noqa: S311
