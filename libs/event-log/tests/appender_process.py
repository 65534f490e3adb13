"""An appender in a process of its own, for tests that freeze or kill one. Tells each answer on a line.

Usage: appender_process.py DSN SCHEMA FIRST LEASE_SECONDS; every line read on stdin asks for one more event.
Writes `acknowledged NUMBER POSITION` or `unavailable NUMBER`.
"""

import asyncio
import sys
from datetime import timedelta
from uuid import UUID

from event_log.errors import Unavailable
from event_log.limits import WriterLimits
from event_log.model import Append, NewEvent, Stream, StreamAppend
from event_log.postgres import open_log


async def main(dsn: str, schema: str, first: int, lease_seconds: float) -> None:
    """Append one event for each line, until stdin ends."""
    limits = WriterLimits(call=timedelta(seconds=2), lease=timedelta(seconds=lease_seconds))
    async with open_log(dsn, schema, limits=limits) as log:
        number = first
        while await asyncio.to_thread(sys.stdin.readline):
            event = NewEvent(UUID(int=number), "Enqueued", 0, b"", b"", "pbx-1")
            try:
                appended = await log.append(Append("bank", [StreamAppend(Stream("c", UUID(int=number)), [event])]))
                sys.stdout.write(f"acknowledged {number} {appended.placements[0].position}\n")
            except Unavailable:
                sys.stdout.write(f"unavailable {number}\n")
            sys.stdout.flush()
            number += 1


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
