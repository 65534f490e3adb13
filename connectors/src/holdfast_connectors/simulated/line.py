"""A simulated caller on a simulated line: hears, types, waits as long as their patience lasts, talks, hangs up."""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from holdfast.call_events.v1 import leg_pb2, observation_pb2, queueing_pb2
from holdfast.ivr_routing.v1 import instruction_pb2 as pb
from holdfast_connectors.line import NotSupported, Rung, StepFailed
from holdfast_connectors.simulated.agent import Agent
from holdfast_connectors.simulated.chance import length
from holdfast_connectors.simulated.scenario import Scenario
from holdfast_connectors.story import Story
from holdfast_connectors.teller import Teller

PROMPT_SECONDS: Final = 0.3
RING_SECONDS: Final = 20.0
NO_ANSWER: Final = "19"
CALLBACK: Final = "callback"
"""Reason for which a caller who will be called back is let go."""


@dataclass(frozen=True, slots=True)
class World:
    """What surrounds a line: where facts go, who may be rung, what the clock says."""

    scenario: Scenario
    teller: Teller
    agents: Mapping[str, Agent]
    now_us: Callable[[], int]


class SimulatedLine:
    """One caller; see holdfast_connectors.line.Line."""

    def __init__(self, world: World, native_id: str, chance: random.Random) -> None:
        self._world = world
        self.native_id = native_id
        self._story = Story(world.scenario.source_id, native_id)
        self._chance = chance
        self._gone = asyncio.Event()
        self._visit: pb.QueueMusic | None = None
        self._ringing: dict[str, pb.Ring] = {}
        self._legs = 0
        self._leg, self._role = native_id, leg_pb2.LEG_ROLE_CALLER
        """The customer's leg."""
        self.keeps_place = False
        """Whether the caller hung up to be called back."""
        self.talk: asyncio.Task[None] | None = None
        self._patience = asyncio.get_running_loop().call_later(
            length(chance, world.scenario.patience_seconds), self._leave
        )

    @property
    def live_legs(self) -> list[str]:
        """Legs that live now."""
        return [] if self._gone.is_set() else [self._leg, *self._ringing]

    @property
    def over(self) -> bool:
        """Whether the caller has gone."""
        return self._gone.is_set()

    def arrive(self, service_number: str, number: str) -> None:
        """Tell that the caller is there."""
        now = self._world.now_us()
        self._tell(self._story.arrived(now, service_number, number))
        self._tell(self._story.leg_created(now, self.native_id, leg_pb2.LEG_ROLE_CALLER))

    def led_by(self, instruction_id: str) -> None:
        self._story.led_by = instruction_id

    async def gone(self) -> None:
        await self._gone.wait()

    async def play(self, play: pb.Play) -> None:
        await asyncio.sleep(PROMPT_SECONDS * len(play.prompts))

    async def collect(self, collect: pb.Collect) -> str | None:
        del collect
        await asyncio.sleep(length(self._chance, self._world.scenario.typing_seconds))
        return self._chance.choice(self._world.scenario.digits)

    async def enter_queue(self, music: pb.QueueMusic) -> None:
        if self._visit is None or self._visit.visit_id != music.visit_id:
            self._leave_queue(queueing_pb2.DEQUEUE_KIND_OVERFLOW)
            self._visit = music
            self._tell(self._story.enqueued(self._world.now_us(), music))

    async def ring(self, rings: tuple[pb.Ring, ...]) -> Rung:
        began = self._world.now_us()
        legs = {self._set_up(ring): ring for ring in rings}
        answered = ""
        try:
            answered = await self._picked_up(legs, longest(rings))
        finally:
            self._end_ringing([leg for leg in legs if leg != answered])
        rang_ms = (self._world.now_us() - began) // 1000
        if not answered:
            return Rung(cause="no_answer", rang_ms=rang_ms)
        ring = self._ringing[answered]
        self._tell(self._story.answered(self._world.now_us(), answered, ring))
        return Rung(answered, ring.reservation_id, "", rang_ms)

    async def _picked_up(self, legs: Mapping[str, pb.Ring], seconds: float) -> str:
        """Return the leg whose endpoint is picked up first; empty if none is in time. Raises StepFailed."""
        agents = self._world.agents
        known = {leg: agents[ring.agent] for leg, ring in legs.items() if ring.agent in agents}
        if not known:
            raise StepFailed("endpoint_unknown")
        if all(agent.busy for agent in known.values()):
            raise StepFailed("busy")
        picking = {asyncio.create_task(agent.pick_up(legs[leg])): leg for leg, agent in known.items() if not agent.busy}
        try:
            done, _ = await asyncio.wait(picking, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return next((picking[task] for task in done), "")
        finally:
            for task in picking:
                task.cancel()

    async def bridge(self, bridge: pb.Bridge, rung: Rung) -> None:
        del bridge
        self._patience.cancel()
        ring = self._ringing[rung.leg_id]
        now = self._world.now_us()
        self._tell(self._story.bridged(now, rung.leg_id, ring, self._leg))
        self._leave_queue(queueing_pb2.DEQUEUE_KIND_ANSWERED)
        self.talk = asyncio.create_task(self._talk(rung.leg_id, ring))

    async def redial(self, redial: pb.Redial) -> None:
        del redial
        raise NotSupported("redial")  # this caller is there

    async def transfer(self, transfer: pb.Transfer) -> None:
        self._leave_queue(queueing_pb2.DEQUEUE_KIND_OVERFLOW)
        del transfer
        self._end(observation_pb2.RELEASE_SIDE_PLATFORM)

    async def voicemail(self, voicemail: pb.Voicemail) -> None:
        del voicemail
        self._leave_queue(queueing_pb2.DEQUEUE_KIND_VOICEMAIL)
        self._end(observation_pb2.RELEASE_SIDE_CALLER)

    async def park(self, park: pb.Park) -> None:
        await asyncio.sleep(park.at_most.ToTimedelta().total_seconds())

    async def hang_up(self, hang_up: pb.HangUp) -> None:
        self.keeps_place = hang_up.reason == CALLBACK
        self._leave_queue(queueing_pb2.DEQUEUE_KIND_REMOVED)
        self._end(observation_pb2.RELEASE_SIDE_PLATFORM)

    async def _talk(self, leg: str, ring: pb.Ring) -> None:
        await asyncio.sleep(length(self._chance, self._world.scenario.talk_seconds))
        by_caller = self._chance.random() < 0.5  # noqa: PLR2004  # a coin
        side = observation_pb2.RELEASE_SIDE_CALLER if by_caller else observation_pb2.RELEASE_SIDE_AGENT
        now = self._world.now_us()
        self._ringing.pop(leg, None)
        self._tell(self._story.leg_ended(now, leg, leg_pb2.LEG_ROLE_AGENT, side, agent=ring.agent))
        self._tell(self._story.wrap_up_started(now, ring.agent, leg))
        self._end(side)
        await self._world.agents[ring.agent].wrap_up(ring)
        self._tell(self._story.wrap_up_ended(self._world.now_us(), ring.agent, leg))

    def _leave(self) -> None:
        """The caller's patience is over."""
        if not self._gone.is_set():
            self._leave_queue(queueing_pb2.DEQUEUE_KIND_ABANDONED)
            self._end(observation_pb2.RELEASE_SIDE_CALLER)

    def _leave_queue(self, kind: "queueing_pb2.DequeueKind.ValueType") -> None:
        if self._visit is not None:
            self._tell(self._story.dequeued(self._world.now_us(), self._visit, kind))
            self._visit = None

    def _end(self, side: "observation_pb2.ReleaseSide.ValueType") -> None:
        if not self._gone.is_set():
            self._patience.cancel()
            self._gone.set()
            self._let_agents_go(self._ringing.values())
            now = self._world.now_us()
            self._tell(self._story.leg_ended(now, self._leg, self._role, side))

    def _set_up(self, ring: pb.Ring) -> str:
        self._legs += 1
        leg, now = f"{self._leg}-{self._legs}", self._world.now_us()
        self._ringing[leg] = ring
        self._tell(self._story.leg_created(now, leg, leg_pb2.LEG_ROLE_AGENT, ring))
        self._tell(self._story.ringing(now, leg, ring))
        return leg

    def _end_ringing(self, legs: list[str]) -> None:
        self._let_agents_go([self._ringing[leg] for leg in legs])
        for leg in legs:
            ring = self._ringing.pop(leg)
            side = observation_pb2.RELEASE_SIDE_PLATFORM
            ended = self._story.leg_ended(
                self._world.now_us(), leg, leg_pb2.LEG_ROLE_AGENT, side, agent=ring.agent, cause=NO_ANSWER
            )
            self._tell(ended)

    def _let_agents_go(self, rings: Iterable[pb.Ring]) -> None:
        """The legs of these rings end: whoever picked one up can be rung again."""
        for ring in rings:
            if agent := self._world.agents.get(ring.agent):
                agent.hang_up(ring)

    def _tell(self, event: Any) -> None:
        self._world.teller.tell(event)


class CallbackLine(SimulatedLine):
    """A customer who hung up to be called back: dialled by chance in vain, and then a caller like any other."""

    def __init__(self, world: World, native_id: str, attempt: int, chance: random.Random) -> None:
        """`attempt` tells the legs of several attempts apart."""
        super().__init__(world, native_id, chance)
        self._patience.cancel()
        self._leg, self._role = f"{native_id}-back-{attempt}", leg_pb2.LEG_ROLE_CALLBACK

    async def redial(self, redial: pb.Redial) -> None:
        del redial
        self._tell(self._story.leg_created(self._world.now_us(), self._leg, self._role))
        reached = False
        try:
            await asyncio.sleep(length(self._chance, self._world.scenario.answer_seconds))
            reached = self._chance.random() < self._world.scenario.callback_answer_share
        finally:
            if not reached:
                self._not_reached()
        if not reached:
            raise StepFailed("customer_no_answer")
        self._tell(self._story.reached(self._world.now_us(), self._leg))

    def _not_reached(self) -> None:
        side = observation_pb2.RELEASE_SIDE_PLATFORM
        self._tell(self._story.leg_ended(self._world.now_us(), self._leg, self._role, side, cause=NO_ANSWER))
        self._end_ringing(list(self._ringing))


def longest(rings: tuple[pb.Ring, ...]) -> float:
    """How many seconds it rings at most."""
    return max(
        (ring.ring_for.ToTimedelta().total_seconds() if ring.HasField("ring_for") else RING_SECONDS for ring in rings),
        default=RING_SECONDS,
    )
