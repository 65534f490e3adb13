"""Faults of the network: lines reset, silent, slow, or cutting messages into small pieces."""

import asyncio
from random import Random

from fault_suite.fault import Fault, Run, fault
from fault_suite.lines import DOWN, UP, Line
from fault_suite.wiring import BROKER, CLIENTS, FACTS_DATABASE, FEED, LOG_DATABASE
from fault_suite.world import World

CUTS = 3
SLICE_BYTES = 97
LATENCIES = (0.02, 0.2)


async def _reset(world: World, line: Line, chance: Random) -> None:
    """Reset every connection, a few times, and take no new ones for a moment."""
    for _ in range(CUTS):
        line.refusing = chance.random() < 1 / 2
        world.lines.cut(line)
        await asyncio.sleep(chance.uniform(0.05, 0.3))


async def _silent(_: World, line: Line, chance: Random) -> None:
    """Keep connections open and let nothing through, one way or both."""
    line.silent = frozenset(chance.choice(((UP,), (DOWN,), (UP, DOWN))))
    await asyncio.sleep(chance.uniform(0.5, 3.0))


async def _slow(_: World, line: Line, chance: Random) -> None:
    line.latency_seconds = chance.uniform(*LATENCIES)
    await asyncio.sleep(chance.uniform(0.5, 2.0))


async def _sliced(_: World, line: Line, chance: Random) -> None:
    line.slice_bytes = chance.randint(1, SLICE_BYTES)
    await asyncio.sleep(chance.uniform(0.5, 1.5))


WAYS = {"reset": _reset, "silent": _silent, "slow": _slow, "sliced": _sliced}


def on_lines(names: tuple[str, ...], way: str) -> Fault:
    """Make the fault that lines between the same parts suffer in one way, at once."""

    async def run(world: World, chance: Random) -> None:
        lines = [world.line[name] for name in names]
        try:
            await asyncio.gather(*(WAYS[way](world, line, chance) for line in lines))
        finally:
            for line in lines:
                line.heal()

    run.__name__ = f"line_of_{names[0].replace(' ', '_')}_{way}"
    made: Run = run
    return fault("network", *names, weight=2)(made)


LINE_FAULTS: tuple[Fault, ...] = tuple(
    on_lines((name,), way) for name in (CLIENTS, FEED, LOG_DATABASE, FACTS_DATABASE, BROKER) for way in WAYS
)
