"""Faults in what is told: again and again, late and by a wrong clock, or as nobody can fold it."""

import asyncio
from random import Random

from fault_suite.fault import Fault, fault
from fault_suite.telling import SECOND
from fault_suite.world import TELLING, World

MOST_AGAIN = 300
"""Operations told again at once."""
HOUR_US = 3_600 * SECOND
POISONS_AT_ONCE = 2
"""One that is no message of its type, and one of a type that is not known yet; both are parked."""


@fault("F10", TELLING)
async def told_one_to_five_times_more(world: World, chance: Random) -> None:
    """Tell much of what was told before again."""
    await world.command("tell_again", times=chance.randint(1, 5), most=MOST_AGAIN, since_mark=False)


@fault("F11", TELLING)
async def late_muddled_and_an_hour_wrong(world: World, chance: Random) -> None:
    """Let sources' clocks jump by an hour and their events come in any order, for a while."""
    await world.command("wrong", step_us=chance.choice((-HOUR_US, HOUR_US)), muddled=1.0)
    await asyncio.sleep(chance.uniform(0.5, 1.5))
    await world.command("wrong", step_us=0, muddled=0.1)


@fault("F13", TELLING)
async def poison_and_a_type_of_tomorrow(world: World, chance: Random) -> None:
    """Append what cannot be folded, and what is not known yet."""
    await asyncio.sleep(chance.uniform(0, 0.2))
    await world.command("poison")
    world.poisons += POISONS_AT_ONCE


TOLD_FAULTS: tuple[Fault, ...] = (
    told_one_to_five_times_more,
    late_muddled_and_an_hour_wrong,
    poison_and_a_type_of_tomorrow,
)
