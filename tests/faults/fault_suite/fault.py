"""What a fault is here: its kind, and what is done to the world; and how processes are stopped and let go on."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

import psutil

from fault_suite.schedule import Kind
from fault_suite.world import World
from service_host.embedded_postgres import EmbeddedPostgres
from system_parts import Part

Run = Callable[[World, Random], Awaitable[None]]
"""Puts a fault on the world, waits, and takes it away again."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind and what it does."""

    kind: Kind
    run: Run


def fault(stands_for: str, *takes: str, weight: int = 4) -> Callable[[Run], Fault]:
    """Make a function the fault of its name."""

    def made(run: Run) -> Fault:
        return Fault(Kind(run.__name__, stands_for, frozenset(takes), weight), run)

    return made


@asynccontextmanager
async def frozen(*processes: psutil.Process) -> AsyncIterator[None]:
    """Stop processes where they stand; let them go on at the end."""
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in reversed(processes):
            if process.is_running():
                process.send_signal(signal.SIGCONT)


def process_of(part: Part) -> psutil.Process:
    """Return the process of a part."""
    return psutil.Process(part.pid)


def processes_of(server: EmbeddedPostgres) -> list[psutil.Process]:
    """Return a server's processes, the postmaster first."""
    postmaster = psutil.Process(server.pid)
    return [postmaster, *postmaster.children(recursive=True)]


async def kill_again(world: World, part: Part, after_seconds: float = 0.0) -> None:
    """Kill a part, in a way that cannot be caught, and start it again."""
    await asyncio.sleep(after_seconds)
    part.kill()
    await world.start(part)


async def drain(part: Part) -> None:
    """Ask a part to end, and wait until it has."""
    status = await asyncio.to_thread(part.kill, signal.SIGTERM)
    assert status == 0, f"{part.module} did not drain: {part.last_words()}"
