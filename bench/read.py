"""How fast a whole log is read in columns through gRPC and decoded, beside the server's own limit, all in one run.

Limit: COPY-out, a server-side binary COPY of the same columns to /dev/null. The service is a process of its own, as it
is in life; the client decodes every page to Arrow. Ratios are medians over the rounds.

Usage: python -m bench.read [--rounds N] [--events N]
"""

import argparse
import asyncio
import gc
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import grpc
import uvloop

from bench.append import EVENTS_A_CONTACT, TENANT, Events
from event_log.grpc_client import GrpcLog
from event_log.grpc_service import LogServicer
from event_log.log import Log
from event_log.model import Append, StreamAppend
from event_log.packed import COLUMNS
from event_log.postgres import open_log
from holdfast.log.v1.log_service_pb2_grpc import add_LogServiceServicer_to_server
from service_host.embedded_postgres import EmbeddedPostgres
from service_host.postgres import migrate

FOLD = ("position", "tenant", "source_id", "category", "key", "event_id", "type", "event_time_us", "record_time_us")
"""Columns that a fold reads, beside the payload."""
READS = {"all columns": COLUMNS, "a fold's columns": (*FOLD, "payload")}


async def fill(dsn: str, size: int) -> None:
    """Write a log of so many events, contact by contact."""
    events = Events(1999, size)
    async with open_log(dsn, "bench") as log:
        for start in range(0, size, 5_200):
            numbers = range(start, min(start + 5_200, size), EVENTS_A_CONTACT)
            parts = [
                StreamAppend(events.keys[n // EVENTS_A_CONTACT], events.events[n : n + EVENTS_A_CONTACT])
                for n in numbers
            ]
            await log.append_all([Append(TENANT, [part]) for part in parts])


async def serve(dsn: str) -> None:
    """Serve the log until stdin ends; tell the port."""
    async with open_log(dsn, "bench") as log:
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        add_LogServiceServicer_to_server(LogServicer(log), server)
        print(server.add_insecure_port("127.0.0.1:0"), flush=True)
        await server.start()
        await asyncio.to_thread(sys.stdin.read)
        await server.stop(None)


@asynccontextmanager
async def a_service(dsn: str) -> AsyncIterator[GrpcLog]:
    """Give a client of the log served by a process of its own."""
    process: Process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.read", "--serve", dsn, stdin=PIPE, stdout=PIPE
    )
    if process.stdout is None or process.stdin is None:
        raise RuntimeError("no pipes")
    port = int(await process.stdout.readline())
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield GrpcLog(channel)
    process.stdin.close()
    await process.wait()


async def copy_out(session: "asyncpg.Connection[asyncpg.Record]", size: int, columns: Sequence[str]) -> float:
    """Return events a second that the server itself reads and encodes."""
    began = time.perf_counter()
    query = f"select {', '.join(columns)} from bench.events where position > 0 order by position"  # noqa: S608  # ours
    await session.execute(f"copy ({query}) to '/dev/null' (format binary)")
    return size / (time.perf_counter() - began)


async def read(log: Log, columns: Sequence[str]) -> float:
    """Return events a second that arrive decoded."""
    began = time.perf_counter()
    count = 0
    async for page in log.read_packed(0, columns=columns):
        count += page.count
    return count / (time.perf_counter() - began)


async def measure(dsn: str, rounds: int, size: int) -> None:
    """Print the table."""
    session = await asyncpg.connect(dsn)
    await migrate(session, package="event_log.migrations", schema="bench")
    await fill(dsn, size)
    await session.execute("vacuum analyze bench.events")
    gc.collect()
    found: dict[str, list[float]] = {}
    async with a_service(dsn) as remote, open_log(dsn, "bench") as local:
        await read(remote, COLUMNS)
        for _ in range(rounds):
            for name, columns in READS.items():
                limit = await copy_out(session, size, columns)
                through = await read(remote, columns)
                found.setdefault(f"{name}: through gRPC / COPY-out", []).append(through / limit)
                found.setdefault(f"{name}: through gRPC events/s", []).append(through)
                found.setdefault(f"{name}: in process / COPY-out", []).append(await read(local, columns) / limit)
                found.setdefault(f"{name}: COPY-out events/s", []).append(limit)
    await session.close()
    for name, values in found.items():
        print(f"{name:45} {statistics.median(values):12.3f}  ({min(values):.3f} to {max(values):.3f})")


def main() -> None:
    """Start a server and measure on it, or serve."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--events", type=int, default=250_000)
    parser.add_argument("--serve", metavar="DSN", help="serve the log of this database (the measurement's own use)")
    asked = parser.parse_args()
    if asked.serve:
        uvloop.run(serve(asked.serve))
        return
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder) / "postgres") as server:
            uvloop.run(measure(server.dsn(), asked.rounds, asked.events))


if __name__ == "__main__":
    main()
