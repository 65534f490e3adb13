"""How fast events become facts, live and rebuilt, beside what the server itself needs for their bytes, all in one run.

Limit: a COPY of the events' columns out of the log to /dev/null, and a binary COPY of the produced rows into their
tables, one connection each, the sum of both times. Ours: the same events followed live from the beginning (large steps)
and rebuilt, in the same process. Each round measures limit, live and rebuild one after the other; ratios are medians
over the rounds. The events are those of a month of the bank's archive.

Usage: python -m bench.facts [--month FILE] [--rounds N] [--peer] [--rate EVENTS_A_SECOND --seconds S]
"""

# ruff: noqa: S608  # statements name our own tables

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from bench.eventsourcing_projection import projected
from bench.latency import latencies
from bench.month_events import LOG_SCHEMA, MONTH, appends_of
from event_log.feed import Feed
from event_log.model import Append, Appended, Cursor
from event_log.postgres import PostgresLog, open_log
from metrics import schema
from metrics.fact.batch import COLUMNS
from metrics.fact.catalogue import FACTS
from metrics.facts import Facts
from metrics.follow.follower import Follower
from metrics.generation import create_generation, drop_generation, go_live
from metrics.rebuild.rebuild import Rebuild
from service_host.embedded_postgres import EmbeddedPostgres
from service_host.postgres import Database, connect, migrate

FLOORS = {"live / limit": 0.5, "rebuild / limit": 0.6, "live / eventsourcing": 50.0}


async def fill(log: PostgresLog, appends: Sequence[Append]) -> int:
    """Write all; return how many events the log has."""
    for start in range(0, len(appends), 500):
        verdicts = await log.append_all(appends[start : start + 500])
        assert all(isinstance(verdict, Appended) for verdict in verdicts)
    return (await log.head()).position


async def copied_out(session: "asyncpg.Connection[Any]") -> float:
    """Return the seconds that the server needs to give out the columns that facts are folded from."""
    columns = ", ".join(COLUMNS)
    began = time.perf_counter()
    await session.execute(
        f"copy (select {columns} from {LOG_SCHEMA}.events order by position) to '/dev/null' (format binary)"
    )
    return time.perf_counter() - began


async def rows_of(session: "asyncpg.Connection[Any]", generation: str) -> dict[str, bytes]:
    """Return the rows of a generation as binary COPY gives and takes them, in order of key."""
    found = {}
    for fact in FACTS:
        to = BytesIO()
        key = ", ".join(fact.key_names)
        await session.copy_from_query(
            f"select * from {generation}.{fact.name} order by {key}", output=to, format="binary"
        )
        found[fact.name] = to.getvalue()
    return found


async def copied_in(session: "asyncpg.Connection[Any]", rows: dict[str, bytes]) -> float:
    """Return the seconds that the server needs to take the rows into empty tables."""
    await create_generation(session, "facts_limit")
    began = time.perf_counter()
    async with session.transaction():
        for name, data in rows.items():
            await session.copy_to_table(name, schema_name="facts_limit", source=BytesIO(data), format="binary")
    seconds = time.perf_counter() - began
    await drop_generation(session, "facts_limit")
    return seconds


async def followed(session: "asyncpg.Connection[Any]", database: Database, log: PostgresLog, head: int) -> float:
    """Return the seconds in which a new generation follows the log from its beginning to its head."""
    await session.execute("delete from metrics.live_generation")
    await drop_generation(session, "facts_live")
    await create_generation(session, "facts_live")
    await go_live(session, "facts_live")
    there = asyncio.Event()

    def stands(cursor: Cursor) -> None:
        if cursor.position >= head:
            there.set()

    began = time.perf_counter()
    task = asyncio.create_task(Follower(database, Feed("bench", log), stands).run())
    await there.wait()
    seconds = time.perf_counter() - began
    await _ended(task)
    return seconds


async def rebuilt(database: Database, log: PostgresLog) -> tuple[float, float]:
    """Return the seconds until all was folded, and until it was compared too; nothing may differ."""
    folded = whole = 0.0
    async for told in Rebuild(database, log).run(swap=False, accept_differences=False):
        if told.stage == "comparing":
            folded = told.seconds
        if told.stage == "done":
            whole = told.seconds
            assert told.differences == 0, told.examples
    return folded, whole


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def measure(dsn: str, asked: argparse.Namespace) -> None:
    """Print the table."""
    appends = appends_of(asked.month)
    session = await asyncpg.connect(dsn)
    await migrate(session, package="event_log.migrations", schema=LOG_SCHEMA)
    await schema.bring_up_to_date(session)
    found: dict[str, list[float]] = {}
    async with open_log(dsn, LOG_SCHEMA) as log:
        events = await fill(log, appends)
    async with open_log(dsn, LOG_SCHEMA) as log, connect(dsn) as database:
        await session.execute("vacuum analyze")
        await followed(session, database, log, events)
        rows = await rows_of(session, "facts_live")
        for _ in range(asked.rounds):
            out, into = await copied_out(session), await copied_in(session, rows)
            live = await followed(session, database, log, events)
            folded, whole = await rebuilt(database, log)
            limit = (out + into + await copied_out(session) + await copied_in(session, rows)) / 2
            for name, value in {
                "live / limit": limit / live,
                "rebuild / limit": limit / folded,
                "COPY-out, s": out,
                "COPY-in, s": into,
                "live, s": live,
                "live, events/s": events / live,
                "rebuild, s": folded,
                "rebuild and compared, s": whole,
                "rebuild, events/s": events / folded,
            }.items():
                found.setdefault(name, []).append(value)
        if asked.peer:
            rate = await asyncio.to_thread(projected, dsn, asked.peer_events)
            found["eventsourcing's projection, events/s"] = [rate]
            found["live / eventsourcing"] = [value / rate for value in found["live, events/s"]]
        count = await session.fetchval(
            "select sum(n) from ("
            + " union all ".join(f"select count(*) n from facts_live.{fact.name}" for fact in FACTS)
            + ") counted"
        )
        print(f"{events} events of {len(appends)} contacts become {count} rows")
        await _tell(found)
        if asked.rate:
            await _tell_latency(dsn, database, log, asked)
    await session.close()


async def _tell(found: dict[str, list[float]]) -> None:
    for name, values in found.items():
        floor = f"  floor {FLOORS[name]}" if name in FLOORS else ""
        print(f"{name:45} {statistics.median(values):12.3f}  ({min(values):.3f} to {max(values):.3f}){floor}")


async def _tell_latency(dsn: str, database: Database, log: PostgresLog, asked: argparse.Namespace) -> None:
    """Follow while another process tells the same contacts again under another tenant, one event at a time."""
    facts = Facts(database, Feed("bench", log))
    _, waits = await latencies(lambda stands: replace(facts, on_step=stands).follow(), dsn, asked)
    found = sorted(waits)
    parts = {name: found[min(len(found) - 1, int(len(found) * share))] for name, share in _SHARES.items()}
    print(f"told to facts at {asked.rate}/s, s: " + ", ".join(f"{name} {value:.3f}" for name, value in parts.items()))


_SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


def main() -> None:
    """Start a server and measure on it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--month", type=Path, default=MONTH)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--peer", action="store_true", help="measure the peer too")
    parser.add_argument("--peer-events", type=int, default=4_000)
    parser.add_argument("--rate", type=int, default=0, help="measure how soon facts stand at so many events a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder) / "postgres") as server:
            uvloop.run(measure(server.dsn(), asked))


if __name__ == "__main__":
    main()
