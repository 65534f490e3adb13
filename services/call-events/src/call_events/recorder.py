"""Recording: what one call tells, read, resolved, appended and answered. The order of effects is what makes it safe.

Names and callers first (they only ever add), the log last: a call that dies in between is told again and finds what it
had made. Nothing is awaited per event; a message costs one query for new names, one or two for new callers, one append.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from call_events import telemetry
from call_events.aliases import Aliases, taken_literally
from call_events.answering import Recorded, write_verdicts
from call_events.callers import Callers, Resolved
from call_events.errors import EventRefused
from call_events.master_key import MasterKey
from call_events.recording import CATEGORY_CONTACT, Alias, Intake, Told
from event_log.errors import Busy
from event_log.log import Log, Verdict
from event_log.model import Append, Stream, StreamAppend
from holdfast.call_events.v1 import call_events_service_pb2 as pb
from service_host.call import Caller
from service_host.errors import InvalidArgument
from service_host.telemetry import traceparent, tracing

MOST_EVENTS: Final = 1_000
ALIAS_TAKEN: Final = "ALIAS_TAKEN"
STREAM_PATIENCE: Final = timedelta(seconds=20)
NO_PATIENCE: Final = timedelta(0)
OwnNumbers = Mapping[str, Sequence[str]]
_NO_CALLERS: Final[Mapping[str, Resolved]] = {}


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

    async def contact_events(
        self, caller: Caller, request: pb.RecordContactEventsRequest, answer: pb.RecordContactEventsResponse
    ) -> Recorded:
        """Record events of contacts and write a verdict for each into the answer."""
        check_count(len(request.events))
        told = self._intake(caller).contact_events(request)
        return await self._record(
            caller.tenant, request.events, told, answer.verdicts, validate_only=request.validate_only
        )

    async def batch(self, caller: Caller, source: str, batch: pb.StreamBatch, verdicts: Any) -> Recorded:
        """Record a batch of a stream that speaks for one source; waits while the log is busy."""
        check_count(len(batch.events))
        told = self._intake(caller, source).contact_events(batch)
        return await self._record(caller.tenant, batch.events, told, verdicts, patience=STREAM_PATIENCE)

    async def agent_events(
        self, caller: Caller, request: pb.RecordAgentEventsRequest, answer: pb.RecordAgentEventsResponse
    ) -> Recorded:
        """Record events of agents and sources, on the same terms."""
        check_count(len(request.events))
        told = self._intake(caller).agent_events(request)
        return await self._record(
            caller.tenant, request.events, told, answer.verdicts, validate_only=request.validate_only
        )

    def _intake(self, caller: Caller, only_source: str = "") -> Intake:
        allows = caller.speaks_for if not only_source else only_source.__eq__
        return Intake(caller.tenant, allows, self._now_us(), self._own_numbers.get(caller.tenant, ()))

    async def _record(
        self,
        tenant: str,
        events: Sequence[Any],
        told: Sequence[Told | EventRefused],
        verdicts: Any,
        *,
        validate_only: bool = False,
        patience: timedelta = NO_PATIENCE,
    ) -> Recorded:
        good = [event for event in told if isinstance(event, Told)]
        with telemetry.RECORD.start(events=len(told)):
            await self._find_contacts(tenant, good, validate_only=validate_only)
            answers = [] if validate_only or not good else await self._append(tenant, good, patience)
        return write_verdicts(events, told, iter(answers), verdicts)

    async def _append(self, tenant: str, told: Sequence[Told], patience: timedelta) -> list[Verdict]:
        callers = await self._find_callers(tenant, told)
        keys = self._master.tenant(tenant)
        trace = traceparent() if tracing() else ""
        appends = []
        for event in told:
            resolved = callers.get(event.number) if event.number else None
            new = event.new_event(keys, resolved.caller if resolved else None, trace)
            appends.append(Append(tenant, (StreamAppend(_stream(event), (new,)),)))
        return await self._append_patiently(appends, time.monotonic() + patience.total_seconds())

    async def _append_patiently(self, appends: Sequence[Append], until: float) -> list[Verdict]:
        while True:
            try:
                return await self._log.append_all(appends)
            except Busy as busy:
                if time.monotonic() >= until:
                    raise
                await asyncio.sleep(busy.retry_after.total_seconds())

    async def _find_callers(self, tenant: str, told: Sequence[Told]) -> Mapping[str, Resolved]:
        numbers = {event.number for event in told if event.number}
        if not numbers:
            return _NO_CALLERS
        found = await self._callers.resolve(tenant, numbers)
        if made := sum(resolved.created for resolved in found.values()):
            telemetry.CALLERS_MADE.add(made)
        return found

    async def _find_contacts(self, tenant: str, told: Sequence[Told], *, validate_only: bool) -> None:
        """Give every event its stream, binding the names that are new; the first to use a name says what it means."""
        names = {name for event in told for name in _names(event)}
        if not names:
            return
        contacts = await self._aliases.find(tenant, names)
        free = _meant(tenant, told, contacts)
        if free and not validate_only:
            free = await self._aliases.bind(tenant, free)
        contacts |= free
        for event in told:
            _place(event, contacts)


def check_count(count: int) -> None:
    """Raise InvalidArgument for more events than one message may carry."""
    if count > MOST_EVENTS:
        raise InvalidArgument(
            "TOO_MANY_EVENTS", f"Send at most {MOST_EVENTS} events in one message.", limit=MOST_EVENTS
        )


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
