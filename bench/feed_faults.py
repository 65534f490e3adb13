"""What becomes of the way through a topic when parts of it go: a broker away under load, readers drained and killed.

*Backlog*: events are told at a rate without a pause; the broker is killed and left away; from the moment it answers
again until the topic and the facts have all that was told up to then, and until facts are less than a second behind.
*Takeover*: two metrics share the topic; one is drained, killed or stopped; until the other owns every partition, and
until facts have all that was told up to then.
"""

import argparse
import asyncio
import signal
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import uvloop

from bench.feed_system import Places, Service, System, system
from bench.telling import telling
from event_log.kafka.record import PARTITIONS

LEAD_SECONDS = 5.0
"""Told before anything goes."""
PAUSE_SECONDS = 0.02
PATIENCE_SECONDS = 300.0
BACKLOG_RATE, TAKEOVER_RATE = 2_000, 200
BACKLOG_SECONDS = 30.0
"""Asked: a backlog is gone so soon."""
WAYS = {"drained": (signal.SIGTERM, 2.0), "killed": (signal.SIGKILL, 10.0), "stopped": (signal.SIGSTOP, 10.0)}
"""How an instance goes, and within how many seconds another one is asked to have taken over."""


async def until(check: Callable[[], Awaitable[bool]]) -> float:
    """Wait until something is so; return the instant."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await check():  # noqa: ASYNC110  # Postgres tells nobody
            await asyncio.sleep(PAUSE_SECONDS)
    return time.perf_counter()


async def reached(place: Callable[[], Awaitable[int]], position: int) -> float:
    """Wait until a place is at a position; return the instant."""

    async def is_there() -> bool:
        return await place() >= position

    return await until(is_there)


@asynccontextmanager
async def places_of(running: System) -> AsyncIterator[Places]:
    """Give what Postgres knows."""
    session = await asyncpg.connect(running.dsn)
    try:
        yield Places(session)
    finally:
        await session.close()


async def backlog(running: System, away_seconds: float, rate: int) -> None:
    """Kill the broker under load, start it again later, and print how soon the backlog was gone."""
    running.metrics()
    async with places_of(running) as places:
        with telling(running.call_events.ready["grpc"], running.token(), rate) as teller:
            await asyncio.sleep(LEAD_SECONDS)
            running.broker.kill()
            await asyncio.sleep(away_seconds)
            running.broker.start()  # nothing of ours waits for this loop meanwhile
            back, head = time.perf_counter(), await places.head()
            print(f"{head - await places.topic()} events behind when the broker answered again", flush=True)
            carried = await reached(places.topic, head) - back
            folded = await reached(places.facts, head) - back

            async def current() -> bool:
                return await places.head() - await places.facts() < rate

            live = await until(current) - back
    print(f"told meanwhile: {teller.summary}")
    print(f"backlog in the topic after {carried:.1f} s, in the facts after {folded:.1f} s (asked: {BACKLOG_SECONDS} s)")
    print(f"facts less than a second behind after {live:.1f} s")


async def takeover(running: System, rounds: int, rate: int) -> None:
    """Let one of two instances go in each way, and print how soon the other had taken over."""
    first = running.metrics()
    async with places_of(running) as places:
        with telling(running.call_events.ready["grpc"], running.token(), rate):
            for way, (how, asked) in WAYS.items():
                found = [await taken_over(running, places, first, how) for _ in range(rounds)]
                owned, folded = zip(*found, strict=True)
                print(
                    f"{way}: all owned by the other after {_spread(owned)}, facts whole after {_spread(folded)};"
                    f" asked: {asked:.0f} s",
                    flush=True,
                )


async def taken_over(running: System, places: Places, first: Service, how: signal.Signals) -> tuple[float, float]:
    """Let a second instance take its half and go; the seconds until the first owned all, and had folded all."""
    second = await asyncio.to_thread(running.metrics)

    async def shared() -> bool:
        return await places.owners() == {first.pid: PARTITIONS // 2, second.pid: PARTITIONS // 2}

    async def alone() -> bool:
        return await places.owners() == {first.pid: PARTITIONS}

    await until(shared)
    await reached(places.facts, await places.head())
    gone = time.perf_counter()
    second.send(how)
    owned = await until(alone)
    folded = await reached(places.facts, await places.head())
    await asyncio.to_thread(second.end, signal.SIGKILL)
    return owned - gone, folded - gone


def _spread(seconds: tuple[float, ...]) -> str:
    return f"{statistics.median(seconds):.1f} s ({min(seconds):.1f} to {max(seconds):.1f})"


async def _measure(running: System, asked: argparse.Namespace) -> None:
    if asked.backlog:
        await backlog(running, asked.backlog, asked.rate or BACKLOG_RATE)
    else:
        await takeover(running, asked.rounds, asked.rate or TAKEOVER_RATE)


def measure(asked: argparse.Namespace) -> None:
    """Start a system of its own and measure what is asked for on it."""
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with system(folder) as running:
            uvloop.run(_measure(running, asked))
