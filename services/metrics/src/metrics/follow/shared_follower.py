"""Facts that follow the topic of a log, by as many instances as there are: each folds the partitions that it owns.

A step that fails for an unknown reason is bisected until a single event is at fault and set aside; the rest goes on.
Whoever lost a partition, or whose generation was replaced, cannot write: what it folded is dropped, and it looks anew.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from event_log.errors import IncarnationChanged
from event_log.errors import Unavailable as LogAway
from event_log.kafka.errors import HoleOpen
from event_log.model import Cursor
from event_log.partition_leases import PartitionLeases
from event_log.partitioned import Counts, PartitionedFeed, PartitionedPage, Place
from metrics import telemetry
from metrics.follow import following, places
from metrics.follow.advance import Advance, Step, columns_to_follow
from metrics.follow.follower import (
    DATABASE_SECONDS,
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    MOST_PARKED_IN_A_ROW,
    FollowingStopped,
)
from metrics.follow.following import REPLACED, CursorMoved
from metrics.follow.holding import Holding
from metrics.follow.pages import handfuls
from metrics.follow.partition_steps import Steps
from metrics.follow.stepping import stepped
from metrics.generation import live_generation
from metrics.schema import SCHEMA
from service_host.errors import DeadlineExceeded, Unavailable
from service_host.postgres import Database

_WAITED_OUT: Final = (LogAway, Unavailable, DeadlineExceeded, CursorMoved)


@dataclass(frozen=True, slots=True)
class Claim:
    """What this instance may bring forward: partitions of a generation, where each stands, and its epoch."""

    generation: str
    log: Cursor
    places: Mapping[int, Place]
    epochs: Mapping[int, int]
    partitions: int


@dataclass
class SharedFollower:
    """Brings this instance's part of the live generation forward, whichever that is, for as long as it runs.

    `member` names the instance among all. `on_step` is told after each step how far all of its partitions are.
    """

    database: Database
    feed: PartitionedFeed
    member: str
    on_step: Callable[[Cursor], None] = lambda _: None
    _careful: bool = field(default=False, init=False)
    _parked_in_a_row: int = field(default=0, init=False)
    _pause: float = field(default=FIRST_PAUSE_SECONDS, init=False)

    async def run(self) -> None:
        """Follow until cancelled; raises IncarnationChanged (the facts are to be rebuilt) and FollowingStopped."""
        partitions = await self.feed.partitions()
        leases = PartitionLeases(SCHEMA, self.feed.name, self.member, partitions)
        holding = Holding(self.database, leases, self.feed.log)
        async with holding.kept():
            while True:
                try:
                    await self._until_changed(holding, partitions)
                except _WAITED_OUT as trouble:
                    _tell_trouble(trouble)
                    await self._wait()

    async def _until_changed(self, holding: Holding, partitions: int) -> None:
        """Read what this instance owns until it owns something else."""
        epochs = await holding.settle()
        changed = asyncio.create_task(holding.changed())
        reading = asyncio.create_task(self._read(epochs, partitions)) if epochs else None
        try:
            await asyncio.wait({changed, reading} if reading else {changed}, return_when=asyncio.FIRST_COMPLETED)
            if reading and reading.done():
                await reading
            if changed.done():
                await changed
        finally:
            await _ended(changed, *([reading] if reading else []))

    async def _read(self, epochs: Mapping[int, int], partitions: int) -> None:
        claim = await self._claimed(epochs, partitions)
        advance = Advance(self.database, self.feed.log, claim.generation, DATABASE_SECONDS)
        steps = Steps(claim.log, claim.places, claim.epochs, partitions)
        try:
            await (self._carefully if self._careful else self._swiftly)(advance, steps)
        except IncarnationChanged:
            await self._stop(claim, "incarnation_changed")
            raise
        except (FollowingStopped, *_WAITED_OUT):
            raise
        except Exception as error:  # noqa: BLE001  # the loop that must survive: bisected, then the event parked
            telemetry.STEP_FAILED.warning(error=type(error).__name__)
            self._careful = True

    async def _claimed(self, epochs: Mapping[int, int], partitions: int) -> Claim:
        head = await self.feed.log.head()
        async with self.database.acquire(DATABASE_SECONDS) as connection, connection.transaction():
            generation = await live_generation(connection)
            assert generation is not None, "a generation is live before anything follows"
            await following.begin(connection, generation, head)
            await places.divide(connection, generation, head.log_id, partitions)
            held = await places.places(connection, generation, head.log_id)
            assert held is not None, "begun above"
            mine = await places.claim(connection, generation, head.log_id, epochs)
        if held.stopped == REPLACED:
            raise CursorMoved(generation)
        if held.stopped:
            raise FollowingStopped(held.stopped)
        if held.highest > head.position:  # others may have gone on since it was read
            head = await self.feed.log.head()
        of = Cursor(head.log_id, held.incarnation, held.lowest.position)
        if held.incarnation != head.incarnation or held.highest > head.position:
            await self._stop(Claim(generation, of, mine, epochs, partitions), "incarnation_changed")
            raise IncarnationChanged(of, head)
        if len(held.by_partition) != partitions:
            raise FollowingStopped("partitions_changed")
        return Claim(generation, of, mine, epochs, partitions)

    async def _swiftly(self, advance: Advance, steps: Steps) -> None:
        """Follow for ever, each step folded while the one before it is being written."""
        pages = self.feed.partitioned_pages(steps.log, steps.places, steps.partitions, columns_to_follow())
        async with aclosing(pages), aclosing(stepped(advance, pages, self._made(steps))) as written:
            async for fold in written:
                self._stands(fold.step, len(fold.batch.malformed))

    async def _carefully(self, advance: Advance, steps: Steps) -> None:
        """Take one handful, step by step, what fails in ever smaller parts; then all is well again."""
        pages = self.feed.partitioned_pages(steps.log, steps.places, steps.partitions, columns_to_follow())
        make = self._made(steps)
        async with aclosing(pages), aclosing(handfuls(pages)) as found:
            async for handful in found:
                if step := make(handful):
                    await self._bisected(advance, step)
                    self._careful = False
                    return

    async def _bisected(self, advance: Advance, step: Step) -> None:
        """Bring a step about, or its halves, or set its one event aside."""
        try:
            fold = await advance.fold(step)
            await advance.write(fold)
        except (IncarnationChanged, *_WAITED_OUT):
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, the event at fault is found and parked
            if step.events.num_rows > 1:
                for half in step.halves():
                    await self._bisected(advance, half)
            else:
                await self._park(advance, step, f"could not be folded: {type(error).__name__}")
        else:
            self._stands(step, len(fold.batch.malformed))

    def _made(self, steps: Steps) -> Callable[[Sequence[PartitionedPage]], Step | None]:
        def made(found: Sequence[PartitionedPage]) -> Step | None:
            for page in found:
                _tell_odd(page.counts)
            return steps.next(found)

        return made

    def _stands(self, step: Step, malformed: int) -> None:
        self._parked_in_a_row, self._pause = 0, FIRST_PAUSE_SECONDS
        telemetry.EVENTS_FOLDED.add(step.events.num_rows - malformed)
        telemetry.EVENTS_PARKED.add(malformed)
        self.on_step(step.cursor)

    async def _park(self, advance: Advance, step: Step, reason: str) -> None:
        await advance.park(step, reason)
        telemetry.EVENTS_PARKED.add(step.events.num_rows)
        telemetry.EVENT_PARKED.error(position=step.until, reason=reason)
        self._parked_in_a_row += 1
        if self._parked_in_a_row >= MOST_PARKED_IN_A_ROW:
            async with self.database.acquire(DATABASE_SECONDS) as connection:
                await following.stop(connection, advance.generation, step.held.log_id, "too_many_parked")
            telemetry.FOLLOWING_STOPPED.error(reason="too_many_parked")
            raise FollowingStopped("too_many_parked")

    async def _stop(self, claim: Claim, reason: str) -> None:
        telemetry.FOLLOWING_STOPPED.error(reason=reason)
        async with self.database.acquire(DATABASE_SECONDS) as connection:
            await following.stop(connection, claim.generation, claim.log.log_id, reason)

    async def _wait(self) -> None:
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)


def _tell_trouble(trouble: Exception) -> None:
    if isinstance(trouble, CursorMoved):
        telemetry.CONFLICTS.add()
    if isinstance(trouble, HoleOpen):
        telemetry.HOLES.add(trouble.holes)
        telemetry.HOLE.error(holes=trouble.holes, events=0)


def _tell_odd(counts: Counts) -> None:
    telemetry.DUPLICATES.add(counts.duplicates)
    telemetry.MALFORMED.add(counts.malformed)
    if counts.holes or counts.filled:
        telemetry.HOLES.add(counts.holes)
        telemetry.HOLE.error(holes=counts.holes, events=counts.filled)


async def _ended(*tasks: "asyncio.Task[None]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
