"""Which stream of the log an event belongs to. Pure; ids are those that every teller computes alike."""

from functools import lru_cache
from typing import Final
from uuid import UUID

from call_events.record.event_form import read_uuid
from contact_life import identity
from event_log.model import Stream

CATEGORY_CONTACT, CATEGORY_AGENT, CATEGORY_SOURCE = "contact", "agent", "source"
_STREAMS_REMEMBERED: Final = 16_384


@lru_cache(_STREAMS_REMEMBERED)
def contact_stream(contact_id: str) -> Stream:
    """The stream of a contact; EventRefused if the id is none."""
    return Stream(CATEGORY_CONTACT, read_uuid(contact_id, "contact.contact_id"))


@lru_cache(_STREAMS_REMEMBERED)
def named_stream(tenant: str, source: str, native_id: str) -> Stream:
    """The stream of the contact whose first leg the source calls so."""
    return contact_stream(identity.contact_id(tenant, source, native_id))


def agent_stream(tenant: str, agent: str, when_us: int) -> Stream:
    return Stream(CATEGORY_AGENT, UUID(identity.agent_stream_id(tenant, agent, when_us)))


def source_stream(tenant: str, source: str, when_us: int) -> Stream:
    return Stream(CATEGORY_SOURCE, UUID(identity.source_stream_id(tenant, source, when_us)))
