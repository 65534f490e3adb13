"""The checks of callers and agents catch routing built wrong on purpose, on a real Postgres.

Each stands beside routing as it is built, in the very same interleaving: an old leader that does not know that it was
replaced, and its successor.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import cast
from uuid import UUID

import pytest

import routing_verdict
from event_log.limits import WriterLimits
from event_log.log import Log, Verdict
from event_log.memory import clock_us
from event_log.model import Append
from event_log.postgres import PostgresLog, open_log
from event_log_testing import a_schema, every_event
from fault_suite.callers import check_callers
from fault_suite.phones import DEADLINE_SECONDS, Caller
from fault_suite.verdict import Findings, exit_status
from holdfast.ivr_routing.v1 import instruction_pb2
from ivr_routing.core import commands as c
from ivr_routing.core.rules import AgentRules, QueueRules
from ivr_routing.core.words import AgentState
from ivr_routing.errors import ShardFailed
from ivr_routing.lead.heartbeats import Heartbeats
from ivr_routing.lead.shard import Shard
from ivr_routing.loop.desk import Desk, read
from ivr_routing.loop.requests import DefaultRoute, Request, Start, Told

TENANT = "acme"
FIRST, SECOND = (str(UUID(int=number, version=4)) for number in (1, 2))
NOW_US = clock_us()


class Unfenced:
    """A log as routing must not use it, as far as it writes: nobody looks whether a leader was replaced."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def append_all(self, appends: Sequence[Append]) -> list[Verdict]:
        """See Log.append_all."""
        return await self._log.append_all([replace(append, fence=None) for append in appends])


@dataclass
class Place:
    """Where leaders come and go: one schema, each with a log of its own, as processes have."""

    database: str
    schema: str
    fenced: bool = True

    def log(self) -> AbstractAsyncContextManager[PostgresLog]:
        """Open the log as another process does."""
        return open_log(self.database, self.schema, limits=WriterLimits(lease=None))

    @asynccontextmanager
    async def leader(self) -> AsyncIterator[Shard]:
        """Lead from what stands in the log, until the end of the context."""
        async with self.log() as log:
            fence = await log.acquire_fence(TENANT, "routing")
            desk = Desk(TENANT)
            for event in await every_event(log):
                desk.evolve(read(event.type, event.payload), event.event_time_us)
            written = log if self.fenced else cast("Log", Unfenced(log))
            shard = Shard(desk, written, fence, clock_us, _new_id, Heartbeats(timedelta(hours=1)))
            running = asyncio.create_task(shard.run())
            try:
                yield shard
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    async def findings(self, *callers: Caller) -> Findings:
        """Compare what phones know of callers with the log."""
        findings = Findings()
        async with self.log() as log:
            verdict = routing_verdict.judge(await every_event(log))
        check_callers(callers, verdict, DEADLINE_SECONDS, findings)
        return findings


async def a_place(database: str, *, fenced: bool = True) -> Place:
    """Prepare a schema with a queue, an agent and a caller who has come."""
    place = Place(database, await a_schema(database), fenced)
    async with place.leader() as shard:
        await shard.do(Told(c.ConfigureQueue("main", QueueRules())))
        await shard.do(Told(c.ConfigureAgent("ann", AgentRules(queues=("main",)))))
        await shard.do(Told(c.SignIn("ann", ("SIP/ann",), AgentState.AVAILABLE)))
        await shard.do(Start(c.AdmitContact(FIRST, "pbx", "n1", "leg-1")))
    return place


async def both_decide(place: Place) -> Findings:
    """Let an old leader that was replaced, and its successor, decide about the same agent; then both callers go."""
    async with place.leader() as old, place.leader() as successor:
        await told(successor, Start(c.AdmitContact(SECOND, "pbx", "n1", "leg-2")), c.QueueContact(SECOND, "main"))
        await told(old, c.QueueContact(FIRST, "main"))
        await told(old, c.CallerGone(FIRST))
        await told(successor, c.CallerGone(FIRST), c.CallerGone(SECOND))
    return await place.findings()


async def told(shard: Shard, *whats: Request | c.Command) -> None:
    """Tell things; a leader that was replaced may say that it failed."""
    for what in whats:
        with suppress(ShardFailed):
            await shard.do(what if isinstance(what, Start) else Told(what))  # type: ignore[arg-type]


async def test_leaders_of_whom_none_is_fenced_are_caught(fresh_database: str) -> None:
    findings = await both_decide(await a_place(fresh_database, fenced=False))
    assert findings.agents_double == 1
    assert findings.ended_twice > 0
    assert exit_status(findings) == 1


async def test_leaders_as_they_are_built_pass_the_same_checks(fresh_database: str) -> None:
    assert (await both_decide(await a_place(fresh_database))).clean


def came(**happened: int) -> Caller:
    """Return what phones know of the second caller."""
    instants = {name: NOW_US + ms * 1_000 for name, ms in happened.items()}
    return Caller(SECOND, arrived_us=NOW_US, over_us=NOW_US + 4_000_000, ends=1, **instants)


async def test_a_caller_who_is_led_before_the_decision_stands_is_caught(fresh_database: str) -> None:
    place = await a_place(fresh_database)
    async with place.leader() as shard:
        await shard.do(Told(c.CallerGone(FIRST)))
        shard.decide(Start(c.AdmitContact(SECOND, "pbx", "n1", "leg-2")))  # answered at once; then it dies
    findings = await place.findings(came(instructed_us=10))
    assert findings.callers_lost == 1
    assert exit_status(findings) == 1


async def test_a_caller_whom_a_dying_leader_did_not_answer_takes_a_default_route(fresh_database: str) -> None:
    place = await a_place(fresh_database)
    admit = c.AdmitContact(SECOND, "pbx", "n1", "leg-2")
    async with place.leader() as shard:
        await shard.do(Told(c.CallerGone(FIRST)))
        asking = asyncio.create_task(shard.do(Start(admit)))
        await asyncio.sleep(0)
    with pytest.raises(ShardFailed):
        await asking
    async with place.leader() as successor:
        taken = instruction_pb2.DefaultRouteTaken(contact_id=SECOND, taken_us=NOW_US)
        await successor.do(DefaultRoute(taken, admit))
    assert (await place.findings(came(default_route_us=3_000))).clean


async def test_a_caller_whom_nothing_leads_is_caught(fresh_database: str) -> None:
    place = await a_place(fresh_database)
    async with place.leader() as shard:
        await shard.do(Told(c.CallerGone(FIRST)))
    waiting = replace(came(), over_us=NOW_US + 60_000_000)
    assert (await place.findings(waiting)).callers_lost == 1


def _new_id() -> UUID:
    return UUID(bytes=secrets.token_bytes(16), version=4)
