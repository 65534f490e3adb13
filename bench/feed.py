"""How fast events of a topic become facts, beside a bare consumer of the same records, all in one run on one broker.

Limit: the library's own consumer reading the same topic and looking at nothing. Ours: metrics following the topic from
its beginning, all partitions in one instance, until every event stands in the tables. Each round measures both, one
after the other; the ratio is the median over the rounds. The events are those of a month of the bank's archive, told
as often as it takes under other tenants. Memory is the process's own, before and at its most.

With --rate events are told one by one at that rate: from before each append until its facts stand, see
`bench.feed_latency`.

With --backlog the broker is killed under load and left away for so many seconds, with --takeover readers of the topic
are drained, killed and stopped: see `bench.feed_faults`.

Usage: python -m bench.feed [--month FILE] [--rounds N] [--events N]
       python -m bench.feed --rate EVENTS_A_SECOND [--seconds S] [--events N]
       python -m bench.feed --backlog SECONDS_AWAY [--rate EVENTS_A_SECOND]
       python -m bench.feed --takeover [--rounds N] [--rate EVENTS_A_SECOND]
"""

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil
import uvloop
from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from bench import feed_faults, feed_latency
from bench.facts import fill
from bench.month_events import LOG_SCHEMA, MONTH, appends_of, told_often
from event_log.connections import Connections
from event_log.errors import EventLogError
from event_log.kafka.broker import found_broker
from event_log.kafka.checkpoints import PostgresCheckpoints
from event_log.kafka.clients import opened
from event_log.kafka.feed import KafkaFeed
from event_log.kafka.polling import FETCH_BYTES, MOST_RECORDS, PARTITION_BYTES, Topic
from event_log.kafka.producing import open_topic
from event_log.kafka.record import PARTITIONS
from event_log.kafka.relay import Relay
from event_log.kafka.shares import Share
from event_log.kafka.source import LogSource
from event_log.kafka.topic import TopicSettings, ensure_topic
from event_log.kafka.window import Checkpoint, Window
from event_log.model import Cursor
from event_log.postgres import PostgresLog, open_log
from metrics import schema
from metrics.follow.shared_follower import SharedFollower
from metrics.generation import create_generation, drop_generation, go_live
from service_host.embedded_postgres import EmbeddedPostgres
from service_host.postgres import Database, connect, migrate

FLOORS = {"consumed and folded / bare": 0.6, "folded, events/s": 40_000}
TOPIC = "bench"


@dataclass(frozen=True, slots=True)
class Scene:
    """A log, a topic that carries it, and a database for facts."""

    log: PostgresLog
    dsn: str
    bootstrap: str
    database: Database
    partitions: int

    @property
    def feed(self) -> KafkaFeed:
        """The feed of both."""
        return KafkaFeed("bench", self.log, Topic((self.bootstrap,), TOPIC))


class Watching:
    """See event_log.kafka.relay.Watch: knows how far the topic is."""

    def __init__(self) -> None:
        self._position = 0
        self._moved = asyncio.Event()

    async def until(self, position: int) -> None:
        """Wait until all is acknowledged up to a position."""
        while self._position < position:
            self._moved.clear()
            await self._moved.wait()

    def took(self, epoch: int) -> None:
        """See Watch."""

    def lost(self) -> None:
        """See Watch."""

    def sending(self, window: Window) -> AbstractContextManager[object]:
        """See Watch."""
        return nullcontext(window)

    def stands(self, at: Checkpoint, window: Window) -> None:
        """See Watch."""
        del window
        self._position = at.cursor.position
        self._moved.set()

    def interrupted(self, trouble: EventLogError) -> None:
        """See Watch."""
        print(f"the relay was interrupted: {trouble}")


async def relaying(scene: Scene, watching: Watching) -> "asyncio.Task[None]":
    """Start to relay the log."""
    wanted = TopicSettings(TOPIC, scene.partitions)
    await asyncio.to_thread(ensure_topic, scene.bootstrap, wanted)
    share = Share.parse("1/1")
    source = LogSource(scene.log, share.partitions(scene.partitions), scene.partitions)
    connections = Connections(scene.dsn, LOG_SCHEMA, readers=2)
    checkpoints = PostgresCheckpoints(connections, TOPIC, share, scene.partitions, "bench")
    relay = Relay(source, lambda: open_topic(scene.bootstrap, wanted), checkpoints, watching, time.monotonic)

    async def run() -> None:
        async with source:
            await relay.run()

    return asyncio.create_task(run())


