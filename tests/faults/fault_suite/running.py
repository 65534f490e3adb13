"""The run itself: round after round of faults, and after each the wait until everything is as before."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from fault_suite.fault import Fault
from fault_suite.history import TELL, Outcome
from fault_suite.loading import CURRENT
from fault_suite.schedule import Kind, rounds
from fault_suite.verdict import Findings
from fault_suite.world import World

FAULT_SECONDS = 300.0
"""What a round of faults itself may take, its restarts included."""
RECOVERY_SECONDS = 120.0
"""Within which everything must be as before."""
PAUSE_SECONDS = 0.05
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Size:
    """How long a run is: until so many faults and so many seconds, both, have come."""

    faults: int
    seconds: float


@dataclass(slots=True)
class Tally:
    """What has been done up to now; `recoveries` has the seconds of each fault."""

    faults: int = 0
    kinds: set[str] = field(default_factory=set)
    recoveries: list[float] = field(default_factory=list)


async def run(
    world: World, catalogue: dict[str, Fault], chance: Random, size: Size, findings: Findings, say: Say
) -> Tally:
    """Put faults on the world until the run is long enough, or something does not come back."""
    tally, began = Tally(), time.monotonic()
    await _recovered(world, began)
    for together in _enough(rounds(chance, [each.kind for each in catalogue.values()]), tally, size, began):
        names = " + ".join(kind.name for kind in together)
        faults = [catalogue[kind.name].run(world, chance) for kind in together]
        async with asyncio.timeout(FAULT_SECONDS):
            await asyncio.gather(*faults)
        healed = time.monotonic()
        seconds = await _recovered(world, healed)
        tally.faults += len(together)
        tally.kinds |= {kind.name for kind in together}
        tally.recoveries += [seconds if seconds is not None else RECOVERY_SECONDS] * len(together)
        say(_progress(tally, size, time.monotonic() - began, names, seconds))
        if seconds is None or world.dead():
            dead = ", ".join(world.dead())
            findings.add("stuck", 1, f"after {names}{f': {dead} ended by itself' if dead else ''}")
            break
    return tally


def _enough(found: Iterator[tuple[Kind, ...]], tally: Tally, size: Size, began: float) -> Iterator[tuple[Kind, ...]]:
    while tally.faults < size.faults or time.monotonic() - began < size.seconds:
        yield next(found)


async def _recovered(world: World, since: float) -> float | None:
    """Wait until events are taken and figures are current again; the seconds it took, None if it never was."""
    wanted = {TELL, CURRENT}
    looked_at = 0
    while time.monotonic() - since < RECOVERY_SECONDS:
        attempts = (await asyncio.to_thread(lambda: world.load.history)).attempts
        for attempt in attempts[looked_at:]:
            if attempt.began >= since and attempt.outcome is Outcome.OK:
                wanted.discard(attempt.door)
        looked_at = len(attempts)
        if not wanted:
            return time.monotonic() - since
        await asyncio.sleep(PAUSE_SECONDS)
    return None


def _progress(tally: Tally, size: Size, seconds: float, names: str, recovery: float | None) -> str:
    done = f"{tally.faults}/{size.faults}" if size.faults else f"{tally.faults}"
    came_back = f"as before after {recovery:.1f} s" if recovery is not None else "did not come back"
    return f"{seconds:6.0f} s  faults {done}  {names}: {came_back}"
