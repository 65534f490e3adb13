"""What routing decided, folded anew with the rest of a rebuild: always to where the live facts stand, never beyond."""

from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from event_log.log import Log
from event_log.model import Cursor
from metrics.connection import Connection
from metrics.fact.batch import COLUMNS
from metrics.fact.catalogue import ROUTING_FACTS
from metrics.follow import following
from metrics.follow.decisions import DecisionsAdvance
from metrics.follow.stepping import steps
from metrics.generation import live_generation
from service_host.postgres import Database

_ANY: Final = " or ".join(f"exists (select from metrics.{fact.name})" for fact in ROUTING_FACTS)


async def has_decisions(connection: Connection) -> bool:
    """Say whether live facts have anything that routing decided."""
    if await live_generation(connection) is None:
        return False
    return bool(await connection.fetchval(f"select {_ANY}"))


@dataclass(frozen=True, slots=True)
class RebuiltDecisions:
    """Brings a new generation through routing's log; each use of the database ends within `seconds`."""

    database: Database
    log: Log
    seconds: float

    async def brought(self, live: str | None, generation: str) -> None:
        """Bring a generation to where the live one stands, or to the head where that one follows no more.

        Raises what reading, folding and writing raise; what live facts would set aside is set aside here too.
        """
        head = await self.log.head()
        async with self.database.acquire(self.seconds) as connection:
            stands = None if live is None else await following.followed(connection, live, head.log_id)
            begun = await following.begin(connection, generation, head)
        until = _until(stands, head)
        if until > begun.cursor.position:
            advance = DecisionsAdvance(self.database, self.log, generation, self.seconds)
            pages = self.log.read_packed(begun.cursor, until=until, columns=COLUMNS)
            async with aclosing(steps(advance, pages, begun.cursor)) as written:
                async for _ in written:
                    pass


def _until(stands: following.Followed | None, head: Cursor) -> int:
    if stands is None:
        return 0
    lost = stands.stopped or stands.cursor.incarnation != head.incarnation
    return head.position if lost else stands.cursor.position
