"""Telling one contact: its stream read, folded, and its links followed; now, or as it was known at an earlier time."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from call_events.read.event_view import readable
from call_events.record.streams import CATEGORY_CONTACT
from contact_life.contact import Contact
from contact_life.fold import fold_contact
from event_log.log import Log
from event_log.model import MAX_STREAM_EVENTS, Cursor, Event, Stream
from service_host.errors import NotFound

LONGEST_CHAIN: Final = 16
"""Links that are followed from a contact to the one it is part of."""


@dataclass(frozen=True, slots=True)
class Known:
    """A contact as known at a place of the log, with its events in order of version."""

    state: Contact
    root_contact_id: str
    events: tuple[Event, ...]
    as_of: Cursor


class Contacts:
    """Reads contacts of a tenant from the log."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def get(self, tenant: str, contact_id: UUID, known_by_us: int | None = None) -> Known:
        """The contact as the log knew it at an instant of its own clock (None: now); NotFound if it did not."""
        found = await self._fold(tenant, contact_id, known_by_us)
        if found is None:
            raise NotFound("CONTACT_NOT_FOUND", "There is no such contact.")
        state, events, as_of = found
        return Known(state, await self._root(tenant, state, known_by_us), events, as_of)

    async def _fold(
        self, tenant: str, contact_id: UUID, known_by_us: int | None
    ) -> tuple[Contact, tuple[Event, ...], Cursor] | None:
        page = await self._log.read_stream(tenant, Stream(CATEGORY_CONTACT, contact_id), limit=MAX_STREAM_EVENTS)
        events = tuple(event for event in page.events if known_by_us is None or event.record_time_us <= known_by_us)
        if not events:
            return None
        return fold_contact(str(contact_id), readable(events)), events, page.as_of

    async def _root(self, tenant: str, state: Contact, known_by_us: int | None) -> str:
        """Follow the links; a circle, or a contact nobody told, ends the way where it begins."""
        passed = {state.contact_id}
        while state.linked_to not in passed and len(passed) < LONGEST_CHAIN:
            passed.add(state.linked_to)
            found = await self._fold(tenant, UUID(state.linked_to), known_by_us)
            if found is None:
                return state.linked_to
            state = found[0]
        return state.contact_id
