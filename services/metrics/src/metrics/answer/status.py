"""Answers about the facts themselves: how far they follow the logs, and how many there are."""

import asyncio
from collections.abc import Callable
from typing import Final

from event_log.errors import Unavailable as LogAway
from event_log.log import Log
from holdfast.metrics.v1 import metrics_service_pb2 as pb
from metrics import as_of
from metrics.answer import answering
from metrics.answer.row_counts import Counts, row_counts
from metrics.as_of import AsOf
from metrics.generation import live_generation
from metrics.people.policy import may_see_positions
from metrics.report.snapshot import snapshot
from service_host import call
from service_host.errors import PermissionDenied
from service_host.postgres import Database

PAUSE_SECONDS: Final = 0.02
"""Between two looks at the cursor; facts move by whole batches, so a finer look would see nothing more."""
RESERVED_SECONDS: Final = 0.5


class Status:
    """Answers to GetFactsStatus."""

    def __init__(self, database: Database, log: Log, clock: Callable[[], int]) -> None:
        """Answer from a database; positions waited for are of this log, that of call-events."""
        self._database = database
        self._log = log
        self._clock = clock

    async def facts_status(self, request: pb.GetFactsStatusRequest) -> pb.GetFactsStatusResponse:
        """Return how far the facts are; waits for a position, at most until shortly before the deadline."""
        positions = may_see_positions(call.caller())
        if request.wait_for_position:
            if not positions:
                raise PermissionDenied("POSITIONS_NOT_YOURS", "The token may not see positions of the log.")
            await self._reached(request.wait_for_position)
        tenant = call.caller().tenant
        async with snapshot(self._database) as connection:
            found = await as_of.read(connection, tenant)
            live = await live_generation(connection)
            counts = Counts({}, ()) if live is None else await row_counts(connection, live, tenant)
        now_us = self._clock()
        return pb.GetFactsStatusResponse(
            as_of=answering.as_of(found, now_us, positions=positions),
            rows=counts.rows,
            estimated=counts.estimated,
            following=found.following(now_us),
            live_schema=live or "",
        )

    async def _reached(self, position: int) -> None:
        log_id = await self._log_id()
        while call.seconds_left() > RESERVED_SECONDS:
            async with self._database.acquire() as connection:
                found = await as_of.read(connection, call.caller().tenant)
            if _position(found, log_id) >= position or any(log.stopped for log in found.logs):
                return
            await asyncio.sleep(PAUSE_SECONDS)

    async def _log_id(self) -> str:
        try:
            return (await self._log.head()).log_id
        except LogAway:
            return ""


def _position(found: AsOf, log_id: str) -> int:
    """Return how far the facts follow a log; if they follow none of this id, how far every log they follow."""
    positions = {log.log_id: log.position for log in found.logs}
    return positions.get(log_id, min(positions.values(), default=0))
