"""The relay: a log, window by window, into a topic; nothing counts as sent before all of its window is acknowledged.

Read a window → send it and await every acknowledgement → move the checkpoint, which a successor's epoch forbids → tell
all partitions how far they are whole, with the next window or alone. Whatever goes wrong, a new session with the topic
begins at the checkpoint: duplicates happen, in order, and are harmless.

Why no first telling of an event can be out of order: a session sends each partition a gap-free run that begins at a
checkpoint, before which everything is acknowledged. However the runs of several sessions (a paused relay that wakes,
requests still on their way) mingle, an event first stands in its partition after the one before it.

The world is reached by three small protocols only. A model that keeps their promises drives the same code.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Protocol

from event_log.errors import EventLogError, IncarnationChanged, Unavailable
from event_log.kafka.record import Origin
from event_log.kafka.window import Checkpoint, ToSend, Window, controls_of, records_of, resumed
from event_log.model import Cursor

TELL_SECONDS = 0.1
"""Partitions are told how far they are whole at most once in this time, while there is something to tell."""
BEHIND_SECONDS = 0.5
"""The same while the relay is far behind: each telling is a record for every partition."""
FAR_EVENTS = 2_000
"""So many events behind is far; a few are always on their way."""
IDLE_SECONDS = 5.0
"""They are told again after this long without news."""
RENEW_SECONDS = 1.0
"""How often a relay says that it lives; a lease lasts several times as long."""
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0


class LeaseLost(EventLogError):
    """Another relay holds the set of partitions: what was sent meanwhile is harmless, nothing more may be sent."""


class Source(Protocol):
    """The log that is relayed, seen by the relay's partitions."""

    async def head(self) -> Cursor:
        """Tell the log's name, incarnation and last position; raise Unavailable."""
        ...

    def beginning(self, log: Cursor) -> Checkpoint:
        """Return the checkpoint before the first event, with 0 for each of the relay's partitions."""
        ...

    async def window(self, after: Cursor, wait_seconds: float) -> Window:
        """Read what comes next, waiting so long for it (then the window is empty; less than 0: not at all).

        Raises Unavailable; IncarnationChanged if the log was restored.
        """
        ...


class Topic(Protocol):
    """One session with a topic: it keeps the order within each partition, and ends with its first failure."""

    async def send(self, records: Sequence[ToSend]) -> None:
        """Return when all are acknowledged; raise Unavailable if it is not known of each that it is."""
        ...


class Checkpoints(Protocol):
    """What all relays of a set of partitions share."""

    async def take(self) -> int:
        """Wait until the set is nobody's, hold it and return its new, higher epoch; raise Unavailable."""
        ...

    async def read(self, epoch: int) -> Checkpoint | None:
        """Return the checkpoint, None before the first; raise LeaseLost if the set was taken since, Unavailable."""
        ...

    async def move(self, epoch: int, to: Checkpoint) -> None:
        """Move the checkpoint; raise LeaseLost if the set was taken since, Unavailable (it may have moved)."""
        ...

    async def renew(self, epoch: int) -> None:
        """Keep the set for another while; raise LeaseLost if it was taken since, Unavailable."""
        ...

    async def release(self, epoch: int) -> None:
        """Let a successor have the set at once; whatever goes wrong is left to the lease's end."""
        ...


class Watch(Protocol):
    """Who is told how the relay does. Nothing it does may fail or wait."""

    def took(self, epoch: int) -> None:
        """The set is ours."""
        ...

    def lost(self) -> None:
        """The set is another's."""
        ...

    def sending(self, window: Window) -> AbstractContextManager[object]:
        """Last as long as a window with events is on its way."""
        ...

    def stands(self, at: Checkpoint, window: Window) -> None:
        """The checkpoint has moved; the window was sent."""
        ...

    def interrupted(self, trouble: EventLogError) -> None:
        """A session has ended; another one begins at the checkpoint."""
        ...