def bare(bootstrap: str, partitions: int) -> tuple[int, float]:
    """Return how many records a bare consumer reads, and in how many seconds."""
    consumer = opened(
        KafkaConsumer,
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=PARTITION_BYTES,
        fetch_max_bytes=FETCH_BYTES,
        metrics_enabled=False,
    )
    try:
        assigned = [TopicPartition(TOPIC, number) for number in range(partitions)]
        consumer.assign(assigned)
        until = sum(consumer.end_offsets(assigned).values())
        consumer.seek_to_beginning(*assigned)
        began, read = time.perf_counter(), 0
        while read < until:
            read += sum(map(len, consumer.poll(timeout_ms=1000, max_records=MOST_RECORDS).values()))
        return read, time.perf_counter() - began
    finally:
        consumer.close(autocommit=False)


async def anew(scene: Scene) -> None:
    """Let empty facts be live."""
    async with scene.database.acquire(60) as session:
        await session.execute("delete from metrics.live_generation")
        await drop_generation(session, "facts_live")
        await create_generation(session, "facts_live")
        await go_live(session, "facts_live")


async def followed(scene: Scene, head: int) -> tuple[float, float]:
    """Return the seconds in which one instance follows the topic to its head, and by how many MB it grew at most."""
    await anew(scene)
    there = asyncio.Event()
    process = psutil.Process(os.getpid())
    before = most = process.memory_info().rss

    def stands(cursor: Cursor) -> None:
        nonlocal most
        most = max(most, process.memory_info().rss)
        if cursor.position >= head:
            there.set()

    began = time.perf_counter()
    task = asyncio.create_task(SharedFollower(scene.database, scene.feed, "bench", stands).run())
    await asyncio.wait({task, waiting := asyncio.create_task(there.wait())}, return_when=asyncio.FIRST_COMPLETED)
    seconds = time.perf_counter() - began
    waiting.cancel()
    await ended(task)
    return seconds, (most - before) / 1e6


async def ended(task: "asyncio.Task[None]") -> None:
    """End a task; raise what it raised."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def measure(dsn: str, bootstrap: str, asked: argparse.Namespace) -> None:
    """Print the table."""
    session = await asyncpg.connect(dsn)
    for package in ("event_log.migrations", "event_log.relay_migrations"):
        await migrate(session, package=package, schema=LOG_SCHEMA)
    await schema.bring_up_to_date(session)
    async with open_log(dsn, LOG_SCHEMA) as log, connect(dsn) as database:
        scene = Scene(log, dsn, bootstrap, database, asked.partitions)
        relay = await relaying(scene, watching := Watching())
        async with open_log(dsn, LOG_SCHEMA) as teller:
            head = await fill(teller, told_often(appends_of(asked.month), asked.events))
        began = time.perf_counter()
        await watching.until(head)
        print(f"{head} events relayed, the last {time.perf_counter() - began:.1f} s after they were told")
        await rounds(scene, head, asked.rounds)
        await ended(relay)
    await session.close()


async def rounds(scene: Scene, head: int, number: int) -> None:
    """Measure the bare consumer and ours, one after the other, and print medians."""
    found: dict[str, list[float]] = {}
    for _ in range(number):
        begun = time.process_time()
        records, alone = await asyncio.to_thread(bare, scene.bootstrap, scene.partitions)
        between = time.process_time()
        seconds, grown = await followed(scene, head)
        ended_at = time.process_time()
        for name, value in {
            "consumed and folded / bare": alone / seconds,
            "bare, records/s": records / alone,
            "folded, events/s": head / seconds,
            "bare, CPU microseconds a record": (between - begun) / records * 1e6,
            "folded, CPU microseconds an event": (ended_at - between) / head * 1e6,
            "grown meanwhile, MB": grown,
        }.items():
            found.setdefault(name, []).append(value)
    for name, values in found.items():
        floor = f"  floor {FLOORS[name]}" if name in FLOORS else ""
        print(f"{name:45} {statistics.median(values):12.3f}  ({min(values):.3f} to {max(values):.3f}){floor}")


def main() -> None:
    """Start a server and a broker and measure on them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--month", type=Path, default=MONTH)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--partitions", type=int, default=PARTITIONS)
    parser.add_argument("--rate", type=int, default=0, help="measure how soon facts stand at this rate, instead")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--backlog", type=float, default=0.0, help="leave the broker away for so many seconds, instead")
    parser.add_argument("--takeover", action="store_true", help="let readers of the topic go, instead")
    asked = parser.parse_args()
    if asked.backlog or asked.takeover:
        feed_faults.measure(asked)
        return
    if asked.rate:
        feed_latency.measure(asked)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-bench-")))
        folder.chmod(0o711)
        broker = stack.enter_context(found_broker(folder / "kafka"))
        server = stack.enter_context(EmbeddedPostgres(folder / "postgres"))
        uvloop.run(measure(server.dsn(), broker.bootstrap, asked))


if __name__ == "__main__":
    main()
