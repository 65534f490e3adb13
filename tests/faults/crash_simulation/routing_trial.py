"""One trial of routing: two processes, killed, frozen and started again at any step, and callers who live by them.

The shards, their journals, snapshots and desks are the product's own code; the model is the log, the lease, the phones.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import cast
from uuid import UUID

import routing_laws
import routing_verdict
from crash_simulation.loop import simulated
from crash_simulation.model_lookups import ModelLookups
from crash_simulation.model_phones import TENANT, Phones
from crash_simulation.model_routing import KeptRow, LeaseRow, ModelLease, ModelSnapshots, ModelStore
from crash_simulation.process import Fate, Killed, Process
from crash_simulation.relay_trial import Outcome
from event_log.errors import EventLogError
from event_log.log import Log
from event_log.memory import MemoryLog
from event_log.model import Event
from fault_suite.callers import check_ends
from fault_suite.verdict import Findings
from ivr_routing.errors import RoutingError
from ivr_routing.lead.shards import Shards
from ivr_routing.loop.desk import Desk, read

PROCESSES = 2
HARM_SECONDS = 20.0
END_SECONDS = 120.0
RESTART_SECONDS = 1.0
PAUSE_SECONDS = 0.2
KEEP_SECONDS = 2.0
HEARTBEAT = timedelta(hours=1)
NOW_US = 1_767_614_400_000_000
PAGE_EVENTS = 1_000


@dataclass(frozen=True, slots=True)
class Variant:
    """How routing is built: as it should be, or broken on purpose."""

    fenced: bool = True
    """Whether a process that was replaced is refused."""
    durable: bool = True
    """Whether callers hear of a decision only when it stands in the log."""


AS_BUILT = Variant()


@dataclass(slots=True)
class World:
    """What outlives every process; `doors` are the shards of processes that believe to decide."""

    fate: Fate
    variant: Variant
    log: MemoryLog
    lease: LeaseRow = field(default_factory=LeaseRow)
    kept: KeptRow = field(default_factory=KeptRow)
    doors: dict[int, Shards] = field(default_factory=dict)


def routing_trial(seed: int, variant: Variant = AS_BUILT) -> Outcome:
    """Try one seed."""
    return simulated(_trial(Random(seed), variant))  # noqa: S311  # chance that can be repeated, no secret


async def _trial(chance: Random, variant: Variant) -> Outcome:
    world = World(Fate(chance), variant, MemoryLog(now_us=_now_us))
    phones = Phones(world.fate, world.doors, _now_us, durable=variant.durable)
    lives = [asyncio.ensure_future(_lives(number, world)) for number in range(PROCESSES)]
    calls = asyncio.ensure_future(phones.run(HARM_SECONDS))
    await asyncio.sleep(HARM_SECONDS)
    world.fate.kind = True
    await asyncio.wait([calls], timeout=END_SECONDS)
    over = calls.done()
    broke = calls.exception() if over else None
    for task in (*lives, calls):
        task.cancel()
    await asyncio.gather(*lives, calls, return_exceptions=True)
    wrong = await _wrong(world, phones) + ([] if over else ["not all calls came to an end"])
    wrong += [f"a decision broke: {broke!r}"] if broke is not None else []
    return Outcome(wrong, world.fate.trace, sum(" dies at " in step for step in world.fate.trace))


async def _lives(number: int, world: World) -> None:
    """Live, die, and live again."""
    life = 0
    while True:
        life += 1
        process = Process(f"routing {number}.{life}", world.fate)
        try:
            await _terms(process, number, world)
        except* Killed:
            process.dead = True
        await asyncio.sleep(world.fate.chance.uniform(0, RESTART_SECONDS))


async def _terms(process: Process, number: int, world: World) -> None:
    """Stand by and lead, in turn, for ever; see leading.Leading."""
    while True:
        try:
            await _term(process, number, world)
        except* (EventLogError, RoutingError):
            pass
        await asyncio.sleep(PAUSE_SECONDS)


async def _term(process: Process, number: int, world: World) -> None:
    store = cast("Log", ModelStore(process, world.log, fenced=world.variant.fenced))
    snapshots = ModelSnapshots(process, world.kept)
    shards = Shards(store, snapshots, _now_us, _ids(world.fate.chance), HEARTBEAT)
    shards.on_lookup = ModelLookups(process).begin
    lease = ModelLease(process, world.lease)
    await shards.follow()
    await lease.take()
    await shards.lead()
    world.doors[number] = shards
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(shards.run())
            tasks.create_task(lease.renew())
            tasks.create_task(_keep(shards))
    finally:
        del world.doors[number]
        shards.close()


async def _keep(shards: Shards) -> None:
    while True:
        await asyncio.sleep(KEEP_SECONDS)
        await shards.keep()


async def _wrong(world: World, phones: Phones) -> list[str]:
    log = await _events(world.log)
    verdict, findings = routing_verdict.judge(log), Findings()
    check_ends(verdict, findings)
    unknown = len(phones.led - verdict.contacts.keys())
    findings.add("callers_lost", unknown, "callers were led, and the log does not know them")
    return findings.words + _broken_laws(log)


def _broken_laws(log: list[Event]) -> list[str]:
    """Say what law of the core a successor would find broken, or that it could not read the log."""
    desk = Desk(TENANT)
    try:
        for event in log:
            desk.evolve(read(event.type, event.payload), event.event_time_us)
        routing_laws.check(desk.core, _now_us())
    except (AssertionError, KeyError) as broken:
        return [f"laws: {broken!r}"]
    return []


async def _events(log: MemoryLog) -> list[Event]:
    head = (await log.head()).position
    found: list[Event] = []
    while len(found) < head:
        found += (await log.read(len(found), limit=PAGE_EVENTS)).events
    return found


def _ids(chance: Random) -> Callable[[], UUID]:
    return lambda: UUID(int=chance.getrandbits(128), version=4)


def _now_us() -> int:
    return NOW_US + int(asyncio.get_running_loop().time() * 1_000_000)
