"""Explanations recomputed from the log: read what was decided until then, and look again. Beside the loop, bounded."""

import asyncio
from dataclasses import replace
from typing import Final
from uuid import UUID

from event_log.log import Log
from event_log.model import MAX_PAGE_EVENTS, Event, Filter, Stream
from ivr_routing import event_codec
from ivr_routing.core.explain import Explanation, Logged, explain
from ivr_routing.core.state import Core
from ivr_routing.errors import NoSuchContact, TooFarBack
from ivr_routing.lead.snapshots import Snapshots

MOST_EVENTS: Final = 1_000_000


class Explaining:
    """Explains decisions of any tenant of one log."""

    def __init__(self, log: Log, snapshots: Snapshots) -> None:
        self._log = log
        self._snapshots = snapshots
        self._one_at_a_time = asyncio.Lock()

    async def explain(self, tenant: str, contact_id: str, at_us: int | None) -> tuple[Explanation, str]:
        """The decision in force at an instant (None: the latest), and the id of its event.

        Raises NoSuchContact, TooFarBack, core.errors.UnknownContact.
        """
        stream = Stream(event_codec.CONTACT, _uuid(contact_id))
        of_contact = (await self._log.read_stream(tenant, stream)).events
        if not of_contact:
            raise NoSuchContact("Nothing was ever decided on such a contact.")
        async with self._one_at_a_time:
            core, after = await self._begin(tenant, of_contact[0].position)
            events = await self._read(tenant, after, of_contact[-1].position)
            found = await asyncio.to_thread(_explained, core, events, contact_id, at_us)
        known = [event for event in events if event.type in event_codec.TYPES]
        return found, str(known[found.decided_by].event_id)

    async def _begin(self, tenant: str, position: int) -> tuple[Core, int]:
        """A core that stands before a position: from the last snapshot before it, else the very beginning."""
        kept = await self._snapshots.before(tenant, replace(await self._log.head(), position=position))
        desk = kept.desks.get(tenant)
        return (Core(tenant), 0) if desk is None else (desk.core, kept.position)

    async def _read(self, tenant: str, after: int, until: int) -> list[Event]:
        events: list[Event] = []
        wanted = Filter(tenant=tenant)
        while after < until:
            page = await self._log.read(after, filter=wanted, limit=MAX_PAGE_EVENTS, until=until)
            events += page.events
            after = page.complete_to.position
            if len(events) > MOST_EVENTS:
                raise TooFarBack("More was decided since than is read again for one answer.")
        return events


def _explained(core: Core, events: list[Event], contact_id: str, at_us: int | None) -> Explanation:
    logged: list[Logged] = []
    for event in events:
        decided = event_codec.decode(event.type, event.payload) if event.type in event_codec.TYPES else None
        if decided is not None:
            logged.append((event.event_time_us, decided))
    return explain(core, logged, contact_id, at_us)


def _uuid(contact_id: str) -> UUID:
    try:
        return UUID(contact_id)
    except ValueError:
        raise NoSuchContact("A contact's id is a UUID.") from None
