"""A shard over a log in memory: nothing is heard before it is durable, and what cannot be written ends the shard."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from event_log.log import Verdict
from event_log.memory import MemoryLog, clock_us
from event_log.model import Append
from ivr_routing.core import commands as c
from ivr_routing.core.events import ContactAdmitted
from ivr_routing.core.rules import AgentRules, QueueRules
from ivr_routing.core.words import AgentState
from ivr_routing.errors import ShardFailed
from ivr_routing.lead.heartbeats import Heartbeats
from ivr_routing.lead.journal import Entry, grouped
from ivr_routing.lead.shard import Shard
from ivr_routing.loop.desk import Desk, stream_of
from ivr_routing.loop.requests import Start, Told

PERIOD = timedelta(seconds=1)


def new_id() -> UUID:
    """An id nobody has."""
    return UUID(bytes=secrets.token_bytes(16), version=4)


@asynccontextmanager
async def a_shard(log: MemoryLog) -> AsyncIterator[tuple[Shard, "asyncio.Task[None]"]]:
    """A shard at work, with a queue and an agent."""
    fence = await log.acquire_fence("acme", "routing")
    shard = Shard(Desk("acme"), log, fence, clock_us, new_id, Heartbeats(PERIOD))
    running = asyncio.create_task(shard.run())
    await shard.do(Told(c.ConfigureQueue("sales", QueueRules())))
    await shard.do(Told(c.ConfigureAgent("ann", AgentRules(queues=("sales",)))))
    yield shard, running
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_was_decided_stands_in_the_log_when_it_is_answered() -> None:
    log = MemoryLog()
    async with a_shard(log) as (shard, _):
        contact_id = str(new_id())
        await shard.do(Start(c.AdmitContact(contact_id, "pbx", "n1", "leg")))
        held = await shard.in_force(contact_id)
        page = await log.read(0)
        assert held is not None
        assert [event.type for event in page.events][-2:] == ["ContactAdmitted", "InstructionIssued"]
        assert shard.stands_at == page.head_position


async def test_a_fenced_shard_says_that_it_is_not_known_and_ends() -> None:
    log = MemoryLog()
    async with a_shard(log) as (shard, running):
        await log.acquire_fence("acme", "routing")
        with pytest.raises(ShardFailed):
            await shard.do(Told(c.ConfigureQueue("sales", QueueRules(max_size=1))))
        with pytest.raises(ExceptionGroup):
            await running
        with pytest.raises(ShardFailed):
            shard.decide(Told(c.PassTime()))


async def test_a_fault_of_ours_ends_the_shard_and_not_the_process() -> None:
    async with a_shard(MemoryLog()) as (shard, running):
        nonsense: Any = object()
        with pytest.raises(KeyError):
            await shard.do(nonsense)
        with pytest.raises(ExceptionGroup):
            await running


async def test_an_agent_who_is_silent_for_a_period_is_unreachable(eventually: Any) -> None:
    async with a_shard(MemoryLog()) as (shard, _):
        await shard.do(Told(c.SignIn("ann", ("SIP/ann",), AgentState.AVAILABLE)))
        shard.heartbeats.hear("ann", asyncio.get_running_loop().time())
        agent = shard.desk.core.agents["ann"]
        await eventually(lambda: agent.state is AgentState.UNREACHABLE)
        await shard.do(Told(c.RegainHeartbeat("ann")))
        assert AgentState(agent.state) is AgentState.AVAILABLE


def test_heartbeats_are_lost_in_the_order_in_which_they_were_heard() -> None:
    beats = Heartbeats(timedelta(seconds=10))
    for agent, heard in (("ann", 0.0), ("ben", 1.0), ("cem", 2.0), ("ann", 3.0)):
        beats.hear(agent, heard)
    beats.forget("cem")
    assert (beats.lost(9.0), beats.lost(11.5), beats.lost(20.0)) == ([], ["ben"], ["ann"])


def test_entries_are_cut_into_appends_that_keep_their_order() -> None:
    first, second = (stream_of("acme", _admitted(), 0) for _ in range(2))
    entries = [Entry(stream, new_id(), "T", b"", 0) for stream in (first, first, second, first, second)]
    assert [len(group) for group in grouped(entries)] == [3, 2]
    assert [entry for group in grouped(entries) for entry in group] == entries


def _admitted() -> Any:
    return ContactAdmitted(str(new_id()))


class HangingLog(MemoryLog):
    """A log whose store stops to answer."""

    def __init__(self) -> None:
        super().__init__()
        self.hangs = False

    async def append_all(self, appends: Sequence[Append]) -> list[Verdict]:
        if self.hangs:
            await asyncio.Event().wait()
        return await super().append_all(appends)


async def test_nobody_waits_for_what_a_shard_that_was_ended_has_not_written() -> None:
    log = HangingLog()
    async with a_shard(log) as (shard, running):
        log.hangs = True
        shard.decide(Told(c.ConfigureQueue("sales", QueueRules(max_size=1))))
        waiting = asyncio.create_task(shard.settled())
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(ShardFailed):
            await waiting
