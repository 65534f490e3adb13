"""An event set aside, tried again: its effect in the facts, and the event off the list, in one transaction.

An event of call-events' log has its stream folded whole with it; one of routing's is brought to the rows that stand, as
decisions always are. The follower waits meanwhile, since the generation's cursor is held.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from event_log.errors import Unavailable as LogAway
from event_log.log import Log
from event_log.model import Event, Stream
from event_log.packed import pack
from metrics import telemetry
from metrics.connection import Connection
from metrics.fact.batch import COLUMNS, batch_of
from metrics.fact.catalogue import FACTS, ROUTING_FACTS
from metrics.fact.routing_fold import fold_decisions
from metrics.fact.store import Keys, add_texts, drop_contacts, replace_streams, texts_of
from metrics.follow import parked, places
from metrics.follow.decisions import take_up
from metrics.follow.parked import Parked
from metrics.follow.places import Reach
from metrics.follow.refolding import decoded, fold_whole
from metrics.generation import live_generation
from service_host.errors import DeadlineExceeded, Unavailable
from service_host.postgres import Database

SECONDS: Final = 30.0


class NotParked(Exception):
    """No event is set aside at this position."""


class AmbiguousPosition(Exception):
    """Events of several logs are set aside at this position: name the log too."""


class StillUnfoldable(Exception):
    """The event cannot be folded now either; it stays set aside."""


_OURS: Final = (NotParked, AmbiguousPosition, StillUnfoldable)


@dataclass(frozen=True, slots=True)
class Retrying:
    """Tries and skips the events that the live generation of facts lacks; `decisions` is routing's log, if named."""

    database: Database
    log: Log
    decisions: Log | None = None

    async def retry(self, position: int, tenant: str = "", log_id: str = "") -> Parked:
        """Apply an event that was set aside, of one tenant and log if they are named.

        Raises NotParked, AmbiguousPosition and StillUnfoldable.
        """
        try:
            async with self.database.acquire(SECONDS) as connection, connection.transaction():
                generation, event, reach = await _held(connection, position, tenant, log_id)
                await self._apply(connection, generation, event, reach)
                await parked.forget(connection, generation, event)
                return event
        except (*_OURS, LogAway, Unavailable, DeadlineExceeded):
            raise
        except Exception as error:
            raise StillUnfoldable from error

    async def skip(self, position: int, reason: str, tenant: str = "", log_id: str = "") -> Parked:
        """Leave an event out of all facts for good, in rebuilds too; raises NotParked, AmbiguousPosition."""
        async with self.database.acquire(SECONDS) as connection, connection.transaction():
            _, event, _ = await _held(connection, position, tenant, log_id)
            await parked.skip(connection, event, reason)
            return event

    async def retry_of_other_code(self) -> int:
        """Try once what another code set aside, as after an upgrade; return how many events could be applied."""
        applied = 0
        log_ids = [(await log.head()).log_id for log in (self.log, self.decisions) if log is not None]
        while events := await self._of_other_code(log_ids):
            for event in events:
                applied += await self._applied(event)
        return applied

    async def _of_other_code(self, log_ids: Sequence[str]) -> Sequence[Parked]:
        async with self.database.acquire(SECONDS) as connection:
            return await parked.of_other_code(connection, await live_generation(connection) or "", log_ids)

    async def _applied(self, event: Parked) -> bool:
        try:
            await self.retry(event.position, log_id=event.log_id)
        except NotParked:
            return False
        except StillUnfoldable:
            async with self.database.acquire(SECONDS) as connection:
                await parked.tried(connection, await live_generation(connection) or "", event)
            return False
        telemetry.EVENT_APPLIED.info(position=event.position)
        return True

    async def _apply(self, connection: Connection, generation: str, event: Parked, reach: Reach) -> None:
        if event.log_id == (await self.log.head()).log_id:
            await _fold_stream(connection, generation, event, await _told(self.log, event, reach))
        elif self.decisions is not None and event.log_id == (await self.decisions.head()).log_id:
            await _fold_decision(connection, generation, event, await _told(self.decisions, event, reach))
        else:
            raise StillUnfoldable


async def _told(log: Log, event: Parked, reach: Reach) -> Sequence[Event]:
    """Return the events of a parked one's stream, as far as they are known."""
    stream = Stream(event.category, event.key)
    until = reach.of(event.tenant, stream)
    return (await log.read_streams(event.tenant, [stream], until_position=until))[stream]


async def _fold_stream(connection: Connection, generation: str, event: Parked, told: Sequence[Event]) -> None:
    """Fold a whole stream with an event of it."""
    _check(told, event.position)
    left_out = await parked.positions(connection, generation, event.log_id) - {event.position}
    known = [each for each in told if each.position not in left_out]
    rows = fold_whole({(event.tenant, Stream(event.category, event.key)): known})
    keys = Keys([event.tenant], [str(event.key)])
    await (drop_contacts if event.category == "contact" else replace_streams)(connection, generation, keys)
    await add_texts(connection, generation, texts_of(FACTS, rows))


def _check(told: Sequence[Event], position: int) -> None:
    if any(event.position == position and decoded(event.type, event.payload) is None for event in told):
        raise StillUnfoldable


async def _fold_decision(connection: Connection, generation: str, event: Parked, told: Sequence[Event]) -> None:
    """Bring what one decision tells to the rows that stand; order does not matter to them."""
    batch = batch_of(pack([each for each in told if each.position == event.position], COLUMNS))
    if batch.malformed:
        raise StillUnfoldable
    await take_up(connection, generation, texts_of(ROUTING_FACTS, fold_decisions(batch)))


async def _held(connection: Connection, position: int, tenant: str, log_id: str) -> tuple[str, Parked, Reach]:
    """Return the live generation, the event and how far streams are known; keep them so until the transaction ends."""
    generation = await live_generation(connection) or ""
    event = _only(await parked.at(connection, generation, position, tenant=tenant, log_id=log_id))
    held = await places.places(connection, generation, event.log_id, held=True)
    event = _only(await parked.at(connection, generation, position, log_id=event.log_id))
    if held is None:
        raise NotParked
    return generation, event, held.reach


def _only(events: Sequence[Parked]) -> Parked:
    if len(events) > 1:
        raise AmbiguousPosition
    if not events:
        raise NotParked
    return events[0]
