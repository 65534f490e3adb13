"""Made-up days of a contact centre as events: to try things with, to show, to measure.

The same plan gives the same events, byte for byte, on every machine; `checksum` shows it. Events come in the order in
which their sources tell them, which is not that of their times: the desk tells late. Memory holds one day.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from google.protobuf.json_format import MessageToDict

from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactEvent
from holdfast_cli.generating.day import day_of
from holdfast_cli.generating.plan import Plan
from holdfast_cli.importing.local_days import zone_named
from holdfast_cli.importing.resuming import Mark
from holdfast_cli.importing.sending import Sending, send
from holdfast_cli.importing.telling import ImportSummary, Telling

if TYPE_CHECKING:  # the name exists in the types alone
    from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceAsyncStub

Event: TypeAlias = ContactEvent | AgentEvent


def days_of(plan: Plan) -> Iterator[list[Event]]:
    """Give the events of each day of a plan, in the order in which they are told."""
    zone = zone_named(plan.time_zone)
    for number in range(plan.days):
        day = plan.first_day + timedelta(days=number)
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        yield day_of(plan, day, round(midnight.timestamp()) * 1_000_000)


def events_of(plan: Plan) -> Iterator[Event]:
    """Give the events of a plan, in the order in which they are told."""
    for day in days_of(plan):
        yield from day


def checksum(events: Iterable[Event]) -> str:
    """Return the SHA-256, in hexadecimal, of events in their order: each as its length (4 bytes) and its bytes."""
    digest = hashlib.sha256()
    for event in events:
        told = event.SerializeToString(deterministic=True)
        digest.update(len(told).to_bytes(4, "big") + told)
    return digest.hexdigest()


def write(events: Iterable[Event], path: Path) -> int:
    """Write events to a file as lines of JSON, each under `contact_event` or `agent_event`; return how many."""
    written = 0
    with path.open("w", encoding="utf-8") as file:
        for event in events:
            name = "contact_event" if isinstance(event, ContactEvent) else "agent_event"
            told = MessageToDict(event, preserving_proto_field_name=True)
            file.write(json.dumps({name: told}, ensure_ascii=False, separators=(",", ":")) + "\n")
            written += 1
    return written


async def tell(plan: Plan, stub: CallEventsServiceAsyncStub, sending: Sending | None = None) -> ImportSummary:
    """Generate and tell a running call-events; raise ImportFailed. Told again, the same plan adds nothing."""
    summary = ImportSummary()
    nothing = Mark(None, Path(), "")
    await send(lambda: _tellings(plan), stub, summary, sending or Sending(), nothing)
    return summary


def _tellings(plan: Plan) -> Iterator[Telling]:
    for number, day in enumerate(days_of(plan)):
        for place, event in enumerate(day):
            read = (number + place / len(day)) / plan.days
            if isinstance(event, AgentEvent):
                yield Telling(agent_events=(event,), read=read)
            else:
                yield Telling((event,), contact=event.HasField("contact_arrived"), read=read)
