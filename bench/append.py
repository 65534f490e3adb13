"""How fast a log is written in process, beside the server's own limit and a peer, all in one run.

Limit: COPY-1, a binary COPY of the same rows into the real events table over one connection. Peer: the recorder of the
`eventsourcing` package on the same Postgres with its default, safe settings. Each round measures limit, ours and peer
one after the other, so that what else the machine does hits all of them; ratios are medians over the rounds.

Usage: python -m bench.append [--rounds N] [--seconds S] [--peer]
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
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import uvloop
from event_log.model import Append, NewEvent, Stream, StreamAppend
from event_log.postgres import PostgresLog, open_log
from event_log.rows import COLUMNS, HEADER, TRAILER, encode
from service_host.embedded_postgres import EmbeddedPostgres
from service_host.postgres import migrate

EVENTS_A_CONTACT = 13
COPY_EVENTS = 40_000
TENANT = "bank"
FLOORS = {"16 callers × 1": 0.12, "64 callers × 1": 0.22, "64 callers × 10": 0.40}
PEER_FLOORS = {"16 callers × 1": 9.0, "64 callers × 1": 16.0}


class Events:
    """Events of contacts, as many as are asked for, made before the clock runs: a few hundred bytes each."""

    def __init__(self, seed: int, size: int) -> None:
        dice = random.Random(seed)  # noqa: S311  # data, not secrets
        self.keys = [Stream("contact", UUID(int=dice.getrandbits(128))) for _ in range(size // EVENTS_A_CONTACT + 64)]
        self.events = [
            NewEvent(
                UUID(int=dice.getrandbits(128)),
                "LegAnswered",
                915_192_000_000_000 + number,
                dice.randbytes(80),
                dice.randbytes(32),
                "bank-1999",
                number,
            )
            for number in range(size)
        ]


def copy_bytes(events: Events, count: int) -> bytearray:
    """Return `count` events as the binary COPY of the events table wants them, 64 contacts at a time."""
    rows = []
    for number in range(count):
        group, lane = divmod(number, 64)
        stream = events.keys[group // EVENTS_A_CONTACT * 64 % (len(events.keys) - 64) + lane]
        version = group % EVENTS_A_CONTACT + 1
        part = StreamAppend(stream, ())
        rows.append(encode(TENANT, part, events.events[number], number + 1, version, 915_192_000_000_000))
    return bytearray(b"".join((HEADER, *rows, TRAILER)))


async def copy_one(session: "asyncpg.Connection[Any]", data: bytearray) -> float:
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


_numbers = itertools.count(1)


async def fresh(session: "asyncpg.Connection[Any]") -> str:
    """Make an empty log, in the place of the one before."""
    await session.execute("drop schema if exists bench cascade")
    await migrate(session, package="event_log.migrations", schema="bench")
    return "bench"


async def ours(session: "asyncpg.Connection[Any]", dsn: str, events: Events, load: "Load") -> float:
    """Return events a second that `load.callers` callers write, each waiting for its own answer."""
    async with open_log(dsn, await fresh(session)) as log:
        await log.append(Append(TENANT, [StreamAppend(Stream("warm", UUID(int=1)), [events.events[0]])]))
        numbers, keys = iter(range(0, len(events.events) - load.each, load.each)), iter(events.keys)
        began = time.perf_counter()
        written = await asyncio.gather(
            *(_caller(log, events, numbers, keys, load, began + load.seconds) for _ in range(load.callers))
        )
        return sum(written) / (time.perf_counter() - began)


class Load:
    """So many callers, so many events a call, for so long."""

    def __init__(self, callers: int, each: int, seconds: float) -> None:
        self.callers, self.each, self.seconds = callers, each, seconds

    @property
    def name(self) -> str:
        return f"{self.callers} callers × {self.each}"


async def _caller(
    log: PostgresLog, events: Events, numbers: Iterator[int], keys: Iterator[Stream], load: Load, until: float
) -> int:
    written = left = 0
    key = next(keys)
    for number in numbers:
        if left < load.each:
            key, left = next(keys), max(EVENTS_A_CONTACT, load.each)
        await log.append(Append(TENANT, (StreamAppend(key, events.events[number : number + load.each]),)))
        left -= load.each
        written += load.each
        if time.perf_counter() > until:
            break
    return written


@contextmanager
def open_snapshot(dsn: str, *, wanted: bool) -> Iterator[None]:
    """Hold a snapshot elsewhere meanwhile, as a long report does."""
    if not wanted:
        yield
        return
    import psycopg  # noqa: PLC0415  # comes with the peer

    with psycopg.connect(dsn) as held:
        held.execute("set transaction isolation level repeatable read")
        held.execute("select count(*) from pg_class")
        yield


def peer(dsn: str, callers: int, seconds: float) -> float:
    """Return events a second that `eventsourcing` records, one event a call, from so many threads."""
    from eventsourcing.persistence import StoredEvent  # noqa: PLC0415  # only with --peer
    from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore  # noqa: PLC0415

    address = _parts(dsn)
    with PostgresDatastore(**address, pool_size=callers, max_overflow=0) as store:
        recorder = PostgresApplicationRecorder(store, events_table_name=f"peer_{next(_numbers)}")
        recorder.create_table()
        until = time.perf_counter() + seconds
        counts = [0] * callers

        def work(number: int) -> None:
            dice = random.Random(number)  # noqa: S311  # data, not secrets
            while time.perf_counter() < until:
                key = UUID(int=dice.getrandbits(128))
                for version in range(1, EVENTS_A_CONTACT + 1):
                    recorder.insert_events([StoredEvent(key, version, "LegAnswered", os.urandom(150))])
                    counts[number] += 1

        began = time.perf_counter()
        threads = [threading.Thread(target=work, args=(number,)) for number in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(counts) / (time.perf_counter() - began)


def _parts(dsn: str) -> dict[str, Any]:
    from urllib.parse import urlsplit  # noqa: PLC0415

    parts = urlsplit(dsn)
    return {
        "dbname": parts.path.lstrip("/"),
        "host": parts.hostname,
        "port": str(parts.port),
        "user": parts.username,
        "password": parts.password,
    }


async def measure(dsn: str, rounds: int, seconds: float, *, with_peer: bool) -> None:
    """Print the table."""
    events = Events(1999, 400_000)
    data = copy_bytes(events, COPY_EVENTS)
    gc.collect()
    gc.freeze()  # as the services do: what lives for ever is not looked at again and again
    gc.set_threshold(50_000, 20, 50)
    loads = [Load(16, 1, seconds), Load(64, 1, seconds), Load(64, 10, seconds)]
    session = await asyncpg.connect(dsn)
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for load in loads:
            before = await copy_one(session, data)
            rate = await ours(session, dsn, events, load)
            limit = (before + await copy_one(session, data)) / 2
            found.setdefault(f"{load.name} / COPY-1", []).append(rate / limit)
            found.setdefault(f"{load.name} events/s", []).append(rate)
            found.setdefault("COPY-1 events/s", []).append(limit)
            if with_peer and load.each == 1:
                other = await asyncio.to_thread(peer, dsn, load.callers, seconds)
                found.setdefault(f"{load.name} / eventsourcing", []).append(rate / other)
            if with_peer and load.each == 1:
                with open_snapshot(dsn, wanted=True):
                    held = await ours(session, dsn, events, load)
                found.setdefault(f"{load.name} with a snapshot held / without", []).append(held / rate)
    await session.close()
    for name, values in found.items():
        median, low, high = statistics.median(values), min(values), max(values)
        print(f"{name:50} {median:12.3f}  ({low:.3f} to {high:.3f})")


def main() -> None:
    """Start a server and measure on it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--peer", action="store_true", help="measure the peer too")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder) / "postgres") as server:
            uvloop.run(measure(server.dsn(), asked.rounds, asked.seconds, with_peer=asked.peer))


if __name__ == "__main__":
    main()
