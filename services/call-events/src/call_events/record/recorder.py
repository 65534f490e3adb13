"""Recording: what one call tells, read, resolved, appended and answered. The order of effects is what makes it safe.

Names and callers first (they only ever add), the log last: a call that dies in between is told again and finds what it
had made. Nothing is awaited per event; a message costs one query for names, one for new callers, one append.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from call_events import telemetry
from call_events.customer.callers import Callers, Resolved
from call_events.customer.master_key import MasterKey
from call_events.errors import EventRefused
from call_events.record.aliases import Aliases, taken_literally
from call_events.record.answering import Recorded, write_verdicts
from call_events.record.recording import Intake
from call_events.record.streams import CATEGORY_CONTACT
from call_events.record.told import Alias, Told
from event_log.errors import Busy
from event_log.log import Log, Verdict
from event_log.model import Append, Appended, NewEvent, Stream, StreamAppend
from holdfast.call_events.v1 import call_events_service_pb2 as pb
from service_host.call import Caller
from service_host.errors import InvalidArgument
from service_host.telemetry import traceparent, tracing

MOST_EVENTS: Final = 1_000
ALIAS_TAKEN: Final = "ALIAS_TAKEN"
STREAM_PATIENCE: Final = timedelta(seconds=20)
NO_PATIENCE: Final = timedelta(0)
OwnNumbers = Mapping[str, Sequence[str]]


@dataclass(slots=True)
class _Group:
    """The events of one stream in one call."""

    stream: Stream
    told: list[Told] = field(default_factory=list)
    new: list[NewEvent] = field(default_factory=list)


class Recorder:
    """Records events of contacts, agents and sources."""

    def __init__(
        self,
        log: Log,
        aliases: Aliases,
        callers: Callers,
        master: MasterKey,
        now_us: Callable[[], int],
        own_numbers: OwnNumbers,
    ) -> None:
        self._log = log
        self._aliases = aliases
        self._callers = callers
        self._master = master
        self._now_us = now_us
        self._own_numbers = own_numbers
        self.under_way = 0
        """Calls that wait for their events to be written."""

    async def contact_events(
        self, caller: Caller, request: pb.RecordContactEventsRequest, answer: pb.RecordContactEventsResponse
    ) -> Recorded:
        """Record events of contacts and write a verdict for each into the answer."""
        check_count(len(request.events))
        intake = self._intake(caller)
        told = intake.contact_events(request)
        await self._record(caller.tenant, intake, told, validate_only=request.validate_only)
        return write_verdicts(request.events, told, answer.verdicts)

    async def batch(self, caller: Caller, source: str, batch: pb.StreamBatch, verdicts: Any) -> Recorded:
        """Record a batch of a stream that speaks for one source; waits while the log is busy."""
        check_count(len(batch.events))
        intake = self._intake(caller, source)
        told = intake.contact_events(batch)
        await self._record(caller.tenant, intake, told, patience=STREAM_PATIENCE)
        return write_verdicts(batch.events, told, verdicts)

    async def agent_events(
        self, caller: Caller, request: pb.RecordAgentEventsRequest, answer: pb.RecordAgentEventsResponse
    ) -> Recorded:
        """Record events of agents and sources, on the same terms."""
        check_count(len(request.events))
        intake = self._intake(caller)
        told = intake.agent_events(request)
        await self._record(caller.tenant, intake, told, validate_only=request.validate_only)
        return write_verdicts(request.events, told, answer.verdicts)

    def _intake(self, caller: Caller, only_source: str = "") -> Intake:
        allows = caller.speaks_for if not only_source else only_source.__eq__
        return Intake(caller.tenant, allows, self._now_us(), self._own_numbers.get(caller.tenant, ()))

    async def _record(
        self,
        tenant: str,
        intake: Intake,
        told: Sequence[Told | EventRefused],
        *,
        validate_only: bool = False,
        patience: timedelta = NO_PATIENCE,
    ) -> None:
        """Bring the events that can stand into the log; each then has its outcome."""
        if intake.named:
            await self._find_contacts(tenant, intake.named, validate_only=validate_only)
        good = [event for event in told if isinstance(event, Told)]
        if validate_only or not good:
            return
        self.under_way += 1
        try:
            with telemetry.RECORD.start(events=len(good)) if tracing() else nullcontext():
                callers = await self._callers.resolve(tenant, intake.numbers) if intake.numbers else {}
                await self._append(tenant, good, callers, time.monotonic() + patience.total_seconds())
        finally:
            self.under_way -= 1

    async def _append(self, tenant: str, told: Sequence[Told], callers: Mapping[str, Resolved], until: float) -> None:
        """Append all at once, which costs least; if that is refused, each alone, so that good ones stand."""
        groups = self._grouped(tenant, told, callers)
        whole = Append(tenant, [StreamAppend(group.stream, group.new) for group in groups])
        (verdict,) = await self._append_all([whole], until)
        if isinstance(verdict, Appended):
            placements = iter(verdict.placements)
            for group in groups:
                for event in group.told:
                    event.outcome = next(placements)
            return
        alone = [
            (event, group.stream, new) for group in groups for event, new in zip(group.told, group.new, strict=True)
        ]
        appends = [Append(tenant, (StreamAppend(stream, (new,)),)) for _, stream, new in alone]
        for (event, _, _), answer in zip(alone, await self._append_all(appends, until), strict=True):
            event.outcome = answer.placements[0] if isinstance(answer, Appended) else answer

    def _grouped(self, tenant: str, told: Sequence[Told], callers: Mapping[str, Resolved]) -> list[_Group]:
        keys = self._master.tenant(tenant)
        trace = traceparent() if tracing() else ""
        groups: dict[int, _Group] = {}
        for event in told:
            stream = _stream(event)
            group = groups.get(stream.key.int)
            if group is None:
                group = groups[stream.key.int] = _Group(stream)
            group.told.append(event)
            caller = callers[event.number].caller if event.number else None
            group.new.append(event.new_event(keys, caller, trace))
        return list(groups.values())

    async def _append_all(self, appends: Sequence[Append], until: float) -> list[Verdict]:
        """Ask the log; again while it is busy, until an instant of the monotonic clock."""
        while True:
            try:
                with telemetry.APPEND.start(events=_count(appends)) if tracing() else nullcontext():
                    return await self._log.append_all(appends)
            except Busy as busy:
                if time.monotonic() >= until:
                    raise
                await asyncio.sleep(busy.retry_after.total_seconds())

    async def _find_contacts(self, tenant: str, told: Sequence[Told], *, validate_only: bool) -> None:
        """Give every event its stream, binding the names that are new; the first to use a name says what it means."""
        contacts = await self._aliases.find(tenant, {name for event in told for name in _names(event)})
        free = _meant(tenant, told, contacts)
        if free and not validate_only:
            free = await self._aliases.bind(tenant, free)
        contacts |= free
        for event in told:
            _place(event, contacts)


def check_count(count: int) -> None:
    """Raise InvalidArgument for more events than one message may carry."""
    if count > MOST_EVENTS:
        message = f"Send at most {MOST_EVENTS} events in one message."
        raise InvalidArgument("TOO_MANY_EVENTS", message, limit=MOST_EVENTS)


def _count(appends: Sequence[Append]) -> int:
    return sum(len(part.events) for append in appends for part in append.streams)


def _names(event: Told) -> Sequence[Alias]:
    return event.also_known_as if event.alias is None else (event.alias, *event.also_known_as)


def _meant(tenant: str, told: Sequence[Told], bound: Mapping[Alias, UUID]) -> dict[Alias, UUID]:
    """What each name that is not bound means: as the first event that uses it says."""
    free: dict[Alias, UUID] = {}
    for event in told:
        contact_id = event.stream.key if event.stream else None
        if event.alias is not None:
            contact_id = bound.get(event.alias) or free.setdefault(event.alias, taken_literally(tenant, event.alias))
        for alias in event.also_known_as:
            if alias not in bound and contact_id is not None:
                free.setdefault(alias, contact_id)
    return free


def _place(event: Told, contacts: Mapping[Alias, UUID]) -> None:
    if event.alias is not None:
        event.stream = Stream(CATEGORY_CONTACT, contacts[event.alias])
    if any(contacts[alias] != _stream(event).key for alias in event.also_known_as):
        event.notes = (*event.notes, ALIAS_TAKEN)


def _stream(event: Told) -> Stream:
    if event.stream is None:
        raise EventRefused("MISSING_CONTACT", "The contact was not found.", "contact")
    return event.stream
