"""One tenant's desk at work: requests in, decisions into the journal, and what follows from them out when it stands.

A decision is applied in memory at once, and nobody hears of it before it is durable. If it cannot be written the
shard is thrown away, and its successor reads the log.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final
from uuid import UUID

from event_log.log import Log
from event_log.model import Fence
from holdfast.ivr_routing.v1 import agent_service_pb2, instruction_pb2
from ivr_routing import telemetry
from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.errors import Refused
from ivr_routing.core.words import AgentState
from ivr_routing.errors import ShardFailed
from ivr_routing.flow.step import Look
from ivr_routing.lead.heartbeats import Heartbeats
from ivr_routing.lead.hub import Hub
from ivr_routing.lead.journal import Entry, Journal
from ivr_routing.lead.opening import changes
from ivr_routing.loop import offers, undone
from ivr_routing.loop.desk import Decided, Desk, stream_of, written
from ivr_routing.loop.requests import Request, ResumeFlow, Told, take

LOOK_SECONDS: Final = 0.05
"""How late what is due may happen."""
HEARTBEAT_LOOK_SECONDS: Final = 1.0
HOURS_LOOK_SECONDS: Final = 5.0

Clock = Callable[[], int]
NewId = Callable[[], UUID]
LookUp = Callable[["Shard", str, Look], None]


class Shard:
    """A desk under a fence."""

    def __init__(self, desk: Desk, log: Log, fence: Fence, clock: Clock, new_id: NewId, beats: Heartbeats) -> None:
        """Serve a desk that stands where the log stands; `clock` gives microseconds since 1970 UTC."""
        self.desk = desk
        self.tenant = desk.tenant
        self.instructions: Hub[instruction_pb2.Instruction] = Hub()
        self.reservations: Hub[agent_service_pb2.WatchReservationsResponse] = Hub()
        self.heartbeats = beats
        self.on_lookup: LookUp = lambda _shard, _contact, _look: None
        self._journal = Journal(log, desk.tenant, fence, self._written)
        self._clock = clock
        self._new_id = new_id
        self._now_us = 0
        self._told_number = desk.number
        self._outgoing: deque[tuple[int, Callable[[], None]]] = deque()

    async def do(self, request: Request, *, causation_id: UUID | None = None, actor: str = "") -> None:
        """Decide about a request and wait until that is durable; so it is with a request that changes nothing.

        Raises core.errors.Refused, and ShardFailed when it is not known whether it will ever count.
        """
        began = time.perf_counter()
        self.decide(request, causation_id=causation_id, actor=actor)
        await self._journal.written()
        telemetry.DECIDING.record(time.perf_counter() - began)

    async def settled(self) -> None:
        """Wait until all that was decided so far is durable."""
        await self._journal.written()

    async def in_force(self, contact_id: str) -> instruction_pb2.Instruction | None:
        """A contact's instruction in force, once it is durable; None if there is none."""
        while True:
            call = self.desk.calls.get(contact_id)
            held = call.instruction if call is not None else None
            if held is None or held.number <= self._told_number:
                return held
            await self._journal.written()

    def decide(self, request: Request, *, causation_id: UUID | None = None, actor: str = "") -> None:
        """Decide about a request, and let it become durable beside."""
        if self._journal.failure is not None:
            raise self._journal.failure
        now_us = self.now_us()
        try:
            turn = take(self.desk, request, now_us)
        except Refused:
            raise
        except Exception as fault:  # what was half decided must not be served from
            self._journal.fail(ShardFailed(type(fault).__name__))
            raise
        if turn.events:
            self._journal.add([self._entry(event, now_us, causation_id, actor) for event in turn.events])
            self._prepare(turn.events)
        for contact_id, look in turn.lookups:
            self._outgoing.append((self._journal.added, partial(self.on_lookup, self, contact_id, look)))

    def now_us(self) -> int:
        """The instant, never before the last one."""
        self._now_us = max(self._now_us, self._clock())
        return self._now_us

    @property
    def decided(self) -> int:
        """Events decided so far in this term."""
        return self._journal.added

    @property
    def stands(self) -> bool:
        """Whether all that was decided stands in the log, with nothing on its way."""
        return self._journal.idle

    @property
    def stands_at(self) -> int:
        """Position of the last event of this term that stands in the log; 0: none yet."""
        return self._journal.position

    def restored_until(self, record_time_us: int) -> None:
        """Decide nothing before what stands in the log."""
        self._now_us = max(self._now_us, record_time_us)

    async def run(self) -> None:
        """Write, let what is due happen, notice who is silent; ends by raising ShardFailed."""
        for name, agent in self.desk.core.agents.items():
            if agent.signed_in and not agent.heartbeat_lost:
                self.heartbeats.hear(name, time.monotonic())
        for contact_id in list(undone.unheard(self.desk)):
            self.decide(ResumeFlow(contact_id))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._journal.run())
            tasks.create_task(self._let_time_pass())
            tasks.create_task(self._listen())
            tasks.create_task(self._keep_hours())

    def close(self) -> None:
        """Let everybody go."""
        self._journal.fail(ShardFailed("closed"))
        self.instructions.close()
        self.reservations.close()

    async def _let_time_pass(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            due_us = self.desk.core.next_due_us()
            while due_us is not None and due_us <= self.now_us():
                self.decide(Told(c.PassTime()))
                due_us = self.desk.core.next_due_us()

    async def _keep_hours(self) -> None:
        before_us = self._now_us or self.now_us()
        while True:
            now_us = self.now_us()
            for command in list(changes(self.desk, before_us, now_us)):
                self.decide(Told(command))
            before_us = now_us
            await asyncio.sleep(HOURS_LOOK_SECONDS)

    async def _listen(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_LOOK_SECONDS)
            for agent in self.heartbeats.lost(time.monotonic()):
                known = self.desk.core.agents.get(agent)
                if known is not None and known.signed_in and not known.heartbeat_lost:
                    self.decide(Told(c.LoseHeartbeat(agent)))

    def _entry(self, event: Decided, now_us: int, causation_id: UUID | None, actor: str) -> Entry:
        kind, payload = written(event)
        stream = stream_of(self.tenant, event, now_us)
        return Entry(stream, self._new_id(), kind, payload, now_us, causation_id, actor)

    def _prepare(self, events: list[Decided]) -> None:
        """Make what is to be told of a decision now, while the desk knows what it was about; told when it stands."""
        until = self._journal.added
        for event in events:
            if isinstance(event, instruction_pb2.InstructionIssued):
                self._outgoing.append((until, partial(self._tell_instruction, event.instruction)))
            elif (told := offers.news(self.desk, event)) is not None:
                self._outgoing.append((until, partial(self.reservations.publish, told.agent, told)))
            elif isinstance(event, e.AgentSpellBegan) and event.state is AgentState.OFFLINE:
                self.heartbeats.forget(event.agent)

    def _tell_instruction(self, instruction: instruction_pb2.Instruction) -> None:
        self._told_number = instruction.number
        for topic in (node_topic(instruction.source_id, instruction.node), node_topic(instruction.source_id, "")):
            self.instructions.publish(topic, instruction)
        self.instructions.publish(instruction.contact_id, instruction)

    def _written(self, until: int) -> None:
        """Tell what has become durable."""
        while self._outgoing and self._outgoing[0][0] <= until:
            self._outgoing.popleft()[1]()


def node_topic(source_id: str, node: str) -> str:
    """The topic of a node's instructions; of all of a source's if no node is named."""
    return f"{source_id}\n{node}"
