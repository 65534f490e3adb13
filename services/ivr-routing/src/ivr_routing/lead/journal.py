"""What a shard decided, on its way into the log: in order, under the fence, everything that waits in one flush.

What somebody waits for is written at once; what nobody does, as a fact's consequences, goes along with it, or a moment
later. The order in the log is the order of deciding, so that replaying gives the same core. Once a flush fails nothing
more is written: what is in memory may then be ahead of the log, and is thrown away by whoever hears of it.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from event_log.errors import AppendRefused, EventLogError
from event_log.log import Log
from event_log.model import MAX_APPEND_EVENTS, Append, Fence, NewEvent, Stream, StreamAppend
from ivr_routing.core.events import ContactAdmitted
from ivr_routing.errors import ShardFailed

SOURCE: Final = "ivr-routing"
LINGER_SECONDS: Final = 0.01
"""For so long entries that nobody waits for may wait for company: a flush costs as much for one as for ten."""
_MAC_BYTES: Final = 16
_BEGINS: Final = ContactAdmitted.__name__
"""With it a contact's stream begins, unless the same call is told again after it was forgotten."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event to be written: where it belongs, what it is, when it was decided (µs since 1970 UTC)."""

    stream: Stream
    event_id: UUID
    type: str
    payload: bytes
    time_us: int
    causation_id: UUID | None = None
    actor: str = ""

    def as_new_event(self) -> NewEvent:
        """As the log takes it. Its MAC needs no key: the payload stands beside it in clear."""
        mac = hashlib.blake2b(self.payload, digest_size=_MAC_BYTES).digest()
        return NewEvent(
            self.event_id,
            self.type,
            self.time_us,
            self.payload,
            mac,
            SOURCE,
            causation_id=self.causation_id,
            actor=self.actor,
        )


class Journal:
    """Writes the entries of one shard."""

    def __init__(self, log: Log, tenant: str, fence: Fence, when_written: Callable[[int], None]) -> None:
        """Write for a tenant under a fence; `when_written` is told the number of the last entry that stands."""
        self._log = log
        self._tenant = tenant
        self._fence = fence
        self._when_written = when_written
        self._entries: list[Entry] = []
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._added = self._written = 0
        self.position = 0
        """Of the last entry that stands in the log; 0 before the first."""
        self._wake = asyncio.Event()
        self._linger: asyncio.TimerHandle | None = None
        self.failure: ShardFailed | None = None

    @property
    def added(self) -> int:
        """How many entries were handed in."""
        return self._added

    @property
    def idle(self) -> bool:
        """Whether all that was handed in stands in the log."""
        return self.failure is None and self._written == self._added

    def add(self, entries: Sequence[Entry]) -> None:
        """Hand entries in; they are written in this order. Raises ShardFailed once anything failed."""
        if self.failure is not None:
            raise self.failure
        self._entries.extend(entries)
        self._added += len(entries)
        if self._linger is None:
            self._linger = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._wake.set)

    async def written(self) -> None:
        """Wait until all that was handed in so far stands in the log; raises ShardFailed if it may not."""
        if self.failure is not None:
            raise self.failure
        if self._written == self._added:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((self._added, waiter))
        self._wake.set()
        await waiter

    async def run(self) -> None:
        """Write for ever; ends by raising ShardFailed when something could not be written.

        However it ends, nobody waits any longer for what it will not write.
        """
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                if self.failure is not None:
                    raise self.failure
                await self._flush()
        except EventLogError as error:
            self.fail(ShardFailed(type(error).__name__))
            raise self.failure or ShardFailed from error
        finally:
            if not self.idle:
                self.fail(ShardFailed("ended"))

    def fail(self, failure: ShardFailed) -> None:
        """Answer everybody that the outcome is unknown; nothing is written from now on."""
        self.failure = self.failure or failure
        self._wake.set()
        for _, waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(self.failure)
        self._waiters.clear()

    async def _flush(self) -> None:
        entries, self._entries = self._entries, []
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if not entries:
            return
        for verdict in await self._log.append_all([self._append(group) for group in grouped(entries)]):
            if isinstance(verdict, AppendRefused):
                raise verdict
            self.position = verdict.placements[-1].position
        self._written += len(entries)
        self._when_written(self._written)
        done = [waiter for until, waiter in self._waiters if until <= self._written]
        self._waiters = [(until, waiter) for until, waiter in self._waiters if until > self._written]
        for waiter in done:
            if not waiter.done():
                waiter.set_result(None)

    def _append(self, group: Sequence[Entry]) -> Append:
        parts: dict[Stream, list[NewEvent]] = {}
        for entry in group:
            parts.setdefault(entry.stream, []).append(entry.as_new_event())
        streams = [
            StreamAppend(stream, events, presumed_new=events[0].type == _BEGINS) for stream, events in parts.items()
        ]
        return Append(self._tenant, streams, self._fence)


def grouped(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Cut entries into appends that keep their order, though an append is written stream by stream."""
    groups: list[list[Entry]] = []
    seen: set[Stream] = set()
    last: Stream | None = None
    for entry in entries:
        returns = entry.stream in seen and entry.stream != last
        if not groups or returns or len(groups[-1]) >= MAX_APPEND_EVENTS:
            groups.append([])
            seen = set()
        groups[-1].append(entry)
        seen.add(entry.stream)
        last = entry.stream
    return groups
