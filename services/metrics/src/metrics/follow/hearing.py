"""Whether logs can be heard of: asked every second, so that no answer claims to be current when they cannot.

Apart from following: facts may lag behind a log that is heard of, and a log that is silent tells nothing to follow.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from event_log.errors import EventLogError
from event_log.log import Log
from event_log.model import Cursor
from metrics import telemetry
from metrics.connection import Connection
from metrics.follow.lagging import Lagging
from service_host.errors import DeadlineExceeded, Unavailable
from service_host.postgres import Database

EVERY_SECONDS: Final = 1.0
DEADLINE_SECONDS: Final = 2.0
DATABASE_SECONDS: Final = 3.0
_HEARD: Final = """
insert into metrics.heard as h (log_id, incarnation, head_position, heard_time) values ($1, $2, $3, $4)
on conflict (log_id) do update set incarnation = excluded.incarnation, head_position = excluded.head_position,
    heard_time = excluded.heard_time where h.heard_time < excluded.heard_time
"""


_REACHED: Final = """
select min(c.position) from metrics.cursor c join metrics.live_generation using (schema_name)
where c.log_id = $1 and c.incarnation = $2
"""


async def keep_hearing(
    database: Database, log: Log, lagging: Lagging, clock: Callable[[], int], every_seconds: float = EVERY_SECONDS
) -> None:
    """Keep the instant at which a log was last heard of, and its head, and tell operators the lag, until cancelled."""
    while True:
        with suppress(Unavailable, DeadlineExceeded, EventLogError, TimeoutError):
            began = clock()
            async with asyncio.timeout(DEADLINE_SECONDS):
                head = await log.head()
            async with database.acquire(DATABASE_SECONDS) as connection:
                await heard(connection, head, began)
                reached: int | None = await connection.fetchval(_REACHED, head.log_id, head.incarnation)
            if reached is not None:
                lagging.heard(head, reached, began)
        telemetry.EVENTS_BEHIND.set(lagging.behind)
        telemetry.LAG.set(lagging.seconds(clock()))
        await asyncio.sleep(every_seconds)


async def heard(connection: Connection, head: Cursor, time_us: int) -> None:
    """Say that a log was heard of at an instant, and where its head was."""
    await connection.execute(_HEARD, head.log_id, head.incarnation, head.position, time_us)
