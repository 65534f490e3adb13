"""An event set aside, tried again: its stream folded whole with it, and the event off the list, in one transaction.

The follower waits meanwhile, since the generation's cursor is held.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contact_life.codec import MalformedPayload, decode
from event_log.log import Log
from event_log.model import Event, Stream
from metrics import parked, places
from metrics.connection import Connection
from metrics.fact.catalogue import FACTS
from metrics.fact.store import Keys, add_texts, drop_contacts, replace_streams, texts_of
from metrics.generation import live_generation
from metrics.parked import Parked
from metrics.places import Reach
from metrics.refolding import fold_whole
from service_host.postgres import Database

SECONDS: Final = 30.0


class NotParked(Exception):
    """No event is set aside at this position."""


class StillUnfoldable(Exception):
    """The event cannot be folded now either; it stays set aside."""


@dataclass(frozen=True, slots=True)
class Retrying:
    """Tries and skips the events that the live generation of facts lacks."""

    database: Database
    log: Log

    async def retry(self, position: int) -> None:
        """Apply an event that was set aside; raises NotParked, StillUnfoldable."""
        async with self.database.acquire(SECONDS) as connection, connection.transaction():
            generation, event, reach = await _held(connection, position)
            left_out = await parked.positions(connection, generation) - {position}
            stream = Stream(event.category, event.key)
            until = reach.of(event.tenant, stream)
            told = (await self.log.read_streams(event.tenant, [stream], until_position=until))[stream]
            _check(told, position)
            rows = fold_whole({(event.tenant, stream): [each for each in told if each.position not in left_out]})
            keys = Keys([event.tenant], [str(event.key)])
            await (drop_contacts if event.category == "contact" else replace_streams)(connection, generation, keys)
            await add_texts(connection, generation, texts_of(FACTS, rows))
            await parked.forget(connection, generation, position)

    async def skip(self, position: int, reason: str) -> None:
        """Leave an event out of all facts for good, in rebuilds too; raises NotParked."""
        async with self.database.acquire(SECONDS) as connection, connection.transaction():
            _, event, _ = await _held(connection, position)
            await parked.skip(connection, event, reason)


async def _held(connection: Connection, position: int) -> tuple[str, Parked, Reach]:
    """Return the live generation, the event and how far streams are known; keep them so until the transaction ends."""
    generation = await live_generation(connection)
    event = None if generation is None else await parked.found(connection, generation, position)
    if generation is None or event is None:
        raise NotParked
    held = await places.places(connection, generation, event.log_id, held=True)
    event = await parked.found(connection, generation, position)
    if held is None or event is None:
        raise NotParked
    return generation, event, held.reach


def _check(told: Sequence[Event], position: int) -> None:
    try:
        for event in told:
            if event.position == position:
                decode(event.type, event.payload)
    except MalformedPayload as error:
        raise StillUnfoldable from error
