"""How fast one relay fills a topic, beside what the client library alone can do; how soon a standby takes over.

Limit: kafka-python alone sends the very same records to the same broker by the same settings, window after window, each
acknowledged before the next. Ours reads them from the log in Postgres, makes them, sends them, tells all partitions how
far they are whole and moves the checkpoint. Each round measures one after the other, on topics of 48 partitions.

Usage: python -m bench.relay [--rounds N] [--events N]
"""

import argparse
import asyncio
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import uvloop
from kafka import KafkaProducer

from bench.append import TENANT, Events
from event_log.connections import Connections
from event_log.errors import EventLogError
from event_log.kafka.batch_form import decoded
from event_log.kafka.broker import found_broker
from event_log.kafka.checkpoints import PostgresCheckpoints
from event_log.kafka.clients import opened
from event_log.kafka.outgoing import WINDOW_EVENTS, windows_of
from event_log.kafka.producing import abandon, open_topic, producer_settings
from event_log.kafka.record import PARTITIONS, Origin
from event_log.kafka.relay import Relay
from event_log.kafka.shares import Share
from event_log.kafka.source import LogSource
from event_log.kafka.topic import TopicSettings, ensure_topic
from event_log.kafka.window import Checkpoint, ToSend, Window, beginning, records_of
from event_log.log import Log
from event_log.model import Append
from event_log.postgres import open_log
from service_host.embedded_postgres import EmbeddedPostgres
from service_host.postgres import migrate

SCHEMA = "bench"
WHOLE = Share(1, 1)
PATIENCE_SECONDS = 120.0
LOAD_PAUSE_SECONDS = 0.02
WAYS = {"drained": signal.SIGTERM, "killed": signal.SIGKILL, "stopped": signal.SIGSTOP}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a relay works."""

    bootstrap: str
    dsn: str
    topic: str


class Watched:
    """A relay's watch that says when it first sent, and when it stood at a position."""

    def __init__(self, until: int, told: Callable[[str], None] = lambda _: None) -> None:
        self.began = self.began_cpu = 0.0
        self.there = asyncio.Event()
        self._until = until
        self._told = told

    def took(self, epoch: int) -> None:
        self._told(f"took {epoch}")

    def lost(self) -> None:
        self._told("lost")

    def sending(self, window: Window) -> AbstractContextManager[object]:
        if not self.began:
            self.began, self.began_cpu = time.perf_counter(), time.process_time()
        return nullcontext(window)

    def stands(self, at: Checkpoint, window: Window) -> None:
        if window.events:
            self._told("sent")
        if at.cursor.position >= self._until:
            self.there.set()

    def interrupted(self, trouble: EventLogError) -> None:
        self._told(f"interrupted {trouble}")


