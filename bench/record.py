"""How fast call-events records over gRPC, beside the server's own limit and an echo behind the same host, in one run.

Limits: COPY-1, a binary COPY of the very rows that were recorded into a fresh log's events table over one connection;
echo, unary calls of 200 bytes to a service that says them back, hosted alike. Each round measures limit and ours one
after the other, so that what else the machine does hits all of them; ratios are medians over the rounds.
Checks, masks and sealing are on; every tenth event tells a new caller's number.

Usage: python -m bench.record [--rounds N] [--seconds S] [--profile FILE]
"""

import argparse
import asyncio
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psutil
import uvloop
from google.protobuf.wrappers_pb2 import BytesValue

from event_log.rows import COLUMNS
from holdfast.call_events.v1.call_events_service_pb2 import RecordContactEventsRequest
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent, ContactName
from service_host import client
from service_host.embedded_postgres import EmbeddedPostgres
from service_host.local_issuer import AUDIENCE, ISSUER, LocalIssuer
from service_host.postgres import migrate

RECORD = "/holdfast.call_events.v1.CallEventsService/RecordContactEvents"
ECHO = "/holdfast.echo.v1.EchoService/Say"
BEGIN = 1_790_000_000
FLOORS = {"100 events a message, 4 callers / COPY-1": 0.30, "1 event a message, 64 callers / echo": 0.65}
Session = "asyncpg.Connection[Any]"


def contact(dice: random.Random, number: int) -> list[ContactEvent]:
    """The ten events of an answered contact, as an importer tells them."""
    name = ContactName(contact_id=str(UUID(int=dice.getrandbits(128))))
    visit, spell, leg = (str(UUID(int=dice.getrandbits(128))) for _ in range(3))
    seen = {"time_precision": "TIME_PRECISION_SECOND"}
    agent = {"observation": seen, "agent": "ANAT", "assignment_id": spell, "visit_id": visit}
    bodies: list[dict[str, Any]] = [
        {"contact_arrived": {"observation": seen, "caller": {"number": f"+4930{dice.randrange(10**8):08}"}}},
        {"customer_identified": {"observation": seen, "customer_ref": str(number), "method": "typed_id"}},
        {"flow_entered": {"observation": seen, "flow": "vru"}},
        {"flow_exited": {"observation": seen, "flow": "vru", "queue": "PS"}},
        {"enqueued": {"observation": seen, "queue": "PS", "visit_id": visit, "priority": 2}},
        {"dequeued": {"observation": seen, "queue": "PS", "visit_id": visit, "kind": "DEQUEUE_KIND_ANSWERED"}},
        {"leg_answered": {**agent, "leg_id": leg, "role": "LEG_ROLE_AGENT"}},
        {"bridged": {**agent, "peer_leg_id": leg, "queue": "PS"}},
        {"leg_ended": {"observation": seen, "leg_id": leg, "role": "LEG_ROLE_AGENT", "assignment_id": spell}},
        {"contact_closed": {"observation": seen}},
    ]
    events = []
    for second, body in enumerate(bodies):
        event = ContactEvent(event_id=str(UUID(int=dice.getrandbits(128))), contact=name, source_id="bank-1999", **body)
        event.event_time.seconds = BEGIN + number + second
        events.append(event)
    return events


