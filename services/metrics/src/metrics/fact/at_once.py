"""How frames are made here: at once, in memory, as they were written, and all by one thread.

The planner costs more than it saves on steps of this size, and the streaming engine more than that: together a third
of the time that a small step takes. Handing each operation to a thread of the library's own takes a fifth of it, and
on busy cores each hand-over waits for its turn.
"""

import asyncio
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

import polars as pl

_Words = ParamSpec("_Words")
_Answer = TypeVar("_Answer")
_NOTHING: Final = pl.LazyFrame({"nothing": [0]})


async def in_one_thread(work: Callable[_Words, _Answer], *args: _Words.args, **kwargs: _Words.kwargs) -> _Answer:
    """Do work with frames in a thread beside the loop, which does every part of it itself."""
    return await asyncio.to_thread(_by_itself, lambda: work(*args, **kwargs))


def _by_itself(work: Callable[[], _Answer]) -> _Answer:
    """Do it as a part of a query: what a query's function asks of the library is done where it is asked for."""
    answers: list[_Answer] = []

    def part(nothing: pl.DataFrame) -> pl.DataFrame:
        answers.append(work())
        return nothing

    pl.collect_all([_NOTHING.map_batches(part), _NOTHING], engine="in-memory", optimizations=pl.QueryOptFlags.none())
    return answers[0]


def at_once(frame: pl.LazyFrame) -> pl.DataFrame:
    """Return what a lazy frame holds."""
    return frame.collect(engine="in-memory", optimizations=pl.QueryOptFlags.none())
