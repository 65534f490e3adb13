"""Phones: callers who come, are led, rung for, talk and go, and agents; what happened is told until somebody heard."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from uuid import UUID

from crash_simulation.process import Fate, Killed
from event_log.errors import EventLogError
from holdfast.ivr_routing.v1 import instruction_pb2
from ivr_routing.core import commands as c
from ivr_routing.core.errors import Refused
from ivr_routing.core.rules import AgentRules, QueueRules
from ivr_routing.core.words import AgentState
from ivr_routing.errors import RoutingError
from ivr_routing.flow import publishing
from ivr_routing.flow.step import CameBack
from ivr_routing.lead.shards import Shards
from ivr_routing.loop.catalogue import message_of
from ivr_routing.loop.requests import DefaultRoute, Record, Report, Request, Start, Told

TENANT = "acme"
QUEUE = "main"
AGENTS = ("ann", "ben")
CALLERS = 8
CALL_SECONDS = 3.0
SILENCE_SECONDS = 3.0
NUMBER = "+49301"
FLOW = f"""
format: holdfast-flow/1
flow: main
language: en
start: look
otherwise: wait
service_numbers: ["{NUMBER}"]
nodes:
  look: {{type: lookup, url: "https://bank.example.com/x", next: wait, otherwise: wait}}
  wait: {{type: queue, queue: {QUEUE}}}
