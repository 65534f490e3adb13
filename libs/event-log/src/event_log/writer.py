"""The appender of a Postgres log: takes calls, decides in memory, writes one flush at a time.

The *loader* opens the log (lease, head, partitions) and loads the streams that waiting calls name. The *flusher* writes
the batch that gathered while the last flush ran; there is no linger. Whatever goes wrong with a flush, everything held
in memory is thrown away, read anew, and every waiting call is decided about again: a call whose events had been
written after all is then answered as told before.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from event_log.appending import LogHead, OutOfStepError, by_another, write_flush
from event_log.calls import Batch, Call, Waiting, checked
from event_log.connections import LOST, TROUBLE, Connections, CopySession
from event_log.errors import LogUnavailable
from event_log.keeper import Keeper
from event_log.limits import WriterLimits
from event_log.log import Verdict
from event_log.model import Append
from event_log.side import Side
from event_log.turns import CallerName
from event_log.verdicts import Known
from event_log.watching import ANOTHER_APPENDER, AppendWatch

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 0.25
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5
SPLIT_CALLS = 32
"""So many calls answered at once are answered in halves: one half's next flush runs while the other half goes on."""


class Writer:
    """Appends to one schema; begins with its first call, inside the running loop."""

    def __init__(
        self,
        connections: Connections,
        now_us: Callable[[], int],
        on_commit: Callable[[int], None],
        limits: WriterLimits,
        watch: AppendWatch,
        caller: CallerName,
    ) -> None:
        """Open nothing yet; on_commit is told each new head, `caller` says who calls."""
        self._connections = connections
        self._now_us = now_us
        self._on_commit = on_commit
        self._limits = limits
        self._watch = watch
        self._caller = caller
        self._call_seconds = limits.call.total_seconds()
        self._side = Side(connections, limits.lease, limits.statement)
        self._keeper = Keeper(self._side, limits.lease)
        self._session: CopySession | None = None
        self._known: Known | None = None
        self._log = LogHead("", 0, 1, 0, 0, b"")
        self._committed, self._digest = 0, b""
        self._record_time_us = 0
        self._generation = 0
        self._partitioned_until = 0
        self._waiting = Waiting(limits)
        self._batches = deque([Batch()])
        self._in_flight: Batch | None = None
        self._flush_until = 0.0
        self._owed: list[tuple[Call, list[Verdict]]] = []
        self._unresolved: list[Call] = []
        self._to_flush, self._to_load = asyncio.Event(), asyncio.Event()
        self._loop: asyncio.AbstractEventLoop
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = False

    def submit(self, appends: Sequence[Append]) -> "asyncio.Future[list[Verdict]]":
        """Take a call in; raise Busy if too much waits, LogUnavailable after close."""
        if self._closed or not self._tasks:
            self._start()
        good, events, weight = checked(appends)
        caller = self._caller()
        self._waiting.admit(events, weight, caller)
        until = self._loop.time() + self._call_seconds
        call = Call(good, events, weight, until, self._loop.create_future(), caller)
        known = self._known
        if known is None or call.unknown_streams(known) or call.unknown_fences(known):
            self._unresolved.append(call)
            self._to_load.set()
        else:
            self._take(call, known)
        return call.answer

    @property
    def lease_pid(self) -> int:
        """The server's process that holds the lease for this writer; 0 while it does not."""
        return self._side.pid

    async def close(self) -> None:
        """Write what waits, as far as the deadline allows, then end everything."""
        self._closed = True
        answers = [call.answer for call in self._calls() if not call.answer.done()]
        if answers and self._tasks:
            await asyncio.wait(answers, timeout=self._limits.call.total_seconds())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._fail_calls(LogUnavailable("the log was closed"))
        await self._keeper.ring_last()
        await self._side.close()
        self._end_session()

    def _start(self) -> None:
        if self._closed:
            raise LogUnavailable("the log is closed")
        self._loop = asyncio.get_running_loop()
        own = (self._load_for_ever, self._flush_for_ever, self._sweep_for_ever)
        for run in (*own, self._keeper.renew_for_ever, self._keeper.ring_for_ever):
            task = asyncio.create_task(run(), name=f"event_log {run.__name__}")
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Answer everybody if a task ended by a fault of ours, rather than let them wait for nothing."""
        if not task.cancelled() and (fault := task.exception()) is not None:
            logger.critical("the appender's %s ended", task.get_name(), exc_info=fault)
            self._closed = True
            self._fail_calls(LogUnavailable("the appender ended"))

    def _take(self, call: Call, known: Known) -> None:
        batch = self._batches[-1]
        if batch.full:
            batch = Batch()
            self._batches.append(batch)
        if not batch.calls:
            self._record_time_us = batch.record_time_us = max(self._now_us(), self._record_time_us)
            self._to_flush.set()
        batch.take(call, known)

    async def _flush_for_ever(self) -> None:
        while True:
            await self._answer_unless_more_waits()
            await self._to_flush.wait()
            batch = self._in_flight = self._batches.popleft()
            if not self._batches:
                self._batches.append(Batch())
                self._to_flush.clear()
            try:
                await self._flush(batch)
            except (*TROUBLE, LogUnavailable, OutOfStepError) as trouble:
                await self._start_over(batch, trouble)
            else:
                self._owed = batch.calls
            self._in_flight = None

    async def _answer_unless_more_waits(self) -> None:
        """Answer the last flush's calls, so that they bring their next events, unless the next flush can go before."""
        while self._owed and not self._to_flush.is_set():
            self._answer(len(self._owed) // 2 if len(self._owed) >= SPLIT_CALLS else len(self._owed))
            await asyncio.sleep(0)

    async def _flush(self, batch: Batch) -> None:
        """Write a batch; raise one of TROUBLE or LogUnavailable.

        The calls of the batch before are answered first: they go on as soon as the rows are on their way.
        """
        self._answer(len(self._owed))
        if batch.rows:
            self._flush_until = self._loop.time() + self._limits.statement.total_seconds()
            await self._write(batch)
        if self._known is not None:
            self._known.forget(self._limits.remembered_events, self._committed)
        if self._partitions_run_out:
            self._to_load.set()

    def _answer(self, count: int) -> None:
        """Answer the first of the calls whose flush is written."""
        for call, verdicts in self._owed[:count]:
            self._waiting.dismiss(call)
            call.answer_with(verdicts)
        del self._owed[:count]

    async def _write(self, batch: Batch) -> None:
        if self._session is None:
            raise ConnectionResetError("the appender has no session")
        last = self._committed + len(batch.rows)
        if batch.first_position != self._committed + 1:
            raise OutOfStepError(f"a batch begins at {batch.first_position}, the head is at {self._committed}")
        if last > self._partitioned_until:
            await self._extend(last)
        began = self._loop.time()
        self._digest = await write_flush(self._session, batch, last, self._digest, self._log.partition_events)
        self._watch.flushed(len(batch.rows), self._loop.time() - began)
        self._committed = last
        self._on_commit(last)
        self._keeper.ring(last)

    async def _start_over(self, batch: Batch, trouble: BaseException) -> None:
        """Throw away what is held in memory; every waiting call will be decided about again."""
        self._generation += 1
        self._known = None
        self._unresolved = [call for call, _ in batch.calls] + self._batched() + self._unresolved
        for call in self._unresolved:
            call.presumes = False
        self._batches = deque([Batch()])
        self._to_flush.clear()
        if by_another(trouble):
            self._watch.conflicted(ANOTHER_APPENDER)
        else:
            logger.warning("a flush failed, starting over: %s", type(trouble).__name__)
            if isinstance(trouble, (TimeoutError, *LOST)):
                self._end_session()
            await asyncio.sleep(FIRST_PAUSE_SECONDS)
        self._to_load.set()

    async def _load_for_ever(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            await self._to_load.wait()
            self._to_load.clear()
            try:
                await self._resolve()
                pause = FIRST_PAUSE_SECONDS
            except (*TROUBLE, LogUnavailable) as trouble:
                logger.warning("the log cannot be read for appending: %s", type(trouble).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                self._to_load.set()

    async def _resolve(self) -> None:
        """Open if need be, load what waiting calls name, and take them; raise one of TROUBLE or LogUnavailable."""
        generation = self._generation
        known = self._known or await self._open()
        if self._partitions_run_out:
            await self._extend(self._committed)
        calls = tuple(self._unresolved)
        streams = [name for call in calls for name in call.unknown_streams(known)]
        fences = [name for call in calls for name in call.unknown_fences(known)]
        if streams or fences:
            states, epochs = await self._side.load(streams, fences)
            known.load(states)
            known.fences |= epochs
        if generation == self._generation:
            del self._unresolved[: len(calls)]
            for call in calls:
                if call.answer.done():
                    self._waiting.dismiss(call)
                else:
                    self._take(call, known)
        if self._unresolved:
            self._to_load.set()

    async def _open(self) -> Known:
        """Begin at the head, holding the lease; nothing is in flight and nothing is taken while this runs."""
        self._log = await self._side.head()
        self._committed, self._digest = self._log.position, self._log.digest
        self._record_time_us = self._log.record_time_us
        await self._extend(self._committed)
        if self._session is None or self._session.is_closed():
            self._session = await self._connections.connect()
        self._known = Known(head=self._committed, partition_events=self._log.partition_events)
        self._on_commit(self._committed)
        return self._known

    @property
    def _partitions_run_out(self) -> bool:
        return self._committed + self._log.partition_events // 2 > self._partitioned_until

    async def _extend(self, position: int) -> None:
        """Make the partition of a position, and the one after it."""
        until = position + self._log.partition_events
        await self._side.extend(until)
        self._partitioned_until = until

    async def _sweep_for_ever(self) -> None:
        """End the session of a flush whose time is up, and tell calls whose time is up that their outcome is unknown.

        One look now and then for all of them: a timer for each flush and each call would cost more than the call.
        """
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = self._loop.time()
            if self._in_flight is not None and self._flush_until < now:
                self._end_session()
            for call in self._calls():
                if call.until < now:
                    call.fail(LogUnavailable("the log did not answer in time"))

    def _batched(self) -> list[Call]:
        return [call for batch in self._batches for call, _ in batch.calls]

    def _calls(self) -> Iterator[Call]:
        """Yield every call that waits, wherever it stands."""
        yield from (call for call, _ in self._owed)
        if self._in_flight is not None:
            yield from (call for call, _ in self._in_flight.calls)
        yield from self._batched()
        yield from self._unresolved

    def _fail_calls(self, error: LogUnavailable) -> None:
        for call in self._calls():
            call.fail(error)

    def _end_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.terminate()
