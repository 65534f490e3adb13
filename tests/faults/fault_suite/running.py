"""The run itself: round after round of faults, and after each the wait until everything is as before.

Lanes run beside each other: a round of one begins while another lane still recovers, for their parts recover each by
itself.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

from fault_suite.fault import Fault
from fault_suite.history import TELL, Outcome
from fault_suite.loading import CURRENT
from fault_suite.schedule import Kind, rounds
from fault_suite.verdict import Findings
from fault_suite.world import ROUTING_LANE, World

FAULT_SECONDS = 300.0
"""What a round of faults itself may take, its restarts included."""
RECOVERY_SECONDS = 120.0
"""Within which everything must be as before."""
PAUSE_SECONDS = 0.05
LONGEST_CALM_SECONDS = 2.0
"""Between two rounds that befall routing: callers get on meanwhile, so that the next one finds them anywhere."""
LEADERS = ("F2", "F9 F2")
"""Rows of the table of faults that befall the process which leads callers."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Size:
    """How long a run is: until so many faults, so many seconds and every kind of fault, all of them, have come."""

    faults: int
    seconds: float


@dataclass(slots=True)
class Tally:
    """What has been done up to now; `recoveries` has the seconds of each fault, `waiting` the kinds that never came.

    `led_on`: faults in which the process that leads callers was killed or frozen, so that another one had to.
    `under_way` has the faults of each lane that have begun and are not over.
    """

    waiting: dict[str, set[str]] = field(default_factory=dict)
    under_way: dict[str, str] = field(default_factory=dict)
    faults: int = 0
    led_on: int = 0
    kinds: set[str] = field(default_factory=set)
    recoveries: list[float] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    stuck: bool = False

    def enough(self, lane: str, size: Size) -> bool:
        """Whether a lane may end: it has shown all it has, time is over, and no more faults are wanted of it."""
        if self.stuck:
            return True
        if self.waiting[lane] or time.monotonic() - self.began < size.seconds:
            return False
        return self.faults >= size.faults or any(self.waiting.values())


async def run(
    world: World,
    lanes: Mapping[str, Mapping[str, Fault]],
    tally: Tally,
    seed: int,
    size: Size,
    findings: Findings,
    say: Say,
) -> None:
    """Put faults on the world until the run is long enough, or something does not come back."""
    tally.waiting = {lane: set(faults) for lane, faults in lanes.items()}
    async with asyncio.TaskGroup() as beside:
        for lane, faults in lanes.items():
            if faults:
                beside.create_task(_Lane(world, lane, faults, tally, findings, say).run(seed, size))


@dataclass(frozen=True, slots=True)
class _Lane:
    """One lane at work."""

    world: World
    name: str
    faults: Mapping[str, Fault]
    tally: Tally
    findings: Findings
    say: Say

    async def run(self, seed: int, size: Size) -> None:
        """Put round after round of its faults on the world."""
        chance = Random(f"{seed} {self.name}")  # noqa: S311  # chance that can be repeated, no secret
        await self._recovered(time.monotonic())
        for together in self._rounds(chance, size):
            self.tally.under_way[self.name] = _names(together)
            async with asyncio.timeout(FAULT_SECONDS):
                await asyncio.gather(*(self.faults[kind.name].run(self.world, chance) for kind in together))
            seconds = await self._recovered(time.monotonic())
            self._count(together, size, seconds)
            if self.name == ROUTING_LANE:
                await asyncio.sleep(chance.uniform(0, LONGEST_CALM_SECONDS))

    def _rounds(self, chance: Random, size: Size) -> Iterator[tuple[Kind, ...]]:
        found = rounds(chance, [each.kind for each in self.faults.values()])
        while not self.tally.enough(self.name, size):
            yield next(found)

    def _count(self, together: tuple[Kind, ...], size: Size, seconds: float | None) -> None:
        tally, names = self.tally, self.tally.under_way.pop(self.name)
        tally.faults += len(together)
        tally.led_on += sum(kind.stands_for in LEADERS for kind in together)
        tally.kinds |= {kind.name for kind in together}
        tally.waiting[self.name] -= tally.kinds
        tally.recoveries += [seconds if seconds is not None else RECOVERY_SECONDS] * len(together)
        self.say(_progress(tally, size, names, seconds))
        if seconds is None or self.world.dead(self.name):
            dead = ", ".join(self.world.dead(self.name))
            self.findings.add("stuck", 1, f"after {names}{f': {dead} ended by itself' if dead else ''}")
            tally.stuck = True

    async def _recovered(self, since: float) -> float | None:
        """Wait until everything of the lane is as before; the seconds it took, None if it never was."""
        again = _callers_led(self.world) if self.name == ROUTING_LANE else _figures_current(self.world, since)
        while time.monotonic() - since < RECOVERY_SECONDS:
            if await asyncio.to_thread(again):
                return time.monotonic() - since
            await asyncio.sleep(PAUSE_SECONDS)
        return None


def _names(together: tuple[Kind, ...]) -> str:
    return " + ".join(kind.name for kind in together)


def _figures_current(world: World, since: float) -> Callable[[], bool]:
    """Return what says whether events are taken and figures are current again."""
    wanted = {TELL, CURRENT}
    looked_at = 0

    def again() -> bool:
        nonlocal looked_at
        attempts = world.load.history.attempts
        for attempt in attempts[looked_at:]:
            if attempt.began >= since and attempt.outcome is Outcome.OK:
                wanted.discard(attempt.door)
        looked_at = len(attempts)
        return not wanted

    return again


def _callers_led(world: World) -> Callable[[], bool]:
    """Return what says whether a caller who came from now on is led by routing."""
    now_us = time.time_ns() // 1_000
    return lambda: world.phones.witness.led_since(now_us)


def _progress(tally: Tally, size: Size, names: str, recovery: float | None) -> str:
    done = f"{tally.faults}/{size.faults}" if size.faults else f"{tally.faults}"
    came_back = f"as before after {recovery:.1f} s" if recovery is not None else "did not come back"
    return f"{time.monotonic() - tally.began:6.0f} s  faults {done}  {names}: {came_back}"