@asynccontextmanager
async def running(place: Place, log: Log, watch: Watched) -> AsyncIterator[None]:
    """Run a relay for as long as the context lasts."""
    topic, connections = TopicSettings(place.topic), Connections(f"{place.dsn}?synchronous_commit=off", SCHEMA)
    checkpoints = PostgresCheckpoints(connections, place.topic, WHOLE, PARTITIONS, "bench")
    async with LogSource(log, range(PARTITIONS), PARTITIONS) as source:
        relay = Relay(source, lambda: open_topic(place.bootstrap, topic), checkpoints, watch, time.monotonic)
        task = asyncio.create_task(relay.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await connections.close()


@dataclass(frozen=True, slots=True)
class Speed:
    """What so many records took: by the clock, and of this process's CPU."""

    records: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        return self.records / self.seconds

    @property
    def cpu_us(self) -> float:
        return self.cpu_seconds / self.records * 1e6

    def __str__(self) -> str:
        return f"{self.rate:,.0f}/s ({self.cpu_us:.0f} µs of CPU each)"


async def relayed(place: Place, log: Log, events: int) -> Speed:
    """Return how fast one relay was, from its first window to its last."""
    watch = Watched(events)
    async with running(place, log, watch), asyncio.timeout(PATIENCE_SECONDS):
        await watch.there.wait()
        return Speed(events, time.perf_counter() - watch.began, time.process_time() - watch.began_cpu)


def produced(place: Place, windows: Sequence[Sequence[ToSend]]) -> Speed:
    """Return how fast the library alone was, with headers in its own form."""
    ensure_topic(place.bootstrap, TopicSettings(place.topic))
    told = [[(at, key, value, decoded(headers)) for at, key, value, headers in window] for window in windows]
    producer = opened(KafkaProducer, **producer_settings(place.bootstrap))
    try:
        began, began_cpu = time.perf_counter(), time.process_time()
        for window in told:
            for partition, key, value, headers in window:
                producer.send(place.topic, value=value, key=key, headers=headers, partition=partition)
            producer.flush(PATIENCE_SECONDS)
        return Speed(sum(map(len, windows)), time.perf_counter() - began, time.process_time() - began_cpu)
    finally:
        abandon(producer)


async def windows_of_log(log: Log) -> list[list[ToSend]]:
    """Return the records of a whole log, as a relay makes them."""
    held, origin = beginning(await log.head(), range(PARTITIONS)), Origin(SCHEMA, 1, 1)
    windows = []
    async for page in log.read_packed(0, page_size=2 * WINDOW_EVENTS):
        for window in windows_of(page, range(PARTITIONS), PARTITIONS):
            records, held = records_of(window, held, origin)
            windows.append(records)
    return windows


async def filled(log: Log, events: int) -> None:
    """Write a log of contacts' events, about 300 bytes each."""
    appends = Events(1, 20_000).appends(10)
    for _ in range(events // 1000):
        await log.append_all([next(appends) for _ in range(100)])


async def takeover(place: Place, log: Log, how: signal.Signals) -> float:
    """Return the seconds from the end of one relay until its standby has sent, while events go on arriving."""
    appends: Iterator[Append] = Events(2, 2000).appends(1)
    with _relays(place) as start:
        first = await asyncio.to_thread(start)
        await asyncio.to_thread(first.wait_for, "sent")
        second = await asyncio.to_thread(start)
        began = time.perf_counter()
        first.process.send_signal(how)
        taking = asyncio.create_task(asyncio.to_thread(second.wait_for, "sent"))
        while not taking.done():
            await log.append(next(appends))
            await asyncio.sleep(LOAD_PAUSE_SECONDS)
        return await taking - began


@dataclass(frozen=True, slots=True)
class _Child:
    process: "subprocess.Popen[str]"

    def wait_for(self, word: str) -> float:
        """Return when it said a word."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(word):
                return time.perf_counter()
        raise RuntimeError(f"the relay ended without a word of {word}")


@contextmanager
def _relays(place: Place) -> Iterator[Callable[[], _Child]]:
    children: list[_Child] = []

    def start() -> _Child:
        command = [
            sys.executable,
            "-m",
            "bench.relay",
            "--child",
            json.dumps([place.bootstrap, place.dsn, place.topic]),
        ]
        children.append(_Child(subprocess.Popen(command, stdout=subprocess.PIPE, text=True)))  # noqa: S603  # ours
        children[-1].wait_for("up")
        return children[-1]

    try:
        yield start
    finally:
        for child in children:
            child.process.kill()
            child.process.communicate()


async def as_child(place: Place) -> None:
    """Relay until SIGTERM, saying what happens."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    watch = Watched(sys.maxsize, lambda word: print(word, flush=True))
    async with open_log(place.dsn, SCHEMA) as log, running(place, log, watch):
        print("up", flush=True)
        await stop.wait()


async def measure(bootstrap: str, dsn: str, rounds: int, events: int, ways: Mapping[str, signal.Signals]) -> None:
    """Print what was measured."""
    session = await asyncpg.connect(dsn)
    for package in ("event_log.migrations", "event_log.relay_migrations"):
        await migrate(session, package=package, schema=SCHEMA)
    await session.close()
    run = int(time.time())
    async with open_log(dsn, SCHEMA) as log:
        await filled(log, events)
        windows = await windows_of_log(log)
        ratios, busy = list[float](), list[float]()
        for number in range(rounds):
            place = [Place(bootstrap, dsn, f"bench-{run}-{number}-{kind}") for kind in ("library", "relay")]
            library = await asyncio.to_thread(produced, place[0], windows)
            ours = await relayed(place[1], log, events)
            ratios.append(ours.rate / library.rate)
            busy.append(library.cpu_us / ours.cpu_us)
            print(f"round {number + 1}: library {library}, relay {ours}, ratio {ratios[-1]:.2f}", flush=True)
        for name, found in (("relay / library", ratios), ("the same by CPU of the process", busy)):
            print(f"{name}: {statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})", flush=True)
        for way, how in ways.items():
            times = [await takeover(Place(bootstrap, dsn, f"bench-{run}-{way}-{n}"), log, how) for n in range(2)]
            print(f"takeover when {way}: {', '.join(f'{seconds:.1f} s' for seconds in times)}", flush=True)


def main() -> None:
    """Measure, or be a relay of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--no-takeover", action="store_true", help="measure the speed alone")
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        uvloop.run(as_child(Place(*json.loads(asked.child))))
        return
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with found_broker(folder / "kafka") as broker, EmbeddedPostgres(folder / "postgres") as server:
            dsn = server.create_database(TENANT)
            uvloop.run(measure(broker.bootstrap, dsn, asked.rounds, asked.events, {} if asked.no_takeover else WAYS))


if __name__ == "__main__":
    main()
