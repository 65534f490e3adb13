"""Facts that follow a log live: steps for ever, trouble waited out, poison parked, a changed log noticed.

A step that fails for an unknown reason is tried again in ever smaller parts, until a single event is at fault and set
aside. Nothing else of an event is ever skipped.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from event_log.errors import IncarnationChanged
from event_log.errors import Unavailable as LogAway
from event_log.feed import Feed
from event_log.model import Cursor, PackedPage
from metrics import telemetry
from metrics.fact.batch import COLUMNS
from metrics.follow import following, places, ragged
from metrics.follow.advance import Advance, Step, columns_to_follow
from metrics.follow.following import REPLACED, CursorMoved
from metrics.follow.pages import MOST_EVENTS
from metrics.follow.places import Places
from metrics.follow.stepping import rest_of_live, steps
from metrics.generation import live_generation
from service_host.errors import DeadlineExceeded, Unavailable
from service_host.postgres import Database

FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 5.0
MOST_PARKED_IN_A_ROW: Final = 100
"""Events set aside one after the other before the follower stops: then it is not the events that are wrong."""
DATABASE_SECONDS: Final = 30.0
_WAITED_OUT: Final = (LogAway, Unavailable, DeadlineExceeded, CursorMoved)


class FollowingStopped(Exception):
    """Facts no longer follow the log, for a reason that more tries do not mend; it is kept with the cursor."""


@dataclass
class Follower:
    """Brings the live generation forward, whichever that is at the time, for as long as it runs.

    `on_step` is told the cursor after each step that stands; `advance` folds the events of this log.
    """

    database: Database
    feed: Feed
    on_step: Callable[[Cursor], None] = lambda _: None
    advance: type[Advance] = Advance
    _fault: str = field(default="", init=False)
    _most: int = field(default=MOST_EVENTS, init=False)
    _behind: int = field(default=0, init=False)
    _parked_in_a_row: int = field(default=0, init=False)
    _pause: float = field(default=FIRST_PAUSE_SECONDS, init=False)

    async def run(self) -> None:
        """Follow until cancelled; raises IncarnationChanged (the facts are to be rebuilt) and FollowingStopped."""
        while True:
            generation, held = await self._place()
            advance = self.advance(self.database, self.feed.log, generation, DATABASE_SECONDS)
            try:
                await self._go_on(advance, held)
            except IncarnationChanged:
                await self._stop(generation, held.log_id, "incarnation_changed")
                raise
            except FollowingStopped:
                raise
            except _WAITED_OUT:
                await self._wait()
            except Exception as error:  # noqa: BLE001  # the loop that must survive: smaller parts, then the event parked
                telemetry.STEP_FAILED.warning(error=type(error).__name__)
                self._fault = f"could not be folded: {type(error).__name__}" if self._most == 1 else ""
                self._most = max(1, min(self._most, self._behind) // 2)

    async def _go_on(self, advance: Advance, held: Cursor) -> None:
        """Follow as long as all is well; after a failure, with smaller steps; at last with one event, or without it."""
        if self._most > 1:
            await self._follow(advance, held)
        elif (step := await self._alone(held)) is None:
            self._most = MOST_EVENTS
        elif self._fault:
            await self._park(advance, step, self._fault)
        else:
            fold = await advance.fold(step)
            await advance.write(fold)
            self._stands(step, len(fold.batch.malformed))

    async def _place(self) -> tuple[str, Cursor]:
        """Return the live generation and its cursor, waiting for the log and the database as long as it takes."""
        while True:
            try:
                return await self._found()
            except _WAITED_OUT:
                await self._wait()

    async def _found(self) -> tuple[str, Cursor]:
        head = await self.feed.log.head()
        async with self.database.acquire(DATABASE_SECONDS) as connection:
            generation = await live_generation(connection)
            assert generation is not None, "a generation is live before anything follows"
            place = await following.followed(connection, generation, head.log_id)
            if place is None:
                place = await following.begin(connection, generation, head)
            held = await places.places(connection, generation, head.log_id)
        if place.stopped == REPLACED:
            raise CursorMoved(generation)
        if place.stopped:
            raise FollowingStopped(place.stopped)
        if held is not None and len(held.by_partition) > 1:
            await self._unite(generation, held)
            raise CursorMoved(generation)
        self._behind = head.position - place.cursor.position
        return generation, place.cursor

    async def _unite(self, generation: str, held: Places) -> None:
        """Read a log as one again that was followed by the partitions of a topic."""
        advance = Advance(self.database, self.feed.log, generation, DATABASE_SECONDS)
        await ragged.level(advance, self.feed.log, held)
        async with self.database.acquire(DATABASE_SECONDS) as connection, connection.transaction():
            await places.unite(connection, generation, held.log_id)

    async def _follow(self, advance: Advance, held: Cursor) -> None:
        """Follow for ever; after a failure only for one step, so that the next may be larger again."""
        most = self._most
        pages = self.feed.packed_pages(held, limit=most, columns=columns_to_follow())
        async with aclosing(steps(advance, pages, held, most, rest=rest_of_live)) as written:
            async for fold in written:
                self._stands(fold.step, len(fold.batch.malformed))
                if most < self._most:
                    return

    async def _alone(self, held: Cursor) -> Step | None:
        """Return a step of the one event after the cursor, None if there is none."""
        pages: AsyncIterator[PackedPage] = self.feed.log.read_packed(held, until=held.position + 1, columns=COLUMNS)
        async for page in pages:
            return Step.of([page], held)
        return None

    def _stands(self, step: Step, malformed: int) -> None:
        self._parked_in_a_row, self._pause = 0, FIRST_PAUSE_SECONDS
        self._most = min(MOST_EVENTS, self._most * 2)
        telemetry.EVENTS_FOLDED.add(step.events.num_rows - malformed)
        telemetry.EVENTS_PARKED.add(malformed)
        self.on_step(step.cursor)

    async def _park(self, advance: Advance, step: Step, reason: str) -> None:
        await advance.park(step, reason)
        telemetry.EVENTS_PARKED.add(step.events.num_rows)
        telemetry.EVENT_PARKED.error(position=step.until, reason=reason)
        self._fault = ""
        self._parked_in_a_row += 1
        if self._parked_in_a_row >= MOST_PARKED_IN_A_ROW:
            await self._stop(advance.generation, step.held.log_id, "too_many_parked")
            raise FollowingStopped("too_many_parked")

    async def _stop(self, generation: str, log_id: str, reason: str) -> None:
        telemetry.FOLLOWING_STOPPED.error(reason=reason)
        async with self.database.acquire(DATABASE_SECONDS) as connection:
            await following.stop(connection, generation, log_id, reason)

    async def _wait(self) -> None:
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
