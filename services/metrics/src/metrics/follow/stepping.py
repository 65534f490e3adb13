"""Pages folded and written one after the other: each is folded while the one before it is being written.

A step has a price that hardly grows with its events: a hundred cost nearly as much as a thousand. So a step takes all
that arrived while the one before was folded, and a live reader who has caught up with many rests before the next.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any, Final, TypeVar

from event_log.model import Cursor, PackedPage
from metrics.follow.advance import Advance, Fold, Step
from metrics.follow.pages import MOST_EVENTS, Counted, handfuls

REST_SECONDS_AN_EVENT: Final = 0.0002
LONGEST_REST_SECONDS: Final = 0.5
_Page = TypeVar("_Page", bound=Counted)


async def steps(
    advance: Advance,
    pages: AsyncIterator[PackedPage],
    held: Cursor,
    most: int = MOST_EVENTS,
    *,
    rest: Callable[[Step], float] = lambda _: 0.0,
) -> AsyncGenerator[Fold, None]:
    """Take pages from a cursor on; yield each step once it stands in the tables. Raises what a step raises.

    `rest` says how many seconds to wait after a step is folded before the next pages are taken.
    """

    def made(found: Sequence[PackedPage]) -> Step | None:
        nonlocal held
        step = Step.of(found, held)
        if step.until <= held.position:
            return None
        held = step.cursor
        return step

    async with aclosing(stepped(advance, pages, made, most, rest=rest)) as written:
        async for fold in written:
            yield fold


async def stepped(
    advance: Advance,
    pages: AsyncIterator[_Page],
    made: Callable[[Sequence[_Page]], Step | None],
    most: int = MOST_EVENTS,
    *,
    rest: Callable[[Step], float] = lambda _: 0.0,
) -> AsyncGenerator[Fold, None]:
    """Make steps of pages by the handful; yield each once it stands in the tables. Raises what a step raises."""
    writing = _Writing(advance)
    async with aclosing(handfuls(pages, most)) as found:
        coming = asyncio.ensure_future(_next(found, 0.0))
        try:
            while True:
                await writing.or_else(coming)
                if written := await writing.finished(wait=False):
                    yield written
                if not coming.done():
                    continue
                pages_found = await coming
                if pages_found is None:
                    break
                if step := made(pages_found):
                    fold = await advance.fold(step, writing.recent)
                    if written := await writing.finished(wait=True):
                        yield written
                    writing.begin(fold)
                coming = asyncio.ensure_future(_next(found, rest(step) if step else 0.0))
            if written := await writing.finished(wait=True):
                yield written
        finally:
            await _ended(coming, writing.task)


def rest_of_live(step: Step) -> float:
    """Return the seconds to rest after a step that reached the head, in proportion to its events; else none.

    A few hundred events a second are facts as soon as without it; an import becomes facts in larger steps.
    """
    count: int = step.events.num_rows if step.until >= step.head_position else 0
    return min(count * REST_SECONDS_AN_EVENT, LONGEST_REST_SECONDS)


async def _next(found: AsyncIterator[list[_Page]], rest_seconds: float) -> list[_Page] | None:
    """Return the next handful after a rest, None at the end."""
    if rest_seconds:
        await asyncio.sleep(rest_seconds)
    return await anext(found, None)


class _Writing:
    """The step that is being written, if one is."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self.recent: Fold | None = None
        self.task: asyncio.Task[None] | None = None

    def begin(self, fold: Fold) -> None:
        """Begin to write a step."""
        self.recent, self.task = fold, asyncio.create_task(self._advance.write(fold))

    async def or_else(self, other: "asyncio.Future[Any]") -> None:
        """Wait until the step is written or something else is done."""
        both: set[asyncio.Future[Any]] = {other} if self.task is None else {other, self.task}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)

    async def finished(self, *, wait: bool) -> Fold | None:
        """Return the step if it is written, or wait until it is; raise what its writing raised."""
        if self.task is None or not (wait or self.task.done()):
            return None
        await self.task
        written, self.recent, self.task = self.recent, None, None
        return written


async def _ended(*tasks: "asyncio.Future[Any] | None") -> None:
    running = [task for task in tasks if task is not None]
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
