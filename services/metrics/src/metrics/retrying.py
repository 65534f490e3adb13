"""An event set aside, tried again: its stream folded whole with it, and the event off the list, in one transaction.

The follower waits meanwhile, since the generation's cursor is held.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contact_life.codec import MalformedPayload, decode
from event_log.errors import Unavailable as LogAway
from event_log.log import Log
from event_log.model import Event, Stream
from metrics import parked, places, telemetry
from metrics.connection import Connection
from metrics.fact.catalogue import FACTS
from metrics.fact.store import Keys, add_texts, drop_contacts, replace_streams, texts_of
from metrics.generation import live_generation
from metrics.parked import Parked
from metrics.places import Reach
from metrics.refolding import fold_whole
from service_host.errors import DeadlineExceeded, Unavailable
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

    async def retry(self, position: int, tenant: str = "") -> Parked:
        """Apply an event that was set aside, of one tenant if it is named; raises NotParked, StillUnfoldable."""
        try:
            async with self.database.acquire(SECONDS) as connection, connection.transaction():
                return await self._apply(connection, position, tenant)
        except (NotParked, StillUnfoldable, LogAway, Unavailable, DeadlineExceeded):
            raise
        except Exception as error:
            raise StillUnfoldable from error

    async def skip(self, position: int, reason: str, tenant: str = "") -> Parked:
        """Leave an event out of all facts for good, in rebuilds too; raises NotParked."""
        async with self.database.acquire(SECONDS) as connection, connection.transaction():
            _, event, _ = await _held(connection, position, tenant)
            await parked.skip(connection, event, reason)
            return event

    async def retry_of_other_code(self) -> int:
        """Try once what another code set aside, as after an upgrade; return how many events could be applied."""
        applied = 0
        while events := await self._of_other_code():
            for event in events:
                applied += await self._applied(event)
        return applied

    async def _of_other_code(self) -> Sequence[Parked]:
        async with self.database.acquire(SECONDS) as connection:
            return await parked.of_other_code(connection, await live_generation(connection) or "")

    async def _applied(self, event: Parked) -> bool:
        try:
            await self.retry(event.position)
        except NotParked:
            return False
        except StillUnfoldable:
            async with self.database.acquire(SECONDS) as connection:
                await parked.tried(connection, await live_generation(connection) or "", event.position)
            return False
        telemetry.EVENT_APPLIED.info(position=event.position)
        return True

    async def _apply(self, connection: Connection, position: int, tenant: str) -> Parked:
        generation, event, reach = await _held(connection, position, tenant)
        if event.log_id != (await self.log.head()).log_id:
            raise StillUnfoldable
        left_out = await parked.positions(connection, generation, event.log_id) - {position}
        stream = Stream(event.category, event.key)
        until = reach.of(event.tenant, stream)
        told = (await self.log.read_streams(event.tenant, [stream], until_position=until))[stream]
        _check(told, position)
        rows = fold_whole({(event.tenant, stream): [each for each in told if each.position not in left_out]})
        keys = Keys([event.tenant], [str(event.key)])
        await (drop_contacts if event.category == "contact" else replace_streams)(connection, generation, keys)
        await add_texts(connection, generation, texts_of(FACTS, rows))
        await parked.forget(connection, generation, position)
        return event


async def _held(connection: Connection, position: int, tenant: str) -> tuple[str, Parked, Reach]:
    """Return the live generation, the event and how far streams are known; keep them so until the transaction ends."""
    generation = await live_generation(connection)
    event = None if generation is None else await parked.found(connection, generation, position, tenant)
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
