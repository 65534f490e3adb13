"""How soon events told one by one are facts behind a topic, with a process each for teller, relay and metrics.

The log has many events already, all of them facts and listed, when the teller begins. Postgres is asked a hundred
times a second how far the facts are, so times have that grain. An event's *own* facts stand when its partition is that
far, *all* up to it when every partition is.
"""

import argparse
import gc
import tempfile
import time
from asyncio import sleep
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import uvloop

from bench.facts import fill
from bench.feed_faults import places_of, reached
from bench.feed_system import Places, System, system
from bench.latency import latencies
from bench.month_events import LOG_SCHEMA, appends_of, told_often
from event_log.model import Cursor
from event_log.postgres import open_log

GRAIN_SECONDS = 0.01
WARMING_SECONDS = 5.0
"""What is told so early is left out."""
SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


class Watching:
    """Looks how far the facts are, and notes when each partition came where."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._steps: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)

    async def follow(self, stands: Callable[[Cursor], None]) -> None:
        """Look until cancelled; tell how far all of them are."""
        while True:
            found = await self._places.partitions()
            now = time.perf_counter()
            for partition, position in found.items():
                self._steps[partition].append((position, now))
            stands(Cursor("", 1, min(found.values())))
            await sleep(GRAIN_SECONDS)

    def stood(self, position: int, partition: int) -> float:
        """Return when a partition was seen to be at a position."""
        steps = self._steps[partition]
        return steps[bisect_left(steps, (position, 0.0))][1]


async def _measure(running: System, asked: argparse.Namespace) -> None:
    async with open_log(running.dsn, LOG_SCHEMA) as teller:
        head = await fill(teller, told_often(appends_of(asked.month), asked.events))
    gc.collect()
    gc.freeze()  # a pause of the looker's collector would be taken for one of the way
    services = {"relay": running.relay, "metrics": running.metrics()}
    processes = {name: psutil.Process(service.pid) for name, service in services.items()}
    async with places_of(running) as places:
        await reached(places.facts, head)
        await reached(places.listed, head)
        watching, before = Watching(places), _used(processes)
        told, until_all = await latencies(watching.follow, running.dsn, asked)
        used = {name: (after - before[name]) / len(told) * 1e6 for name, after in _used(processes).items()}
    warm = int(WARMING_SECONDS * asked.rate)
    until_own = [watching.stood(event.position, event.partition) - event.began for event in told]
    _show("its facts stand", asked.rate, until_own[warm:])
    _show("all facts up to it stand", asked.rate, until_all[warm:])
    print("CPU, microseconds an event: " + ", ".join(f"{name} {spent:.0f}" for name, spent in used.items()))


def _used(processes: Mapping[str, psutil.Process]) -> dict[str, float]:
    """Return the seconds of CPU that processes have used."""
    return {name: sum(process.cpu_times()[:2]) for name, process in processes.items()}


def _show(title: str, rate: int, waits: list[float]) -> None:
    found = sorted(waits)
    parts = {name: found[min(len(found) - 1, int(len(found) * share))] for name, share in SHARES.items()}
    shown = ", ".join(f"{name} {value:.3f}" for name, value in parts.items())
    print(f"told until {title} at {rate}/s, s: {shown}", flush=True)


def measure(asked: argparse.Namespace) -> None:
    """Start a system of its own and measure on it."""
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with system(folder) as running:
            uvloop.run(_measure(running, asked))
