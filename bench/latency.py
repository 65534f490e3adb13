"""How soon facts stand that are told one event at a time: told by a process of its own, followed by another.

The teller is no part of what is measured, so it may not take its time on the follower's loop. Both read one clock.

Usage: python -m bench.latency MONTH RATE SECONDS   (the log's address stands in HOLDFAST_BENCH_DSN; gives, as JSON, the
position of each event, when it was told, and the partition that a topic carries it in)
"""

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import uvloop

from bench.month_events import LOG_SCHEMA, appends_of
from event_log.kafka.record import PARTITIONS, partition_of, stream_key
from event_log.model import Append, Cursor, StreamAppend
from event_log.postgres import PostgresLog, open_log

AT_A_TIME = 200
"""Contacts that live at the same time."""
LAST_SECONDS = 60
TENANT = "other"
DSN = "HOLDFAST_BENCH_DSN"


class Told(NamedTuple):
    """An event that was told: when, and the partition in which a topic carries it."""

    position: int
    began: float
    partition: int


Follow = Callable[[Callable[[Cursor], None]], Coroutine[Any, Any, None]]
"""Follows for ever, and tells after each step how far all facts are."""


async def latencies(follow: Follow, dsn: str, asked: argparse.Namespace) -> tuple[list[Told], list[float]]:
    """Return the events told, and the seconds until all facts stood up to it.

    No one else may append to the log.
    """
    steps: list[tuple[int, float]] = []
    everything, last = asyncio.Event(), 0

    def stands(cursor: Cursor) -> None:
        steps.append((cursor.position, time.perf_counter()))
        if last and cursor.position >= last:
            everything.set()

    follower = asyncio.create_task(follow(stands))
    told = await asyncio.to_thread(_told_elsewhere, dsn, asked)
    last = told[-1].position
    if steps and steps[-1][0] >= last:
        everything.set()
    async with asyncio.timeout(LAST_SECONDS):
        await everything.wait()
    follower.cancel()
    with suppress(asyncio.CancelledError):
        await follower
    return told, [steps[bisect_left(steps, (event.position, 0.0))][1] - event.began for event in told]


def _told_elsewhere(dsn: str, asked: argparse.Namespace) -> list[Told]:
    """Run the teller; return what it told."""
    command = [sys.executable, "-m", "bench.latency", str(asked.month), str(asked.rate), str(asked.seconds)]
    done = subprocess.run(  # noqa: S603  # ourselves
        command, env=os.environ | {DSN: dsn}, stdout=subprocess.PIPE, check=True
    )
    return [Told(*event) for event in json.loads(done.stdout)]


async def tell(log: PostgresLog, singles: Sequence[Append], rate: int) -> list[Told]:
    """Tell events at a rate, none waiting for another; return them in order of position."""
    told: list[Told] = []

    async def one(append: Append) -> None:
        began = time.perf_counter()
        placed = await log.append(append)
        partition = partition_of(append.tenant, stream_key(append.streams[0].stream), PARTITIONS)
        told.append(Told(placed.placements[0].position, began, partition))

    began = time.perf_counter()
    async with asyncio.TaskGroup() as telling:
        for number, single in enumerate(singles):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            telling.create_task(one(single))
    return sorted(told)


def singles_of(appends: Sequence[Append]) -> list[Append]:
    """Return appends of one event each, some contacts at a time, one event of each in turn."""
    found: list[Append] = []
    for start in range(0, len(appends), AT_A_TIME):
        parts = [part for append in appends[start : start + AT_A_TIME] for part in append.streams]
        for number in range(max(len(part.events) for part in parts)):
            found += [
                Append(TENANT, [StreamAppend(part.stream, [part.events[number]])])
                for part in parts
                if number < len(part.events)
            ]
    return found


async def _tell(month: Path, rate: int, seconds: float) -> None:
    singles = singles_of(appends_of(month))[: int(rate * seconds)]
    gc.freeze()  # a pause of the teller's collector would be taken for one of the way
    async with open_log(os.environ[DSN], LOG_SCHEMA) as log:
        sys.stdout.write(json.dumps(await tell(log, singles, rate)))


def main() -> None:
    """Tell what the arguments say."""
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("month", type=Path)
    words.add_argument("rate", type=int)
    words.add_argument("seconds", type=float)
    given = words.parse_args()
    uvloop.run(_tell(given.month, given.rate, given.seconds))


if __name__ == "__main__":
    main()
