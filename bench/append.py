"""How fast a log is written in process, beside the server's own limit and a peer, all in one run.

Limit: COPY-1, a binary COPY of the same rows into the real events table over one connection. Peer: the recorder of the
`eventsourcing` package on the same Postgres with its default, safe settings. Each round measures limit, ours and peer
one after the other, so that what else the machine does hits all of them; ratios are medians over the rounds.

Usage: python -m bench.append [--rounds N] [--seconds S] [--peer] [--snapshot SECONDS]
"""

import argparse
import asyncio
import gc
import itertools
import os
import random
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import uvloop
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from event_log.model import Append, NewEvent, Stream, StreamAppend
from event_log.postgres import PostgresLog, open_log
from event_log.rows import COLUMNS, HEADER, TRAILER, encode
from service_host.embedded_postgres import EmbeddedPostgres
from service_host.postgres import migrate

EVENTS_A_CONTACT = 13
COPY_EVENTS = 200_000
TENANT = "bank"
START_US = 915_192_000_000_000
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Load:
    """So many callers, so many events a call, for so long."""

    callers: int
    each: int
    seconds: float

    @property
    def name(self) -> str:
        return f"{self.callers} callers x {self.each}"


class Events:
    """Events of contacts, made before the clock runs: about 300 bytes each as rows."""

    def __init__(self, seed: int, size: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311  # data, not secrets
        self.keys = [self.key() for _ in range(size // EVENTS_A_CONTACT + 64)]
        self.events = [self._event(number) for number in range(size)]

    def key(self) -> Stream:
        """Return the stream of a new contact."""
        return Stream("contact", UUID(int=self._dice.getrandbits(128)))

    def appends(self, each: int) -> Iterator[Append]:
        """Yield appends of one caller for ever, contact after contact; an id in another stream is another event."""
        parts = itertools.cycle(range(0, len(self.events) - each, each))
        while True:
            stream = self.key()
            for _ in range(max(1, EVENTS_A_CONTACT // each)):
                start = next(parts)
                yield Append(TENANT, (StreamAppend(stream, self.events[start : start + each]),))

    def _event(self, number: int) -> NewEvent:
        event_id, dice = UUID(int=self._dice.getrandbits(128)), self._dice
        payload, mac = dice.randbytes(80), dice.randbytes(32)
        return NewEvent(event_id, "LegAnswered", START_US + number, payload, mac, "bank-1999", number)


def copy_bytes(events: Events) -> bytearray:
    """Return COPY_EVENTS events as the binary COPY of the events table wants them, 64 contacts at a time."""
    rows = []
    for number in range(COPY_EVENTS):
        group, lane = divmod(number, 64)
        contact = group // EVENTS_A_CONTACT * 64 % (len(events.keys) - 64) + lane
        part, version = StreamAppend(events.keys[contact], ()), group % EVENTS_A_CONTACT + 1
        rows.append(encode(TENANT, part, events.events[number], number + 1, version, START_US))
    return bytearray(b"".join((HEADER, *rows, TRAILER)))


async def fresh(session: "asyncpg.Connection[asyncpg.Record]") -> str:
    """Make an empty log, in the place of the one before."""
    await session.execute("drop schema if exists bench cascade")
    await migrate(session, package="event_log.migrations", schema="bench")
    return "bench"


async def copy_one(session: "asyncpg.Connection[asyncpg.Record]", data: bytearray) -> float:
    """Return events a second of one COPY into a fresh log's table."""
    schema = await fresh(session)
    await session.execute(f"set search_path = {schema}; select ensure_partitions(1)")
    began = time.perf_counter()
    await session.copy_to_table(
        "events",
        source=data,  # type: ignore[arg-type]  # its types lack a buffer
        columns=COLUMNS,
        format="binary",
    )
    return COPY_EVENTS / (time.perf_counter() - began)


async def ours(session: "asyncpg.Connection[asyncpg.Record]", dsn: str, events: Events, load: Load) -> float:
    """Return events a second that the callers write, each waiting for its own answer."""
    async with a_fresh_log(session, dsn, events) as log:
        return await write(log, events, load)


@asynccontextmanager
async def a_fresh_log(
    session: "asyncpg.Connection[asyncpg.Record]", dsn: str, events: Events
) -> AsyncIterator[PostgresLog]:
    """Give an empty log whose appender is at work."""
    async with open_log(dsn, await fresh(session)) as log:
        await log.append(next(events.appends(1)))
        yield log


async def write(log: PostgresLog, events: Events, load: Load) -> float:
    """Return events a second of one load on a log."""
    began = time.perf_counter()
    until = began + load.seconds

    async def call() -> int:
        written = 0
        for append in events.appends(load.each):
            await log.append(append)
            written += load.each
            if time.perf_counter() > until:
                break
        return written

    written = await asyncio.gather(*(call() for _ in range(load.callers)))
    return sum(written) / (time.perf_counter() - began)


async def under_a_snapshot(dsn: str, events: Events, load: Load, seconds: float) -> float:
    """Return how much of its rate a log keeps after a snapshot was held elsewhere for so long, under load."""
    session = await asyncpg.connect(dsn)
    async with a_fresh_log(session, dsn, events) as log:
        before = await write(log, events, load)
        async with session.transaction(isolation="repeatable_read"):
            await session.fetchval("select count(*) from pg_class")
            await write(log, events, Load(load.callers, load.each, seconds - load.seconds))
            after = await write(log, events, load)
    await session.close()
    return after / before


def peer(dsn: str, load: Load) -> float:
    """Return events a second that `eventsourcing` records, one event a call, from so many threads."""
    parts = urlsplit(dsn)
    with PostgresDatastore(
        dbname=parts.path.lstrip("/"),
        host=parts.hostname or "",
        port=str(parts.port),
        user=parts.username or "",
        password=parts.password or "",
        pool_size=load.callers,
        max_overflow=0,
    ) as store:
        recorder = PostgresApplicationRecorder(store, events_table_name=f"peer_{next(_numbers)}")
        recorder.create_table()
        counts = [0] * load.callers
        began = time.perf_counter()

        def work(number: int) -> None:
            dice = random.Random(number)  # noqa: S311  # data, not secrets
            while time.perf_counter() < began + load.seconds:
                key = UUID(int=dice.getrandbits(128))
                for version in range(1, EVENTS_A_CONTACT + 1):
                    recorder.insert_events([StoredEvent(key, version, "LegAnswered", os.urandom(150))])
                    counts[number] += 1

        threads = [threading.Thread(target=work, args=(number,)) for number in range(load.callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(counts) / (time.perf_counter() - began)


async def measure(dsn: str, asked: argparse.Namespace) -> None:
    """Print the table."""
    events = Events(1999, COPY_EVENTS)
    data = copy_bytes(events)
    gc.collect()
    gc.freeze()  # as the services do: what lives for ever is not looked at again and again
    gc.set_threshold(50_000, 20, 50)
    session = await asyncpg.connect(dsn)
    found: dict[str, list[float]] = defaultdict(list)
    loads = [Load(16, 1, asked.seconds), Load(64, 1, asked.seconds), Load(64, 10, asked.seconds)]
    for load in loads * asked.rounds:
        before = await copy_one(session, data)
        rate = await ours(session, dsn, events, load)
        limit = (before + await copy_one(session, data)) / 2
        found[f"{load.name} / COPY-1"].append(rate / limit)
        found[f"{load.name} events/s"].append(rate)
        found["COPY-1 events/s"].append(limit)
        if asked.peer and load.each == 1:
            found[f"{load.name} / eventsourcing"].append(rate / await asyncio.to_thread(peer, dsn, load))
    if asked.snapshot:
        for load in loads[:2]:
            kept = await under_a_snapshot(dsn, events, load, asked.snapshot)
            found[f"{load.name} after {asked.snapshot:g} s of a snapshot / before"].append(kept)
    await session.close()
    for name, values in found.items():
        print(f"{name:50} {statistics.median(values):12.3f}  ({min(values):.3f} to {max(values):.3f})")


def main() -> None:
    """Start a server and measure on it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--peer", action="store_true", help="measure the peer too")
    parser.add_argument("--snapshot", type=float, default=0, help="hold a snapshot elsewhere for so many seconds")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder) / "postgres") as server:
            uvloop.run(measure(server.dsn(), asked))


if __name__ == "__main__":
    main()
