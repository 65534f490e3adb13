"""The database of relays: one row, held by lease, moved only under the epoch of its holder."""

import asyncio
from dataclasses import dataclass, field

from crash_simulation.model_broker import ModelBroker
from crash_simulation.process import Process
from event_log.errors import LogUnavailable
from event_log.kafka.relay import LeaseLost
from event_log.kafka.window import Checkpoint

LEASE_SECONDS = 5.0
LOOK_SECONDS = 0.25


@dataclass(slots=True)
class Row:
    """What stands in the database."""

    broker: ModelBroker
    epoch: int = 0
    held_until: float = float("-inf")
    place: Checkpoint | None = None
    wrong: list[str] = field(default_factory=list)

    def move(self, to: Checkpoint) -> None:
        """Write a checkpoint, which promises that all before it is acknowledged."""
        if not self.broker.whole_to(to.cursor.position):
            self.wrong.append(f"the checkpoint is at {to.cursor.position}, and not all before it stands in the topic")
        if self.place is not None and to.cursor.position < self.place.cursor.position:
            self.wrong.append(f"the checkpoint went back to {to.cursor.position}")
        self.place = to


class ModelCheckpoints:
    """See relay.Checkpoints; one process's view. `fenced` is whether an older epoch is refused."""

    def __init__(self, process: Process, row: Row, *, fenced: bool = True) -> None:
        self._process = process
        self._row = row
        self._fenced = fenced

    async def take(self) -> int:
        """See relay.Checkpoints."""
        while self._row.held_until > _now():
            await self._process.step("stands by")
            await asyncio.sleep(LOOK_SECONDS)
        self._row.epoch += 1
        self._row.held_until = _now() + LEASE_SECONDS
        taken = self._row.epoch
        await self._process.step(f"took epoch {taken}")
        return taken

    async def read(self, epoch: int) -> Checkpoint | None:
        """See relay.Checkpoints."""
        await self._process.step("reads the checkpoint")
        self._check(epoch)
        return self._row.place

    async def move(self, epoch: int, to: Checkpoint) -> None:
        """See relay.Checkpoints."""
        await self._process.step(f"moves to {to.cursor.position}")
        self._check(epoch)
        self._row.move(to)
        self._row.held_until = _now() + LEASE_SECONDS
        await self._process.step(f"has moved to {to.cursor.position}")

    async def renew(self, epoch: int) -> None:
        """See relay.Checkpoints."""
        await self._process.step("renews")
        self._check(epoch)
        self._row.held_until = _now() + LEASE_SECONDS

    async def release(self, epoch: int) -> None:
        """See relay.Checkpoints."""
        try:
            await self._process.step("releases")
        except LogUnavailable:
            return
        if self._row.epoch == epoch:
            self._row.held_until = float("-inf")

    def _check(self, epoch: int) -> None:
        if self._fenced and self._row.epoch != epoch:
            raise LeaseLost("taken since")


def _now() -> float:
    return asyncio.get_running_loop().time()
