"""Whose turn it is to append: of several processes on one log one does, and calls should go to that one.

A process that has just started may be the successor of the one that appends, which is then about to be told to end:
calls wait here for its turn, and none fails. One that is still not needed after that stands by, and says so.
"""

import time
from collections.abc import Callable
from datetime import timedelta

from event_log.postgres import PostgresLog


class Turn:
    """Tells whether calls are welcome in this process."""

    def __init__(
        self, log: PostgresLog, succession: timedelta, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin the time in which this process may be a successor."""
        self._log = log
        self._monotonic = monotonic
        self._until = monotonic() + succession.total_seconds()

    async def ours_or_near(self) -> bool:
        """Whether this process appends, may begin to, or has only just started; raises LogUnavailable."""
        return self._monotonic() < self._until or not await self._log.stands_by()
