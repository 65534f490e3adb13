"""A broker: partitions, and the way to them, on which requests of one producer stay in order and may stop anywhere.

What its promise is worth to readers is checked as each record arrives.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from crash_simulation.model_log import PARTITIONS, ModelLog
from crash_simulation.process import Fate, Process
from event_log.kafka.batch_form import decoded
from event_log.kafka.errors import BrokerUnavailable
from event_log.kafka.record import Control, place_of
from event_log.kafka.window import ToSend

WAY_SECONDS = 0.05
LOST = 0.04
"""The chance that a request, and all of its producer's after it, never arrives."""
UNANSWERED = 0.04
"""The chance that a request arrives and its acknowledgement does not."""


@dataclass(slots=True)
class ModelBroker:
    """What stands in each partition; `reached` is the last event a reader has seen there; `wrong` is what is wrong."""

    fate: Fate
    log: ModelLog
    partitions: list[list[ToSend]] = field(default_factory=lambda: [[] for _ in range(PARTITIONS)])
    reached: list[int] = field(default_factory=lambda: [0] * PARTITIONS)
    wrong: list[str] = field(default_factory=list)
    on_the_way: set["asyncio.Task[None]"] = field(default_factory=set)

    def append(self, records: Sequence[ToSend]) -> None:
        """Write records of one partition, and look whether a reader can rely on them."""
        for record in records:
            self.partitions[record.partition].append(record)
            place = place_of(decoded(record.headers))
            if isinstance(place, Control):
                self._check_control(record.partition, place)
            else:
                self._check_event(record.partition, place.position, place.prev)

    def whole_to(self, position: int) -> bool:
        """Whether every event up to a position stands in its partition."""
        return all(self.log.last_of(number, position) <= reached for number, reached in enumerate(self.reached))

    def _check_event(self, partition: int, position: int, prev: int) -> None:
        if self.log.partitions[position - 1] != partition or prev != self.log.before(position, partition):
            self.wrong.append(f"event {position} stands in partition {partition} with prev {prev}")
        if position > self.reached[partition]:
            if prev > self.reached[partition]:
                self.wrong.append(f"hole in partition {partition} before {position}")
            self.reached[partition] = position

    def _check_control(self, partition: int, told: Control) -> None:
        if self.log.last_of(partition, told.complete_to) > self.reached[partition]:
            self.wrong.append(f"partition {partition} is told whole to {told.complete_to} and is not")

    def deliver(self, work: "asyncio.Task[None]") -> None:
        """Keep what is on its way, whoever sent it and whether they still live."""
        self.on_the_way.add(work)
        work.add_done_callback(self.on_the_way.discard)


class ModelSession:
    """See relay.Topic: one producer of one process. `patient` is whether it waits for acknowledgements."""

    def __init__(self, process: Process, broker: ModelBroker, *, patient: bool = True) -> None:
        self._process = process
        self._broker = broker
        self._patient = patient
        self._before: list[asyncio.Task[None] | None] = [None] * PARTITIONS
        self._broken = [False] * PARTITIONS

    async def send(self, records: Sequence[ToSend]) -> None:
        """See relay.Topic."""
        await self._process.step(f"sends {len(records)}")
        acknowledged = [
            self._begin(number, [record for record in records if record.partition == number])
            for number in sorted({record.partition for record in records})
        ]
        if self._patient and not all(await asyncio.gather(*acknowledged)):
            raise BrokerUnavailable("not acknowledged")
        await self._process.step("has sent")

    def _begin(self, partition: int, records: list[ToSend]) -> "asyncio.Future[bool]":
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        task = asyncio.ensure_future(self._carry(partition, records, self._before[partition], answer))
        self._before[partition] = task
        self._broker.deliver(task)
        return answer

    async def _carry(
        self,
        partition: int,
        records: list[ToSend],
        before: "asyncio.Task[None] | None",
        answer: "asyncio.Future[bool]",
    ) -> None:
        """Bring records to their partition after those before; where one request is lost, all after it are."""
        fate = self._broker.fate
        seconds = fate.chance.expovariate(1 / WAY_SECONDS)
        lost, unanswered = fate.says(LOST), fate.says(UNANSWERED)
        if before is not None:
            await asyncio.wait([before])
        await asyncio.sleep(seconds)
        self._broken[partition] |= lost
        if not self._broken[partition]:
            self._broker.append(records)
            fate.note(self._process.name, f"is taken at its word in partition {partition}")
        if not answer.done():
            answer.set_result(not (self._broken[partition] or unanswered))


@asynccontextmanager
async def open_session(process: Process, broker: ModelBroker, *, patient: bool = True) -> AsyncIterator[ModelSession]:
    """Open a session; what it has on the way when it ends may still arrive."""
    await process.step("opens a session")
    yield ModelSession(process, broker, patient=patient)