"""
POLLS = 0.5
"""The share of calls of which routing is but asked what comes next, and never told that a time is over."""
LOOK_SECONDS = 0.3
MOST_PATIENCE_SECONDS = 15.0
MOST_TALK_SECONDS = 3.0
IGNORED = 0.3
TWICE = 0.2
AGENT_PAUSE_SECONDS = 2.0


class Phones:
    """The phone system; `led` are contacts that were led by an instruction or a static plan.

    `durable`: whether it waits until what it asked for stands in the log.
    """

    def __init__(
        self, fate: Fate, doors: Mapping[int, Shards], now_us: Callable[[], int], *, durable: bool = True
    ) -> None:
        self.led: set[str] = set()
        self._fate = fate
        self._chance = fate.chance
        self._doors = doors
        self._now_us = now_us
        self._durable = durable

    async def run(self, seconds: float) -> None:
        """Let callers come for so long; return when all calls are over and told."""
        await self._tell(c.ConfigureQueue(QUEUE, QueueRules(auto_accept=True, min_ring_ms=1_000, reservation_ms=4_000)))
        await self._publish()
        agents = [asyncio.ensure_future(self._agent(name)) for name in AGENTS]
        try:
            await asyncio.gather(*(self._call(number, seconds) for number in range(CALLERS)))
        finally:
            for agent in agents:
                agent.cancel()
            await asyncio.gather(*agents, return_exceptions=True)

    async def _publish(self) -> None:
        wanted = publishing.PublishFlow(FLOW, (), None, "admin", self._now_us())
        published = publishing.decide(publishing.Published(), wanted)
        await self._told(Record(tuple(map(message_of, published))))

    async def _agent(self, name: str) -> None:
        """Be there, and come back whenever routing thinks otherwise."""
        await self._tell(c.ConfigureAgent(name, AgentRules(queues=(QUEUE,))))
        while True:
            await self._tell(c.SignIn(name, (f"SIM/{name}",), AgentState.AVAILABLE))
            await self._tell(c.SetAgentState(name, AgentState.AVAILABLE))
            await asyncio.sleep(AGENT_PAUSE_SECONDS)

    async def _call(self, number: int, seconds: float) -> None:
        await asyncio.sleep(self._chance.uniform(0, seconds))
        contact = str(UUID(int=self._chance.getrandbits(128), version=4))
        admit = c.AdmitContact(contact, "pbx", "n1", f"leg-{number}", NUMBER)
        if await self._started(admit):
            self.led.add(contact)
            self._fate.note("phones", f"lead {contact}")
            await self._look_up(contact, polls=self._chance.random() < POLLS)
            await self._wait(contact)
        else:
            self.led.add(contact)
            self._fate.note("phones", f"lead {contact} by default")
            taken = instruction_pb2.DefaultRouteTaken(contact_id=contact, taken_us=self._now_us())
            await self._told(DefaultRoute(taken, admit))
        await self._tell(c.CallerGone(contact))

    async def _started(self, admit: c.AdmitContact) -> bool:
        """Ask where a contact goes; whether routing answered before it was silent for too long."""
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                await self._told(Start(admit))
        except TimeoutError:
            return False
        return True

    async def _look_up(self, contact: str, *, polls: bool) -> None:
        """Be kept until routing knows what it looks up; ask where that takes too long, unless it only polls."""
        number, until = 0, 0.0
        while (held := await self._held(contact)) is None or held.do[-1].HasField("park"):
            await asyncio.sleep(LOOK_SECONDS)
            if held is not None and held.number != number:
                number, until = held.number, _now() + held.do[-1].park.at_most.ToTimedelta().total_seconds()
            elif held is not None and _now() > until and not polls:
                await self._told(Report(contact, held.instruction_id, CameBack("no_answer")))

    async def _wait(self, contact: str) -> None:
        """Wait to be rung for, and talk; or leave."""
        until = _now() + self._chance.uniform(1, MOST_PATIENCE_SECONDS)
        seen: set[str] = set()
        while _now() < until:
            ring = await self._ring(contact)
            if ring is not None and ring.reservation_id not in seen:
                seen.add(ring.reservation_id)
                await self._tell(c.RingingBegan(contact, ring.reservation_id, self._now_us()))
                if self._chance.random() >= IGNORED:
                    return await self._talk(contact, ring)
            await asyncio.sleep(LOOK_SECONDS)
        return None

    async def _talk(self, contact: str, ring: instruction_pb2.Ring) -> None:
        await asyncio.sleep(self._chance.uniform(0, 1))
        await self._tell(c.CallBridged(contact, ring.agent, ring.reservation_id, self._now_us()))
        await asyncio.sleep(self._chance.uniform(0, MOST_TALK_SECONDS))
        await self._tell(c.TalkEnded(contact, ring.agent, ring.reservation_id))

    async def _ring(self, contact: str) -> instruction_pb2.Ring | None:
        """Return the ring that is in force for a contact."""
        held = await self._held(contact)
        return next((step.ring for step in held.do if step.HasField("ring")), None) if held else None

    async def _held(self, contact: str) -> instruction_pb2.Instruction | None:
        """Return the instruction in force for a contact, as whoever seems to decide says."""
        with suppress(RoutingError, EventLogError, Killed, TimeoutError):
            async with asyncio.timeout(CALL_SECONDS):
                shards = self._door()
                return await (await shards.of(TENANT)).in_force(contact) if shards else None
        return None

    async def _tell(self, command: c.Command) -> None:
        """Tell until it was heard, now and then twice."""
        for _ in range(1 + (self._chance.random() < TWICE)):
            await self._told(Told(command))

    async def _told(self, request: Request) -> None:
        while True:
            with suppress(RoutingError, EventLogError, Killed, TimeoutError):
                async with asyncio.timeout(CALL_SECONDS):
                    if await self._asked(request):
                        return
            await asyncio.sleep(LOOK_SECONDS)

    async def _asked(self, request: Request) -> bool:
        """Ask whoever seems to decide; what is refused was heard."""
        shards = self._door()
        if shards is None:
            return False
        shard = await shards.of(TENANT)
        try:
            if self._durable:
                await shard.do(request)
            else:
                shard.decide(request)
        except Refused:
            pass
        return True

    def _door(self) -> Shards | None:
        """Return one of those who believe that they decide."""
        return self._chance.choice(list(self._doors.values())) if self._doors else None


def _now() -> float:
    return asyncio.get_running_loop().time()
