"""Tells a running call-events what a file tells: batches, a few in flight, each acknowledged before it counts.

Memory does not grow with the file: a batch is made when there is room for it, and dropped when it is acknowledged.
An import that is interrupted, by Ctrl-C or for good, leaves a mark of what was acknowledged without a gap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from holdfast.call_events.v1.call_events_service_pb2 import EventVerdict
from holdfast_cli.importing.batching import Acknowledged, Batch, batches_of
from holdfast_cli.importing.recording import Recorder
from holdfast_cli.importing.resuming import Mark
from holdfast_cli.importing.telling import ImportSummary, Progress, Telling

if TYPE_CHECKING:  # the name exists in the types alone
    from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceAsyncStub

PROGRESS_SECONDS: Final = 0.25
MARK_SECONDS: Final = 1.0
PROBED: Final = 20
"""Tellings before a mark that are told again to see whether the log still has them."""

Tellings: TypeAlias = Callable[[], Iterator[Telling]]
"""Gives all tellings of a file from the first, each time it is called."""


@dataclass(frozen=True, slots=True)
class Sending:
    """How to tell: sizes, patience, whom to tell how far it is, where to leave a mark when interrupted."""

    batch_events: int = 500
    in_flight: int = 4
    deadline_seconds: float = 30.0
    patience_seconds: float = 120.0
    on_progress: Callable[[Progress], None] | None = None
    resume_folder: Path | None = None


async def send(
    tellings: Tellings,
    stub: CallEventsServiceAsyncStub,
    summary: ImportSummary,
    sending: Sending,
    mark: Mark,
) -> None:
    """Tell everything and fill the summary; raise ImportFailed. What was acknowledged stays."""
    teller = _Teller(stub, summary, sending, mark)
    try:
        start = mark.read()
        if start and not await teller.still_there(tellings, start):
            start = 0
        await teller.tell_from(tellings, start)
    finally:
        await teller.close()
    mark.remove()


class _Teller:
    """One import under way."""

    def __init__(self, stub: CallEventsServiceAsyncStub, summary: ImportSummary, sending: Sending, mark: Mark) -> None:
        self._recorder = Recorder(
            stub, deadline_seconds=sending.deadline_seconds, patience_seconds=sending.patience_seconds
        )
        self._summary = summary
        self._sending = sending
        self._mark = mark
        self._pending: set[asyncio.Task[None]] = set()
        self._acknowledged = Acknowledged()
        self._clock = asyncio.get_running_loop().time
        self._started = self._clock()
        self._shown = self._marked = self._started
        self._told_events = 0
        self._skipped_share = 0.0

    async def still_there(self, tellings: Tellings, start: int) -> bool:
        """Whether what stands just before a mark is in the log; a mark beyond the file's end has nothing before it."""
        probe = list(islice(tellings(), max(0, start - PROBED), start))
        if len(probe) < min(start, PROBED):
            return False
        for batch in batches_of(probe, self._sending.batch_events):
            verdicts = await self._recorder.contact_events(batch.contact_events)
            verdicts += await self._recorder.agent_events(batch.agent_events)
            if not all(verdict.recorded.duplicate for verdict in verdicts):
                return False
        return True

    async def tell_from(self, tellings: Tellings, start: int) -> None:
        """Tell all tellings from number `start` on; those before are only counted."""
        self._acknowledged = Acknowledged(start)
        every = tellings()
        for skipped in islice(every, start):
            self._skip(skipped)
        self._started = self._clock()
        for batch in batches_of(every, self._sending.batch_events, start):
            await self._room()
            self._summary.contacts += batch.contacts
            self._summary.events += batch.events
            self._acknowledged.sent(batch)
            self._pending.add(asyncio.create_task(self._tell(batch)))
        await self._room(0)

    async def close(self) -> None:
        """End what is in flight and leave the mark."""
        for task in self._pending:
            task.cancel()
        await asyncio.gather(*self._pending, return_exceptions=True)
        if self._acknowledged.tellings:
            self._mark.write(self._acknowledged.tellings)
        self._summary.seconds = self._clock() - self._started

    def _skip(self, telling: Telling) -> None:
        events = len(telling.contact_events) + len(telling.agent_events)
        self._summary.contacts += telling.contact
        self._summary.events += events
        self._summary.skipped += events
        self._skipped_share = telling.read

    async def _room(self, most: int | None = None) -> None:
        """Wait until fewer than the allowed number of batches are in flight; raise what one of them met."""
        allowed = self._sending.in_flight - 1 if most is None else most
        while len(self._pending) > allowed:
            done, self._pending = await asyncio.wait(self._pending, return_when=asyncio.FIRST_COMPLETED)
            failures = [failure for task in done if (failure := task.exception())]
            if failures:
                raise failures[0]

    async def _tell(self, batch: Batch) -> None:
        verdicts = await self._recorder.contact_events(batch.contact_events)
        self._count(verdicts)
        self._count(await self._recorder.agent_events(batch.agent_events))
        self._acknowledge(batch)

    def _count(self, verdicts: list[EventVerdict]) -> None:
        summary = self._summary
        for verdict in verdicts:
            if verdict.HasField("refused"):
                summary.refused[verdict.refused.reason] += 1
                continue
            recorded = verdict.recorded
            if recorded.duplicate:
                summary.duplicates += 1
            else:
                summary.recorded += 1
            if recorded.notes:
                summary.notes.update(recorded.notes)

    def _acknowledge(self, batch: Batch) -> None:
        """Note that a batch is safe, leave a mark now and then, and say how far it is."""
        self._acknowledged.acknowledge(batch)
        self._told_events += batch.events
        now = self._clock()
        if now - self._marked >= MARK_SECONDS:
            self._mark.write(self._acknowledged.tellings)
            self._marked = now
        if self._sending.on_progress and now - self._shown >= PROGRESS_SECONDS:
            self._shown = now
            self._sending.on_progress(self._progress(batch.read, now))

    def _progress(self, read: float, now: float) -> Progress:
        seconds = now - self._started
        share = (read - self._skipped_share) / (1 - self._skipped_share or 1)
        left = seconds * (1 - share) / share if share > 0 else None
        return Progress(read, self._told_events, seconds, self._told_events / seconds if seconds else 0.0, left)
