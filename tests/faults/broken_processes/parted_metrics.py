"""metrics, but its cursors move in a transaction of their own, before that of the facts."""

import asyncio
import runpy
from typing import Any

from metrics.follow.advance import Advance, Step

GAP_SECONDS = 0.3
"""Long enough to be killed in."""

_move = Advance._move  # noqa: SLF001  # what is broken here


async def _moved_before(self: Advance, _: Any, step: Step, *, record_time_us: int) -> None:
    async with self._database.acquire(self._seconds) as connection, connection.transaction():
        await _move(self, connection, step, record_time_us=record_time_us)
    await asyncio.sleep(GAP_SECONDS)


Advance._move = _moved_before  # type: ignore[assignment]  # noqa: SLF001
runpy.run_module("metrics", run_name="__main__")
