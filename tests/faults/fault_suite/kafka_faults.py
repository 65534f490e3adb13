"""Faults of the way by Kafka: the broker gone, silent or away; relays killed, paused, doubled; topics replayed."""

import asyncio
from random import Random

from fault_suite.fault import Fault, drain, fault, frozen, kill_again, process_of
from fault_suite.lines import DOWN
from fault_suite.replaying import replay
from fault_suite.wiring import BROKER, LOG_DATABASE, METRICS, RELAY
from fault_suite.world import World

BEYOND_LEASE_SECONDS = 6.0
"""Longer than a relay that is silent keeps its partitions."""
AWAY_SECONDS = (3.0, 8.0)
MOST_TIMES = 4
"""Every record is delivered once, and so many times more at most."""


@fault("F7", BROKER)
async def broker_killed(world: World, chance: Random) -> None:
    """Kill the broker and start it again at once."""
    await asyncio.sleep(chance.uniform(0, 0.3))
    world.broker.kill()
    world.broker.start()


@fault("F7", BROKER, weight=2)
async def broker_away(world: World, chance: Random) -> None:
    """Kill the broker and leave it away while the load goes on."""
    world.broker.kill()
    await asyncio.sleep(chance.uniform(*AWAY_SECONDS))
    world.broker.start()


@fault("F7", BROKER)
async def broker_frozen(world: World, chance: Random) -> None:
    """Freeze the broker: connections stay, nothing is answered."""
    world.broker.freeze()
    try:
        await asyncio.sleep(chance.uniform(0.5, 4.0))
    finally:
        world.broker.thaw()


@fault("F1 F7", RELAY)
async def relay_killed(world: World, chance: Random) -> None:
    """Kill the relay: after the reply, before the topic."""
    await kill_again(world, world.relay, chance.uniform(0, 0.3))


@fault("F1 F7", RELAY, BROKER)
async def relay_killed_before_acknowledgement(world: World, chance: Random) -> None:
    """Kill the relay while the broker's acknowledgements have not come back."""
    line = world.line[BROKER]
    line.silent = frozenset({DOWN})
    await asyncio.sleep(chance.uniform(0.05, 0.4))
    world.relay.kill()
    line.heal()
    await world.start(world.relay)


@fault("F9", RELAY, LOG_DATABASE, weight=2)
async def paused_relay_wakes(world: World, chance: Random) -> None:
    """Freeze a relay until its standby has taken over, then let it wake and send."""
    second = world.second[RELAY]
    await world.start(second)
    async with frozen(process_of(world.relay)):
        await asyncio.sleep(BEYOND_LEASE_SECONDS)
    await asyncio.sleep(chance.uniform(0.2, 1.0))
    second.kill()


@fault("F9 F16", RELAY)
async def relays_take_turns(world: World, chance: Random) -> None:
    """Start a standby, drain the relay, and the other way round."""
    second = world.second[RELAY]
    for new, old in ((second, world.relay), (world.relay, second)):
        await world.start(new)
        await asyncio.sleep(chance.uniform(0, 0.3))
        await drain(old)


@fault("F8", METRICS, weight=2)
async def readers_added_killed_and_paused(world: World, chance: Random) -> None:
    """Add an instance that takes half of the partitions, kill the first, freeze the other, start the first again."""
    first, second = world.first(METRICS), world.second[METRICS]
    await world.start(second)
    await asyncio.sleep(chance.uniform(0.2, 1.5))
    first.kill()
    async with frozen(process_of(second)):
        await asyncio.sleep(chance.uniform(0.2, 1.0))
    await world.start(first)
    await drain(second)


@fault("F10", BROKER)
async def topic_replayed(world: World, chance: Random) -> None:
    """Write what stands in the topic into it again, one to four times: records are delivered up to five times."""
    address = world.line[BROKER].address
    await asyncio.to_thread(replay, address, chance.randint(1, MOST_TIMES))


KAFKA_FAULTS: tuple[Fault, ...] = (
    broker_killed,
    broker_away,
    broker_frozen,
    relay_killed,
    relay_killed_before_acknowledgement,
    paused_relay_wakes,
    relays_take_turns,
    readers_added_killed_and_paused,
    topic_replayed,
)