class Told:
    """Requests made before the clock runs, of so many events each."""

    def __init__(self, seed: int, events: int, each: int) -> None:
        dice = random.Random(seed)  # noqa: S311  # data, not secrets
        told = [event for number in range(events // 10 + 1) for event in contact(dice, number)]
        self.each = each
        self.messages = [
            RecordContactEventsRequest(events=told[start : start + each]).SerializeToString()
            for start in range(0, events, each)
        ]


@contextmanager
def running(module: list[str], environment: dict[str, str]) -> Iterator[dict[str, Any]]:
    """A service as a process of its own; what it says when it is ready."""
    process = subprocess.Popen(  # noqa: S603  # our own module
        [sys.executable, *module], env=os.environ | environment, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


async def rate(address: str, token: str, method: str, messages: Iterator[bytes], callers: int, seconds: float) -> float:
    """Calls a second that so many callers get answered, each waiting for its own."""
    async with client.connect(address, token=token) as channel:
        call = channel.unary_unary(method)
        until = time.perf_counter() + seconds

        async def caller() -> int:
            answered = 0
            for message in messages:
                await call(message)
                answered += 1
                if time.perf_counter() > until:
                    break
            return answered

        began = time.perf_counter()
        answered = await asyncio.gather(*(caller() for _ in range(callers)))
        return sum(answered) / (time.perf_counter() - began)


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has taken."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


async def with_cpu(pid: int, measured: Awaitable[float]) -> tuple[float, float]:
    """A rate, and the microseconds of processor time that a process took for each."""
    spent, began = cpu_seconds(pid), time.perf_counter()
    calls = await measured
    return calls, (cpu_seconds(pid) - spent) / (calls * (time.perf_counter() - began)) * 1e6


async def copy_one(session: "asyncpg.Connection[Any]", rows: bytearray) -> float:
    """Rows a second of one COPY into a fresh log's table."""
    await session.execute("drop schema if exists bench_copy cascade")
    await migrate(session, package="event_log.migrations", schema="bench_copy")
    await session.execute("set search_path = bench_copy; select ensure_partitions(1)")
    began = time.perf_counter()
    done = await session.copy_to_table("events", source=rows, columns=COLUMNS, format="binary")  # type: ignore[arg-type]
    return int(done.split()[1]) / (time.perf_counter() - began)


async def recorded_rows(session: "asyncpg.Connection[Any]", count: int) -> bytearray:
    """The last rows that were recorded, as COPY gives them."""
    rows = bytearray()

    async def take(data: bytes) -> None:
        rows.extend(data)

    columns = ", ".join(COLUMNS)
    last = "(select max(last) from call_events.log_flush)"
    query = f"select {columns} from call_events.events where position > {last} - {count} order by position"  # noqa: S608  # our own names
    await session.copy_from_query(query, output=take, format="binary")
    return rows


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A session."""
    session = await asyncpg.connect(dsn)
    try:
        yield session
    finally:
        await session.close()


async def measure(
    dsn: str, record: str, echo: str, pids: tuple[int, int], tokens: tuple[str, str], asked: argparse.Namespace
) -> None:
    """Measure in rounds and print the table."""
    many, single = Told(1999, 300_000 * asked.rounds, 100), Told(2026, 30_000 * asked.rounds, 1)
    batches, events = iter(many.messages), iter(single.messages)
    says = BytesValue(value=bytes(200)).SerializeToString()
    found: dict[str, list[float]] = {}
    async with connected(dsn) as session:
        await rate(record, tokens[0], RECORD, batches, 4, 1.0)
        for _ in range(asked.rounds):
            rows = await recorded_rows(session, 20_000)
            before = await copy_one(session, rows)
            ours, busy = await with_cpu(pids[0], rate(record, tokens[0], RECORD, batches, 4, asked.seconds))
            limit = (before + await copy_one(session, rows)) / 2
            said, echo_busy = await with_cpu(pids[1], rate(echo, tokens[1], ECHO, repeat(says), 64, asked.seconds))
            unary, unary_busy = await with_cpu(pids[0], rate(record, tokens[0], RECORD, events, 64, asked.seconds))
            said = (said + await rate(echo, tokens[1], ECHO, repeat(says), 64, asked.seconds)) / 2
            for name, value in {
                "COPY-1 rows/s": limit,
                "100 events a message, 4 callers: events/s": ours * many.each,
                "100 events a message, 4 callers / COPY-1": ours * many.each / limit,
                "100 events a message: CPU of the service, us/event": busy / many.each,
                "echo calls/s, 64 callers": said,
                "echo: CPU of the service, us/call": echo_busy,
                "1 event a message, 64 callers: calls/s": unary,
                "1 event a message: CPU of the service, us/call": unary_busy,
                "1 event a message, 64 callers / echo": unary / said,
            }.items():
                found.setdefault(name, []).append(value)
    for name, values in found.items():
        floor = f"  at least {FLOORS[name]}" if name in FLOORS else ""
        print(f"{name:52} {statistics.median(values):12.3f}  ({min(values):.3f} to {max(values):.3f}){floor}")


def main() -> None:
    """Start a server and both services, and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--profile", help="write the service's profile (cProfile) to this file")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-bench-")))
        folder.chmod(0o711)
        server = stack.enter_context(EmbeddedPostgres(folder / "postgres"))
        issuer = LocalIssuer(folder / "issuer")
        environment = {
            "HOLDFAST_DATABASE_URL": server.dsn(),
            "HOLDFAST_JWKS": str(issuer.jwks),
            "HOLDFAST_ISSUER": ISSUER,
            "HOLDFAST_AUDIENCE": AUDIENCE,
            "HOLDFAST_CALL_EVENTS_MASTER_KEY_FILE": str(folder / "master.key"),
        }
        subprocess.run([sys.executable, "-m", "call_events", "migrate"], env=os.environ | environment, check=True)
        profiled = ["-m", "cProfile", "-o", asked.profile] if asked.profile else []
        record = stack.enter_context(running([*profiled, "-m", "call_events", "serve"], environment))
        echo = stack.enter_context(running(["-m", "service_host.echo", "--ready-json"], environment))
        tokens = (
            issuer.mint("bank", "bench", scopes=["events:write"], sources=["*"]),
            issuer.mint("bank", "bench", scopes=["echo"]),
        )
        uvloop.run(measure(server.dsn(), record["grpc"], echo["grpc"], (record["pid"], echo["pid"]), tokens, asked))


if __name__ == "__main__":
    main()
