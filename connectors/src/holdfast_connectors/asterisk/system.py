"""Calls that enter the application of an Asterisk, each run by what routing says."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import grpc

from contact_life import identity
from holdfast.call_events.v1 import call_events_service_pb2, call_events_service_pb2_grpc
from holdfast.ivr_routing.v1 import instruction_pb2
from holdfast.ivr_routing.v1 import phone_system_service_pb2 as asking
from holdfast_connectors import source_words
from holdfast_connectors.asterisk.ari import Access, Ari, AriRefused, Event
from holdfast_connectors.asterisk.callback import AriCallback
from holdfast_connectors.asterisk.line import AriLine, Place
from holdfast_connectors.asterisk.standing import Talk, first_leg, standing
from holdfast_connectors.call_runner import CallRunner
from holdfast_connectors.callbacks import calls_back, unsupported
from holdfast_connectors.routing_link import RoutingLink
from holdfast_connectors.teller import Teller

logger = logging.getLogger(__name__)

AGENT: Final = "agent"
CALL_SECONDS: Final = 3.0
PLANS_SECONDS: Final = 30.0
MOST_CALLERS: Final = 10_000
"""Callers whose number is remembered, so that they can be called back."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Channels to what is outside, the clock, and ids."""

    routing: grpc.aio.Channel
    call_events: grpc.aio.Channel
    now_us: Callable[[], int]
    new_id: Callable[[], UUID]


