"""Faults of our own services: killed at chosen moments, doubled, paused and woken, replaced under load."""

import asyncio
from random import Random

from fault_suite.fault import Fault, drain, fault, frozen, kill_again, process_of
from fault_suite.lines import DOWN, UP, Line
from fault_suite.wiring import CALL_EVENTS, CLIENTS, FACTS_DATABASE, LOG_DATABASE, METRICS, TELEMETRY
from fault_suite.world import World

BEYOND_LEASE_SECONDS = 6.5
"""Longer than a frozen appender keeps its lease."""
BURST_EVENTS = 10_000
AWAY_SECONDS = 30.0


@fault("F1", CALL_EVENTS)
async def call_events_killed(world: World, chance: Random) -> None:
    """Kill it at any moment."""
    await kill_again(world, world.first(CALL_EVENTS), chance.uniform(0, 0.3))


@fault("F1", CALL_EVENTS, LOG_DATABASE)
async def call_events_killed_before_commit(world: World, chance: Random) -> None:
    """Kill it while what it wrote has not come to Postgres."""
    await _killed_on_a_silent_line(world, CALL_EVENTS, world.line[LOG_DATABASE], UP, chance)


@fault("F1", CALL_EVENTS, LOG_DATABASE)
async def call_events_killed_after_commit(world: World, chance: Random) -> None:
    """Kill it while Postgres's word that all is committed has not come back."""
    await _killed_on_a_silent_line(world, CALL_EVENTS, world.line[LOG_DATABASE], DOWN, chance)


@fault("F1", CALL_EVENTS, CLIENTS)
async def call_events_killed_before_reply(world: World, chance: Random) -> None:
    """Kill it while its answers have not come to who asked."""
    await _killed_on_a_silent_line(world, CALL_EVENTS, world.line[CLIENTS], DOWN, chance)


@fault("F1", CALL_EVENTS, weight=1)
async def call_events_away(world: World, _: Random) -> None:
    """Leave everybody without it for half a minute: routing goes on, and takes in later what was told meanwhile."""
    world.first(CALL_EVENTS).kill()
    await asyncio.sleep(AWAY_SECONDS)
    await world.start(world.first(CALL_EVENTS))


@fault("F16", CALL_EVENTS)
async def call_events_replaced_under_load(world: World, chance: Random) -> None:
    """Start another one beside it, end the old one, and the other way round."""
    first, second = world.first(CALL_EVENTS), world.second[CALL_EVENTS]
    for new, old in ((second, first), (first, second)):
        await world.start(new)
        await asyncio.sleep(chance.uniform(0, 0.3))
        await drain(old)


@fault("F9", CALL_EVENTS, LOG_DATABASE, weight=1)
async def paused_appender_wakes(world: World, chance: Random) -> None:
    """Freeze the one that appends until another one has taken over, then let it wake and write."""
    first, second = world.first(CALL_EVENTS), world.second[CALL_EVENTS]
    await world.start(second)
    async with frozen(process_of(first)):
        await asyncio.sleep(BEYOND_LEASE_SECONDS)
    await asyncio.sleep(chance.uniform(0.2, 1.0))
    await drain(second)


@fault("F3", METRICS)
async def metrics_killed(world: World, chance: Random) -> None:
    """Kill it at any moment."""
    await kill_again(world, world.first(METRICS), chance.uniform(0, 0.3))


@fault("F3", METRICS, FACTS_DATABASE)
async def metrics_killed_mid_batch(world: World, chance: Random) -> None:
    """Kill it while a step of facts is on its way to Postgres."""
    await _killed_on_a_silent_line(world, METRICS, world.line[FACTS_DATABASE], UP, chance)


@fault("F3", METRICS, FACTS_DATABASE)
async def metrics_killed_after_commit(world: World, chance: Random) -> None:
    """Kill it while it does not know that its step is committed."""
    await _killed_on_a_silent_line(world, METRICS, world.line[FACTS_DATABASE], DOWN, chance)


@fault("F8 F9", METRICS)
async def metrics_doubled_paused_and_killed(world: World, chance: Random) -> None:
    """Add an instance, freeze the first and wake it, kill the other."""
    first, second = world.first(METRICS), world.second[METRICS]
    await world.start(second)
    async with frozen(process_of(first)):
        await asyncio.sleep(chance.uniform(0.5, 2.0))
    await asyncio.sleep(chance.uniform(0, 0.5))
    second.kill()


@fault("F14", METRICS, weight=2)
async def metrics_far_behind(world: World, chance: Random) -> None:
    """Freeze it while far more is told than usual."""
    async with frozen(process_of(world.first(METRICS))):
        await world.command("burst", events=BURST_EVENTS)
        await asyncio.sleep(chance.uniform(0, 0.3))


@fault("F15", TELEMETRY)
async def telemetry_backend_hangs(world: World, chance: Random) -> None:
    """Let the telemetry backend, dead before, take connections and say nothing."""
    line = world.line[TELEMETRY]
    line.hanging = True
    await asyncio.sleep(chance.uniform(0.5, 1.5))
    line.hanging = False
    world.lines.cut(line)


async def _killed_on_a_silent_line(world: World, name: str, line: Line, direction: str, chance: Random) -> None:
    """Keep back what goes one way, kill the service, and let the line speak before it starts again."""
    line.silent = frozenset({direction})
    await asyncio.sleep(chance.uniform(0.05, 0.4))
    world.first(name).kill()
    line.heal()
    await world.start(world.first(name))


SERVICE_FAULTS: tuple[Fault, ...] = (
    call_events_killed,
    call_events_killed_before_commit,
    call_events_killed_after_commit,
    call_events_killed_before_reply,
    call_events_away,
    call_events_replaced_under_load,
    paused_appender_wakes,
    metrics_killed,
    metrics_killed_mid_batch,
    metrics_killed_after_commit,
    metrics_doubled_paused_and_killed,
    metrics_far_behind,
    telemetry_backend_hangs,
)
