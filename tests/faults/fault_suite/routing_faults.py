"""Faults of routing: its leader killed at chosen moments, frozen and woken, its Postgres gone, its phones cut off."""

import asyncio
import signal
from random import Random

from fault_suite.fault import Fault, drain, fault, frozen, kill_again, process_of, processes_of
from fault_suite.line_faults import WAYS, on_lines
from fault_suite.lines import DOWN, UP
from fault_suite.routing_side import PHONE_FACTS, PHONES, PHONES_TO_SECOND, ROUTING, ROUTING_DATABASE
from fault_suite.world import World

AWAY_SECONDS = 30.0
TO_PHONES = (PHONES, PHONES_TO_SECOND)


@fault("F2", ROUTING, weight=20)
async def routing_killed(world: World, chance: Random) -> None:
    """Kill the process that decides, at any moment; the other one goes on."""
    await kill_again(world, await world.routing.leader(), chance.uniform(0, 0.5))


@fault("F2", ROUTING, ROUTING_DATABASE, weight=12)
async def routing_killed_before_commit(world: World, chance: Random) -> None:
    """Kill it while what it decided has not come to Postgres."""
    await _killed_in_silence(world, (ROUTING_DATABASE,), UP, chance)


@fault("F2", ROUTING, ROUTING_DATABASE, weight=12)
async def routing_killed_after_commit(world: World, chance: Random) -> None:
    """Kill it mid-decision: what it decided stands in its log, and it has not heard of it, nor anybody of it."""
    await _killed_in_silence(world, (ROUTING_DATABASE,), DOWN, chance)


@fault("F2", ROUTING, PHONES, weight=12)
async def routing_killed_before_answer(world: World, chance: Random) -> None:
    """Kill it while its answers and instructions have not come to the phones."""
    await _killed_in_silence(world, TO_PHONES, DOWN, chance)


@fault("F2", ROUTING)
async def both_routings_killed(world: World, chance: Random) -> None:
    """Kill both at once, so that nobody has stood by."""
    await asyncio.sleep(chance.uniform(0, 0.3))
    for part in world.routing.processes:
        part.kill()
    await asyncio.gather(*map(world.start, world.routing.processes))


@fault("F9 F2", ROUTING, ROUTING_DATABASE, PHONES, weight=12)
async def paused_routing_wakes(world: World, chance: Random) -> None:
    """Freeze the one that decides until the other has taken over, then let it wake and decide: it is fenced."""
    leader = await world.routing.leader()
    async with frozen(process_of(leader)):
        await world.routing.until_leads(world.routing.beside(leader))
        await asyncio.sleep(chance.uniform(0, 1.0))
    await world.routing.until_stands_by(leader)


@fault("F16", ROUTING)
async def routing_replaced_under_load(world: World, chance: Random) -> None:
    """Drain the one that decides and start it again."""
    leader = await world.routing.leader()
    await asyncio.sleep(chance.uniform(0, 0.3))
    await drain(leader)
    await world.start(leader)


@fault("F5", ROUTING_DATABASE)
async def routing_postgres_crashed(world: World, chance: Random) -> None:
    """Let routing's server crash as `-m immediate` does, and start it again."""
    await asyncio.sleep(chance.uniform(0, 0.3))
    processes_of(world.routing.server)[0].send_signal(signal.SIGQUIT)
    await asyncio.sleep(chance.uniform(0.1, 0.5))
    world.routing.server.restart()


@fault("F6", ROUTING_DATABASE)
async def routing_postgres_frozen(world: World, chance: Random) -> None:
    """Freeze routing's server."""
    async with frozen(*processes_of(world.routing.server)):
        await asyncio.sleep(chance.uniform(0.5, 4.0))


@fault("F5", ROUTING_DATABASE, ROUTING, weight=1)
async def routing_postgres_away(world: World, _: Random) -> None:
    """Leave routing without its server for half a minute: phones follow their static plans."""
    world.routing.server.stop()
    await asyncio.sleep(AWAY_SECONDS)
    world.routing.server.start()


async def _killed_in_silence(world: World, names: tuple[str, ...], direction: str, chance: Random) -> None:
    """Keep back what goes one way, kill the one that decides, and let the lines speak before it starts again."""
    leader = await world.routing.leader()
    for name in names:
        world.line[name].silent = frozenset({direction})
    await asyncio.sleep(chance.uniform(0.05, 0.4))
    leader.kill()
    for name in names:
        world.line[name].heal()
    await world.start(leader)


ROUTING_FAULTS: tuple[Fault, ...] = (
    routing_killed,
    routing_killed_before_commit,
    routing_killed_after_commit,
    routing_killed_before_answer,
    both_routings_killed,
    paused_routing_wakes,
    routing_replaced_under_load,
    routing_postgres_crashed,
    routing_postgres_frozen,
    routing_postgres_away,
    *(on_lines(names, way) for names in (TO_PHONES, (PHONE_FACTS,), (ROUTING_DATABASE,)) for way in WAYS),
)
