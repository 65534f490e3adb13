"""Proving that a log is what was written: every flush's digest, taken anew over its rows and chained from the first.

A row changed, removed or slipped in by anybody changes its flush's digest, and the first flush that does not fit is
named. Whoever can rewrite all digests after it can only be caught by a digest kept elsewhere: compare `digest` of an
earlier report with `expected`.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from event_log.connections import Connections, PooledSession
from event_log.rows import COLUMNS, GENESIS_DIGEST, HEADER, chain, split

FLUSHES_A_PAGE = 500
MAX_PAGE_EVENTS = 20_000
"""Rows that are held in memory at once, unless one flush has more."""

_FLUSHES = "select first, last, digest from log_flush where first > $1 order by first limit $2"
_ROWS = f"select {', '.join(COLUMNS)} from events where position between $1 and $2 order by position"  # noqa: S608  # ours
_BEYOND = "select min(position) from events where position > $1"


@dataclass(frozen=True, slots=True)
class Flush:
    """One flush as the log tells it."""

    first: int
    last: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class BadFlush:
    """The first flush that is not what was written, and why, in one sentence."""

    first: int
    last: int
    reason: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What was proved: so many flushes and events, up to a position and its digest; `bad` is None if all fit."""

    flushes: int
    events: int
    position: int
    digest: bytes
    bad: BadFlush | None


async def verify(
    dsn: str,
    schema: str,
    *,
    expected: tuple[int, bytes] | None = None,
    on_progress: Callable[[int], None] = lambda _position: None,
) -> AuditReport:
    """Verify a whole log; on_progress is told positions. Raises LogUnavailable.

    expected: position and digest of an earlier report, kept where the log's operator cannot reach.
    """
    connections = Connections(dsn, schema, readers=1)
    proof = _Proof(expected)
    try:
        async for flushes, rows in _pages(connections):
            if not proof.add(flushes, rows):
                return proof.report
            on_progress(proof.position)
        await proof.finish(connections)
        return proof.report
    finally:
        await connections.close()


class _Proof:
    """The chain as far as it holds."""

    def __init__(self, expected: tuple[int, bytes] | None) -> None:
        self._expected = expected
        self._flushes = self._events = self.position = 0
        self._digest = GENESIS_DIGEST
        self._bad: BadFlush | None = None

    @property
    def report(self) -> AuditReport:
        return AuditReport(self._flushes, self._events, self.position, self._digest, self._bad)

    def add(self, flushes: list[Flush], rows: memoryview) -> bool:
        """Prove some flushes over their rows; say whether all fit."""
        found = split(rows)
        start = 0
        for flush in flushes:
            length, missing = 0, range(flush.first, flush.last + 1)
            for position, size in found:
                if position != missing[0]:
                    return self._fail(flush, f"position {missing[0]} is missing")
                length += size
                missing = missing[1:]
                if not missing:
                    break
            if missing:
                return self._fail(flush, f"position {missing[0]} is missing")
            if not self._fits(flush, rows[start : start + length]):
                return False
            start += length
        return True

    async def finish(self, connections: Connections) -> None:
        """Look for events that no flush wrote, and for an expected place that was not reached."""
        async with connections.read() as session:
            beyond = await session.fetchval(_BEYOND, self.position)
        if beyond is not None:
            self._bad = BadFlush(beyond, beyond, "no flush wrote what stands here")
        elif self._expected is not None and self._expected[0] > self.position:
            self._bad = BadFlush(self.position + 1, self._expected[0], "the log ends before the place expected")

    def _fits(self, flush: Flush, rows: memoryview) -> bool:
        if flush.first != self.position + 1:
            return self._fail(flush, f"the flush before it ends at {self.position}")
        digest = chain(self._digest, rows)
        if digest != flush.digest:
            return self._fail(flush, "its digest is not that of its events")
        if self._expected is not None and flush.last == self._expected[0] and digest != self._expected[1]:
            return self._fail(flush, "its digest is not the one expected")
        self._digest, self.position = digest, flush.last
        self._flushes += 1
        self._events += flush.last - flush.first + 1
        return True

    def _fail(self, flush: Flush, reason: str) -> bool:
        self._bad = BadFlush(flush.first, flush.last, reason)
        return False


async def _pages(connections: Connections) -> AsyncIterator[tuple[list[Flush], memoryview]]:
    """Yield flushes and the rows of their positions, each page in a short transaction of its own."""
    first = 0
    while True:
        async with connections.read() as session:
            flushes = _fitting([Flush(*row) for row in await session.fetch(_FLUSHES, first, FLUSHES_A_PAGE)])
            if not flushes:
                return
            rows = await _copy(session, flushes[0].first, flushes[-1].last)
        yield flushes, rows
        first = flushes[-1].first


def _fitting(flushes: list[Flush]) -> list[Flush]:
    """Return the first flushes that one page may hold, at least one if there is any."""
    events = 0
    for number, flush in enumerate(flushes):
        events += flush.last - flush.first + 1
        if events > MAX_PAGE_EVENTS:
            return flushes[: max(number, 1)]
    return flushes


async def _copy(session: PooledSession, first: int, last: int) -> memoryview:
    """Return the rows of some positions as the flushes sent them."""
    data = bytearray()

    async def keep(chunk: bytes) -> None:
        data.extend(chunk)

    await session.copy_from_query(_ROWS, first, last, output=keep, format="binary")
    return memoryview(data)[len(HEADER) :]
