"""Reading a Postgres log into Arrow columns: the server's binary COPY decoded in C, a page at a time, in a thread.

A page is one statement and so one short transaction, sized to a few megabytes by what the page before weighed; the next
one is read while the reader works on this one. Short stretches, as a live tail has them, go by the ordinary way.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import adbc_driver_manager
import pyarrow as pa
from adbc_driver_postgresql import dbapi

from event_log.connections import STATEMENT_DEADLINE, Connections, session_settings
from event_log.errors import LogUnavailable
from event_log.literals import as_text
from event_log.model import Cursor, Filter, PackedPage
from event_log.packed import pack, schema_of
from event_log.reading import Range, read_range

PAGE_BYTES = 3_000_000
"""About what a page should weigh, so that it fits an ordinary gRPC message."""
FIRST_EVENTS = 2_000
"""Positions of the first page, while nothing is known of their weight."""
SHORT_EVENTS = 300
"""A stretch this short is read without a thread."""
IDLE_SESSIONS = 2
LIBPQ_WORDS = frozenset({"host", "hostaddr", "port", "dbname", "user", "password", "passfile", "target_session_attrs"})
"""Words of an address that libpq knows, those of ssl apart; all others it would refuse."""

_Answer = TypeVar("_Answer")


class PackedReader:
    """Reads stretches of one log; keeps a few sessions for the next reader."""

    def __init__(self, connections: Connections) -> None:
        """Open nothing yet."""
        self._connections = connections
        self._idle: list[dbapi.Connection] = []

    async def read(
        self,
        head: Cursor,
        positions: Range,
        wanted: Filter,
        page_size: int,
        columns: Sequence[str],
    ) -> AsyncIterator[PackedPage]:
        """Yield the events of some positions that pass the filter; raise LogUnavailable."""
        after, size = positions.after, min(page_size, FIRST_EVENTS)
        ahead = self._ahead(Range(after, positions.until).cut(size, backwards=False), wanted, columns)
        try:
            while after < positions.until:
                looked, batch = await ahead
                after, size = looked.until, _next_size(looked, batch, page_size)
                if after < positions.until:
                    ahead = self._ahead(Range(after, positions.until).cut(size, backwards=False), wanted, columns)
                yield PackedPage(batch, Cursor(head.log_id, head.incarnation, after), head.position)
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)

    async def close(self) -> None:
        """End the idle sessions."""
        idle, self._idle = self._idle, []
        for session in idle:
            session.close()

    def _ahead(
        self,
        looked: Range,
        wanted: Filter,
        columns: Sequence[str],
    ) -> "asyncio.Task[tuple[Range, pa.RecordBatch]]":
        return asyncio.create_task(self._page(looked, wanted, columns))

    async def _page(self, looked: Range, wanted: Filter, columns: Sequence[str]) -> tuple[Range, pa.RecordBatch]:
        if looked.until - looked.after <= SHORT_EVENTS:
            async with self._connections.read() as session:
                events = await read_range(session, wanted, SHORT_EVENTS, looked, backwards=False)
            return looked, pack(events, columns)
        query = page_query(looked, wanted, columns)
        async with self._connections.packed_turns.taken():
            return looked, await in_thread(lambda: self._fetch(query, columns), STATEMENT_DEADLINE)

    def _fetch(self, query: str, columns: Sequence[str]) -> pa.RecordBatch:
        """Run in a thread: read one page, by a session that lay idle unless the line to it broke meanwhile."""
        with suppress(IndexError, adbc_driver_manager.OperationalError):
            return self._by(self._idle.pop(), query, columns)
        return self._by(dbapi.connect(_address(self._connections), autocommit=True), query, columns)

    def _by(self, session: dbapi.Connection, query: str, columns: Sequence[str]) -> pa.RecordBatch:
        """Read one page by a session; one that met trouble is ended."""
        try:
            with session.cursor() as cursor:
                cursor.execute(query)
                batch = _as_ours(cursor.fetch_arrow_table(), columns)
        except BaseException:
            with suppress(adbc_driver_manager.Error):
                session.close()
            raise
        if len(self._idle) < IDLE_SESSIONS:
            self._idle.append(session)
        else:
            session.close()
        return batch


def page_query(looked: Range, wanted: Filter, columns: Sequence[str]) -> str:
    """Return the statement of a page; the driver's COPY takes no parameters, so texts go as hexadecimal digits."""
    conditions = [f"position > {looked.after} and position <= {looked.until}"]
    if wanted.tenant:
        conditions.append(f"tenant = {as_text(wanted.tenant)}")
    if wanted.categories:
        conditions.append(f"category in ({', '.join(map(as_text, wanted.categories))})")
    if wanted.types:
        conditions.append(f"type in ({', '.join(map(as_text, wanted.types))})")
    return f"select {', '.join(columns)} from events where {' and '.join(conditions)} order by position"  # noqa: S608  # ours but the hex


async def in_thread(work: Callable[[], _Answer], deadline: timedelta) -> _Answer:
    """Run blocking work in a thread that the process does not wait for at its end; raise LogUnavailable."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_Answer] = loop.create_future()

    def tell(answer: _Answer | None, error: Exception | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(answer)  # type: ignore[arg-type]

    def run() -> None:
        answer: _Answer | None = None
        trouble: Exception | None = None
        try:
            answer = work()
        except (adbc_driver_manager.Error, OSError) as error:
            trouble = error
        with suppress(RuntimeError):  # the loop may be gone
            loop.call_soon_threadsafe(tell, answer, trouble)

    threading.Thread(target=run, name="event_log packed", daemon=True).start()
    try:
        async with asyncio.timeout(deadline.total_seconds()):
            return await done
    except (TimeoutError, adbc_driver_manager.Error, OSError) as trouble:
        raise LogUnavailable("the log's store did not answer") from trouble


def _next_size(looked: Range, batch: pa.RecordBatch, page_size: int) -> int:
    weight = max(batch.nbytes, 1) / (looked.until - looked.after)
    return max(1, min(page_size, int(PAGE_BYTES / weight)))


def _as_ours(table: pa.Table, columns: Sequence[str]) -> pa.RecordBatch:
    """Return one batch with our schema: the driver's ids are an extension over the same 16 bytes."""
    schema = schema_of(columns)
    arrays = [_plain(column) for column in table.columns]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _plain(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return array.storage if isinstance(array, pa.ExtensionArray) else array


def _address(connections: Connections) -> str:
    """Return the log's address as libpq takes it: what asyncpg sends as settings of the server stands in `options`."""
    parts = urlsplit(connections.dsn)
    told = dict(parse_qsl(parts.query))
    ours = session_settings(connections.schema) | {
        "statement_timeout": str(int(STATEMENT_DEADLINE.total_seconds() * 1000)),
    }
    name = ours.pop("application_name")
    known = {key: value for key, value in told.items() if key in LIBPQ_WORDS or key.startswith("ssl")}
    settings = {key: value for key, value in told.items() if key not in known} | ours
    options = " ".join(f"-c {key}={value}" for key, value in settings.items())
    known |= {"options": options, "application_name": name, "connect_timeout": "5"}
    return urlunsplit(parts._replace(query=urlencode(known, quote_via=quote)))
