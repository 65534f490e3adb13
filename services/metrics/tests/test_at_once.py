"""Work with frames beside the loop: what it gives and raises comes back, and nobody waits for another's."""

import asyncio
import threading

import polars as pl
import pytest

from metrics.fact.at_once import in_one_thread


class OurTroubleError(Exception):
    """What the work raises."""


async def test_what_the_work_gives_comes_back() -> None:
    def work(first: int, *, second: int) -> pl.DataFrame:
        return pl.DataFrame({"a": [first, second, second]}).group_by("a", maintain_order=True).len()

    assert (await in_one_thread(work, 1, second=2)).rows() == [(1, 1), (2, 2)]


async def test_what_the_work_raises_comes_back_as_it_is() -> None:
    def work() -> None:
        raise OurTroubleError("as it is")

    with pytest.raises(OurTroubleError, match="as it is"):
        await in_one_thread(work)


async def test_one_goes_on_while_another_lasts() -> None:
    go_on = threading.Event()
    lasting = asyncio.create_task(in_one_thread(go_on.wait, 60))
    frame = await in_one_thread(lambda: pl.DataFrame({"a": [2, 1]}).sort("a"))
    go_on.set()
    assert frame.rows() == [(1,), (2,)]
    assert await lasting
