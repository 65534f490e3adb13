"""The events of a month of the bank's archive, as appends to a log."""

from collections.abc import Sequence
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Final
from uuid import UUID

from contact_life.codec import encode
from event_log.model import Append, NewEvent, Stream, StreamAppend
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent
from holdfast_cli.importing.bank_1999 import tell_bank_1999
from holdfast_cli.importing.telling import ImportSummary

MONTH: Final = Path("../shared/data/bank_1999/january.txt.gz")
LOG_SCHEMA: Final = "call_events"
TENANT: Final = "bank"


def appends_of(month: Path) -> list[Append]:
    """Return the month's events, a contact an append."""
    told = tell_bank_1999(month, ImportSummary(), tenant=TENANT)
    return [_append(telling.contact_events) for telling in told if telling.contact_events]


def told_often(appends: Sequence[Append], events: int) -> list[Append]:
    """Return the appends, again and again under other tenants, until they have so many events."""
    found: list[Append] = []
    for tenant in count(1):
        for append in appends:
            if events <= 0:
                return found
            found.append(Append(f"bank {tenant}", append.streams))
            events -= sum(len(part.events) for part in append.streams)
    return found


def _append(events: Sequence[ContactEvent]) -> Append:
    stream = Stream("contact", UUID(events[0].contact.contact_id))
    return Append(TENANT, [StreamAppend(stream, [_new(event) for event in events])])


def _new(event: ContactEvent) -> NewEvent:
    name, payload = encode(getattr(event, event.WhichOneof("body") or ""))
    event_time_us = event.event_time.ToMicroseconds()
    return NewEvent(UUID(event.event_id), name, event_time_us, payload, sha256(payload).digest(), event.source_id)
