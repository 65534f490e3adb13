"""Pages folded and written one after the other: each is folded while the one before it is being written."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from event_log.model import Cursor, PackedPage
from metrics.advance import Advance, Fold, Step
from metrics.pages import MOST_EVENTS, Counted, handfuls

_Page = TypeVar("_Page", bound=Counted)


async def steps(
    advance: Advance, pages: AsyncIterator[PackedPage], held: Cursor, most: int = MOST_EVENTS
) -> AsyncGenerator[Fold, None]:
    """Take pages from a cursor on; yield each step once it stands in the tables. Raises what a step raises."""

    def made(found: Sequence[PackedPage]) -> Step | None:
        nonlocal held
        step = Step.of(found, held)
        if step.until <= held.position:
            return None
        held = step.cursor
        return step

    async with aclosing(stepped(advance, pages, made, most)) as written:
        async for fold in written:
            yield fold


async def stepped(
    advance: Advance,
    pages: AsyncIterator[_Page],
    made: Callable[[Sequence[_Page]], Step | None],
    most: int = MOST_EVENTS,
) -> AsyncGenerator[Fold, None]:
    """Make steps of pages by the handful; yield each once it stands in the tables. Raises what a step raises."""
    writing = _Writing(advance)
    async with aclosing(handfuls(pages, most)) as found:
        coming = asyncio.ensure_future(anext(found, None))
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
                coming = asyncio.ensure_future(anext(found, None))
                if step := made(pages_found):
                    fold = await advance.fold(step, writing.recent)
                    if written := await writing.finished(wait=True):
                        yield written
                    writing.begin(fold)
            if written := await writing.finished(wait=True):
                yield written
        finally:
            await _ended(coming, writing.task)


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