class _Telling:
    """When partitions are told how far they are whole: soon while there is something new, else seldom."""

    def __init__(self) -> None:
        self._told, self._at, self._pace = -1, float("-inf"), TELL_SECONDS

    def due(self, position: int) -> float:
        """Return when it is time, where everything up to a position is acknowledged."""
        return self._at + (self._pace if self._told < position else IDLE_SECONDS)

    def read(self, window: Window) -> None:
        """See how far the relay is behind."""
        far = window.head_position - window.complete_to.position >= FAR_EVENTS
        self._pace = BEHIND_SECONDS if far else TELL_SECONDS

    def done(self, position: int, now: float) -> None:
        """All were told of a position."""
        self._told, self._at = position, now


@dataclass(frozen=True, slots=True)
class Relay:
    """One relay of one set of partitions. `now` is a clock in seconds that never goes back, `pause` waits so long."""

    source: Source
    open_topic: Callable[[], AbstractAsyncContextManager[Topic]]
    checkpoints: Checkpoints
    watch: Watch
    now: Callable[[], float]
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self) -> None:
        """Relay until cancelled: stand by, hold the set, lose it, stand by. Raises what no later try can mend."""
        while True:
            epoch = await self._patient(self.checkpoints.take)
            self.watch.took(epoch)
            try:
                await _first_of(self._sessions(epoch), self._renewing(epoch))
            except LeaseLost:
                self.watch.lost()
            finally:
                await self.checkpoints.release(epoch)

    async def session(self, epoch: int, held: Checkpoint) -> None:
        """Fill the topic from the checkpoint on, until something goes wrong: Unavailable, LeaseLost."""
        origin = Origin(held.cursor.log_id, held.cursor.incarnation, epoch)
        telling = _Telling()
        async with self.open_topic() as topic:
            while True:
                due = telling.due(held.cursor.position)
                window = await self.source.window(held.cursor, due - self.now())
                telling.read(window)
                records, moved = records_of(window, held, origin)
                if self.now() >= due:  # of what is acknowledged already, on the way of what comes next
                    records = [*controls_of(held, origin), *records]
                    telling.done(held.cursor.position, self.now())
                if records:
                    with self.watch.sending(window) if window.events else nullcontext():
                        await topic.send(records)
                if moved.cursor != held.cursor:
                    await self.checkpoints.move(epoch, moved)
                held = moved
                self.watch.stands(held, window)

    async def _sessions(self, epoch: int) -> None:
        """Begin session after session, each at the checkpoint, until the set is another's."""
        seconds = FIRST_PAUSE_SECONDS
        while True:
            begun = self.now()
            try:
                await self.session(epoch, await self._place(epoch))
            except (Unavailable, IncarnationChanged) as trouble:
                self.watch.interrupted(trouble)
            well = self.now() - begun > LONGEST_PAUSE_SECONDS
            seconds = FIRST_PAUSE_SECONDS if well else min(seconds * 2, LONGEST_PAUSE_SECONDS)
            await self.pause(seconds)

    async def _place(self, epoch: int) -> Checkpoint:
        """Return where to go on, moved to the log as it is now if that was restored, or made."""
        held, log = await self.checkpoints.read(epoch), await self.source.head()
        place = resumed(held, log) if held else self.source.beginning(log)
        if place is not held:
            await self.checkpoints.move(epoch, place)
        return place

    async def _renewing(self, epoch: int) -> None:
        while True:
            await self.pause(RENEW_SECONDS)
            with suppress(Unavailable):
                await self.checkpoints.renew(epoch)

    async def _patient(self, take: Callable[[], Awaitable[int]]) -> int:
        while True:
            try:
                return await take()
            except Unavailable as trouble:
                self.watch.interrupted(trouble)
            await self.pause(LONGEST_PAUSE_SECONDS)


async def _first_of(*work: Coroutine[object, object, None]) -> None:
    """Run beside each other until one ends, and end as it did."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
