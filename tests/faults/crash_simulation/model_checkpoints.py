"""The database of relays: one row, held by lease, moved only under the epoch of its holder.

Commits need not wait for the disk: a crash takes back the last of them, but none before one that waited.
"""

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from crash_simulation.model_broker import ModelBroker
from crash_simulation.process import Process
from event_log.errors import LogUnavailable
from event_log.kafka.relay import LeaseLost
from event_log.kafka.window import Checkpoint

LEASE_SECONDS = 5.0
LOOK_SECONDS = 0.25


class State(NamedTuple):
    """What the row says."""

    epoch: int = 0
    held_until: float = float("-inf")
    place: Checkpoint | None = None


@dataclass(slots=True)
class Row:
    """What stands in the database: each state since a commit that waited for the disk; `given` are epochs taken."""

    broker: ModelBroker
    states: list[State] = field(default_factory=lambda: [State()])
    given: set[int] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    @property
    def now(self) -> State:
        """What it says at present."""
        return self.states[-1]

    def hold(self, until: float) -> None:
        """Write until when it is held."""
        self.states.append(self.now._replace(held_until=until))

    def take(self, until: float, *, durable: bool) -> int:
        """Hold it under a new epoch; `durable` is whether that waits for the disk."""
        state = State(self.now.epoch + 1, until, self.now.place)
        self.states = [state] if durable else [*self.states, state]
        if state.epoch in self.given:
            self.wrong.append(f"epoch {state.epoch} was given twice")
        self.given.add(state.epoch)
        return state.epoch

    def crash(self, chance: Random) -> None:
        """Lose some of the last commits."""
        self.states = [chance.choice(self.states)]

    def move(self, to: Checkpoint) -> None:
        """Write a checkpoint, which promises that all before it is acknowledged."""
        if not self.broker.whole_to(to.cursor.position):
            self.wrong.append(f"the checkpoint is at {to.cursor.position}, and not all before it stands in the topic")
        if self.now.place is not None and to.cursor.position < self.now.place.cursor.position:
            self.wrong.append(f"the checkpoint went back to {to.cursor.position}")
        self.states.append(self.now._replace(place=to))


class ModelCheckpoints:
    """See relay.Checkpoints; one process's view.

    `fenced` is whether an older epoch is refused, `durable` whether a new one is for good.
    """

    def __init__(self, process: Process, row: Row, *, fenced: bool = True, durable: bool = True) -> None:
        self._process = process
        self._row = row
        self._fenced = fenced
        self._durable = durable

    async def take(self) -> int:
        """See relay.Checkpoints."""
        while self._row.now.held_until > _now():
            await self._process.step("stands by")
            await asyncio.sleep(LOOK_SECONDS)
        taken = self._row.take(_now() + LEASE_SECONDS, durable=self._durable)
        await self._process.step(f"took epoch {taken}")
        return taken

    async def read(self, epoch: int) -> Checkpoint | None:
        """See relay.Checkpoints."""
        await self._process.step("reads the checkpoint")
        self._check(epoch)
        return self._row.now.place

    async def move(self, epoch: int, to: Checkpoint) -> None:
        """See relay.Checkpoints."""
        await self._process.step(f"moves to {to.cursor.position}")
        self._check(epoch)
        self._row.move(to)
        self._row.hold(_now() + LEASE_SECONDS)
        await self._process.step(f"has moved to {to.cursor.position}")

    async def renew(self, epoch: int) -> None:
        """See relay.Checkpoints."""
        await self._process.step("renews")
        self._check(epoch)
        self._row.hold(_now() + LEASE_SECONDS)

    async def release(self, epoch: int) -> None:
        """See relay.Checkpoints."""
        try:
            await self._process.step("releases")
        except LogUnavailable:
            return
        if self._row.now.epoch == epoch:
            self._row.hold(float("-inf"))

    def _check(self, epoch: int) -> None:
        if self._fenced and self._row.now.epoch != epoch:
            raise LeaseLost("taken since")


def _now() -> float:
    return asyncio.get_running_loop().time()