class AsteriskPhoneSystem:
    """One Asterisk as one source."""

    def __init__(self, access: Access, tenant: str, source_id: str, doors: Doors, dial: str = "") -> None:
        """`dial` is the endpoint by which a customer's {number} is called back; empty: nobody is."""
        self._access = access
        self._tenant = tenant
        self._source = source_id
        self._doors = doors
        self._ari = Ari(access)
        self._dial = dial
        self._teller = Teller(doors.call_events, source_id)
        self._place = Place(self._ari, self._teller, access.app, source_id, doors.now_us)
        self._link = RoutingLink(doors.routing, source_id, access.app, asyncio.get_running_loop().time)
        self._resolve = call_events_service_pb2_grpc.CallEventsServiceStub(doors.call_events)
        self._plans: list[instruction_pb2.StaticPlan] = []
        self._runners: dict[str, CallRunner] = {}
        self._callers: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._calls: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until cancelled."""
        watching = self._link.watch(self._told, self._tell_snapshot)
        works = [self._keep_plans(), watching, self._link.tell(), self._teller.run()]
        try:
            async with asyncio.TaskGroup() as tasks:
                for work in works:
                    tasks.create_task(work)
                tasks.create_task(self._ari.run(self._started, self._connected))
        finally:
            await self._ari.close()

    def _started(self, event: Event) -> None:
        """A channel entered the application: a caller, unless it is one that we rang, or rang before a restart."""
        channel = event["channel"]
        if event.get("args", [])[:1] != [AGENT]:
            self._beside(self._call(channel))
        elif not self._ari.follows(str(channel["id"])):
            self._beside(self._ari.ask_if_there("DELETE", f"/channels/{channel['id']}", reason="normal"))

    async def _call(self, channel: Mapping[str, Any], *, taken_up: bool = False) -> None:
        """Serve a caller; one who is taken up goes on as routing says of a contact that it knows."""
        native_id = str(channel["id"])
        contact_id = identity.contact_id(self._tenant, self._source, native_id)
        if contact_id in self._runners:
            return
        line = AriLine(self._place, native_id, self._doors.now_us() // 1_000_000 if taken_up else 0)
        number = str(channel.get("caller", {}).get("number", ""))
        called = str(channel.get("dialplan", {}).get("exten", ""))
        if not taken_up:
            line.arrive(called, number)
        runner = CallRunner(line, self._link, self._plans, self._doors.now_us, self._doors.new_id)
        self._runners[contact_id] = runner
        self._remember(contact_id, native_id, number)
        following = asyncio.create_task(line.follow())
        try:
            await self._ari.ask_if_there("POST", f"/channels/{native_id}/answer")
            await runner.run(await self._request(native_id, called, number))
            await following
        finally:
            following.cancel()
            del self._runners[contact_id]

    async def _take_up(self) -> None:
        """Go on with the calls that stand in the application; let go whoever was rung for them and talks to nobody."""
        try:
            inside = (await self._ari.ask("GET", f"/applications/{self._access.app}") or {}).get("channel_ids", ())
            bridges = await self._ari.ask("GET", "/bridges") or ()
            found = standing(inside, await self._ari.ask("GET", "/channels") or (), bridges)
        except AriRefused as refused:
            logger.info("Asterisk did not say which calls stand in the application: %s", refused)
            return
        for leg in found.left_over:
            if not self._ari.follows(leg):
                await self._ari.ask_if_there("DELETE", f"/channels/{leg}", reason="normal")
        for talk in found.talks:
            self._beside(self._talk(talk))
        for channel in found.waiting:
            self._beside(self._call(channel, taken_up=True))

    async def _talk(self, talk: Talk) -> None:
        """Let a talk go on, and tell its end."""
        if not self._ari.follows(talk.caller):
            line = AriLine(self._place, talk.caller)
            line.take_over(talk.agent, talk.bridge)
            await line.follow()

    async def _request(self, native_id: str, called: str, number: str) -> asking.StartContactRequest:
        resolved: Any = None
        if number:
            with suppress(grpc.aio.AioRpcError):
                request = call_events_service_pb2.ResolveCallerRequest(number=number)
                resolved = await self._resolve.ResolveCaller(request, timeout=CALL_SECONDS)
        return asking.StartContactRequest(
            source_id=self._source,
            native_id=native_id,
            node=self._access.app,
            service_number=called,
            caller_ref=resolved.caller_ref if resolved is not None else "",
        )

    async def _keep_plans(self) -> None:
        """Keep the static plans at hand, as fresh as may be."""
        while True:
            self._plans[:] = await self._link.static_plans() or self._plans
            await asyncio.sleep(PLANS_SECONDS if self._plans else CALL_SECONDS)

    def _told(self, instruction: instruction_pb2.Instruction) -> None:
        runner = self._runners.get(instruction.contact_id)
        if runner is not None:
            runner.told(instruction)
        elif calls_back(instruction):
            native_id, number = self._callers.get(instruction.contact_id, ("", ""))
            if number and self._dial:
                self._beside(self._call_back(native_id, self._dial.format(number=number), instruction))
            else:
                self._link.acknowledge(unsupported(instruction))

    async def _call_back(self, native_id: str, endpoint: str, instruction: instruction_pb2.Instruction) -> None:
        """Ring the agent, then the customer who hung up."""
        line = AriCallback(self._place, native_id, instruction.number, endpoint)
        runner = CallRunner(line, self._link, self._plans, self._doors.now_us, self._doors.new_id)
        self._runners[instruction.contact_id] = runner
        try:
            await runner.call_back(instruction)
            await line.over()
        finally:
            del self._runners[instruction.contact_id]

    def _remember(self, contact_id: str, native_id: str, number: str) -> None:
        """Keep a caller's number for a callback: in memory, and not for ever."""
        self._callers[contact_id] = (native_id, number)
        while len(self._callers) > MOST_CALLERS:
            self._callers.popitem(last=False)

    def _connected(self, again: bool) -> None:  # noqa: FBT001  # as Ari tells it
        """Events were lost if there was a connection before: tell the gap; and what lives now."""
        if again:
            told = source_words.gap(str(self._doors.new_id()), self._source, self._doors.now_us(), "reconnect")
            self._teller.tell_of_source(told)
        self._tell_snapshot()
        self._beside(self._take_up())

    def _tell_snapshot(self) -> None:
        """Tell all channels that live, so that hang-ups that were missed are noticed."""
        self._beside(self._snapshot())

    async def _snapshot(self) -> None:
        at_us = self._doors.now_us()
        try:
            live = await self._ari.channels()
        except AriRefused as refused:
            logger.info("Asterisk did not say what lives: %s", refused)
            return
        legs = [(channel, self._contact_of(channel)) for channel in live]
        self._teller.tell_of_source(source_words.snapshot(str(self._doors.new_id()), self._source, at_us, legs))

    def _contact_of(self, channel: str) -> str:
        """The contact that a channel is of."""
        return identity.contact_id(self._tenant, self._source, first_leg(channel))

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)
