"""What waits in a writer: calls, and the batches they are taken into; no I/O."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from event_log.errors import Busy, InvalidAppend
from event_log.form import check_append
from event_log.limits import WriterLimits
from event_log.log import Verdict
from event_log.model import Append
from event_log.rows import HEADER, TRAILER, encode
from event_log.verdicts import Known, Placed, StreamId, stream_id

MAX_BATCH_EVENTS = 4_000
MAX_BATCH_BYTES = 4_194_304
"""A batch with as many events or bytes of payload is closed; the next call goes into another one."""
FenceId = tuple[str, str]


@dataclass(slots=True, eq=False)
class Call:
    """One call of append_all: its appends (or why their form is wrong), their size, whom to answer until when.

    `caller` is who calls, empty where callers have no names. `presumes`: whether streams that are presumed new are
    taken for new unseen; no longer once a flush failed.
    """

    appends: list[Append | InvalidAppend]
    events: int
    weight: int
    until: float
    answer: asyncio.Future[list[Verdict]]
    caller: str = ""
    presumes: bool = True

    def answer_with(self, verdicts: list[Verdict]) -> None:
        """Answer, unless the caller has gone."""
        if not self.answer.done():
            self.answer.set_result(verdicts)

    def fail(self, error: Exception) -> None:
        """Answer with an error, unless the caller has gone."""
        if not self.answer.done():
            self.answer.set_exception(error)

    def unknown_streams(self, known: Known) -> list[StreamId]:
        """Return the streams that must be loaded before the call can be taken."""
        streams, missing, presumed = known.streams, list[StreamId](), set[StreamId]()
        for append in self.appends:
            if isinstance(append, Append):
                for part in append.streams:
                    name = stream_id(append.tenant, part)
                    if name in streams or name in presumed:
                        continue
                    if part.presumed_new and self.presumes:
                        presumed.add(name)
                    else:
                        missing.append(name)
        return missing

    def unknown_fences(self, known: Known) -> list[FenceId]:
        """Return the fences to load before the call can be taken: not known, or raised elsewhere meanwhile."""
        missing = []
        for append in self.appends:
            if isinstance(append, Append) and append.fence is not None:
                name = (append.tenant, append.fence.name)
                if known.fences.get(name, -1) < append.fence.epoch:
                    missing.append(name)
        return missing


class Waiting:
    """How much waits, of all and of each caller that has a name, and whether more may.

    No caller by name has more than its share: whatever one of them brings, there is room for the others.
    """

    def __init__(self, limits: WriterLimits) -> None:
        self._limits = limits
        self._all = _Held()
        self._of: dict[str, _Held] = {}

    def admit(self, events: int, weight: int, caller: str = "") -> None:
        """Count a call; raise Busy if that would be too much. A call alone is never too much."""
        limits = self._limits
        mine = self._of.get(caller) or _Held()
        if self._all.beyond(limits, events, weight) or (caller and mine.beyond(limits, events, weight, limits.share)):
            raise Busy(limits.retry_after)
        self._all.change(events, weight)
        mine.change(events, weight)
        self._of[caller] = mine

    def dismiss(self, call: Call) -> None:
        """Count a call no longer: it was answered, or dropped."""
        self._all.change(-call.events, -call.weight)
        mine = self._of[call.caller]
        mine.change(-call.events, -call.weight)
        if not mine.events:
            del self._of[call.caller]


@dataclass(slots=True)
class _Held:
    """What waits of somebody."""

    events: int = 0
    weight: int = 0

    def beyond(self, limits: WriterLimits, events: int, weight: int, share: float = 1.0) -> bool:
        """Say whether so much more is beyond a share of the limits; never where nothing waits yet."""
        too_many = self.events + events > limits.waiting_events * share
        return bool(self.events) and (too_many or self.weight + weight > limits.waiting_bytes * share)

    def change(self, events: int, weight: int) -> None:
        """Count so much more."""
        self.events += events
        self.weight += weight


@dataclass(slots=True, eq=False)
class Batch:
    """Calls already decided about, in order, and the rows that one flush will write for them."""

    calls: list[tuple[Call, list[Verdict]]] = field(default_factory=list)
    rows: list[bytes] = field(default_factory=list)
    placed: Placed = field(default_factory=Placed)
    fences: set[tuple[str, str, int]] = field(default_factory=set)
    record_time_us: int = 0
    weight: int = 0

    def take(self, call: Call, known: Known) -> None:
        """Decide about a call whose streams and fences are known; its answer waits for the flush."""
        placed = self.placed
        verdicts: list[Verdict] = []
        for append in call.appends:
            if isinstance(append, InvalidAppend):
                verdicts.append(append)
                continue
            written = len(placed.written)
            verdicts.append(known.take(append, placed))
            if append.fence is not None and len(placed.written) > written:
                self.fences.add((append.tenant, append.fence.name, append.fence.epoch))
        time_us = self.record_time_us
        self.rows += [encode(*new, time_us) for new in placed.written[len(self.rows) :]]
        self.calls.append((call, verdicts))
        self.weight += call.weight

    def copy_bytes(self) -> bytes:
        """Return the rows as Postgres' binary COPY wants them."""
        return b"".join((HEADER, *self.rows, TRAILER))

    @property
    def first_position(self) -> int:
        """Position of its first row."""
        return self.placed.written[0][3]

    @property
    def full(self) -> bool:
        """Say whether the next call should go into another batch."""
        return len(self.rows) >= MAX_BATCH_EVENTS or self.weight >= MAX_BATCH_BYTES


def checked(appends: Sequence[Append]) -> tuple[list[Append | InvalidAppend], int, int]:
    """Return the appends, those of wrong form replaced by their refusal; the events of the others, and their bytes."""
    good: list[Append | InvalidAppend] = []
    events = weight = 0
    for append in appends:
        try:
            count, size = check_append(append)
        except InvalidAppend as invalid:
            good.append(invalid)
        else:
            good.append(append)
            events += count
            weight += size
    return good, events, weight
