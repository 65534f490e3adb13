"""A process of the model: it takes steps, may stand still for a while, and may die at any of them."""

import asyncio
from dataclasses import dataclass, field
from random import Random

from event_log.errors import LogUnavailable

LONGEST_LIFE_STEPS = 60
STEP_SECONDS = 0.02
TROUBLE = 0.05
"""The chance that a step ends in trouble of the world."""
STANDSTILL = 0.02
STANDSTILL_SECONDS = 12.0
"""Longer than any lease."""


class Killed(BaseException):
    """The process is dead: whatever it still tries has no effect."""


@dataclass(slots=True)
class Fate:
    """What decides about everything; `kind` once chance is to do no more harm. `trace` has every step in order."""

    chance: Random
    kind: bool = False
    trace: list[str] = field(default_factory=list)

    def says(self, probability: float) -> bool:
        """Whether something bad happens."""
        return not self.kind and self.chance.random() < probability

    def note(self, who: str, what: str) -> None:
        """Write a step down."""
        self.trace.append(f"{asyncio.get_running_loop().time():.4f} {who} {what}")


@dataclass(slots=True)
class Process:
    """One life of a process, from its start to its death.

    Where it is `frozen_whole`, nothing of it goes on while a step stands still, as where a machine is suspended.
    """

    name: str
    fate: Fate
    frozen_whole: bool = False
    steps_left: int = field(init=False)
    dead: bool = field(default=False, init=False)
    _still_until: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        """Decide how long it lives."""
        self.steps_left = self.fate.chance.randint(1, LONGEST_LIFE_STEPS)

    async def step(self, what: str) -> None:
        """Take a step: time passes, and fate may intervene. Raises Killed, or LogUnavailable for trouble."""
        if self.dead:
            raise Killed
        seconds = self.fate.chance.expovariate(1 / STEP_SECONDS)
        if self.fate.says(STANDSTILL):
            seconds += self._stood_still(self.fate.chance.uniform(0, STANDSTILL_SECONDS))
        await asyncio.sleep(max(seconds, self._still_until - asyncio.get_running_loop().time()))
        self.steps_left -= 1
        if self._has_died():
            self.dead = True
            self.fate.note(self.name, f"dies at {what}")
            raise Killed
        self.fate.note(self.name, what)
        if self.fate.says(TROUBLE):
            raise LogUnavailable("trouble")

    def _stood_still(self, seconds: float) -> float:
        if self.frozen_whole:
            self._still_until = asyncio.get_running_loop().time() + seconds
        return seconds

    def _has_died(self) -> bool:
        """Whether its time has come, or somebody ended it while it took the step."""
        return self.dead or (self.steps_left < 0 and not self.fate.kind)
