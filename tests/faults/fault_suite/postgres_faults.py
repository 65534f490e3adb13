"""Faults of Postgres: crashed, cut off, frozen, its sessions ended, its disk full, an old backup in its place."""

import asyncio
import shutil
import signal
import subprocess
from pathlib import Path
from random import Random

import asyncpg
import psutil

from fault_suite.fault import Fault, drain, fault, frozen, processes_of
from fault_suite.wiring import CALL_EVENTS, FACTS_DATABASE, LOG_DATABASE, METRICS, RELAY
from fault_suite.world import TELLING, World
from service_host.embedded_postgres import EmbeddedPostgres

FULL_SECONDS = 2.0
COPY_SECONDS = 60
DRAIN_SECONDS = 30.0
TELL_AGAIN_SECONDS = 120.0
EVERY_OPERATION = 1_000_000


@fault("F5", LOG_DATABASE)
async def log_postgres_crashed(world: World, chance: Random) -> None:
    """Let the log's server crash as `-m immediate` does, and start it again."""
    await _crashed(world.log_server, chance)


@fault("F5", FACTS_DATABASE)
async def facts_postgres_crashed(world: World, chance: Random) -> None:
    """Do the same to the facts' server."""
    await _crashed(world.facts_server, chance)


@fault("F5", LOG_DATABASE)
async def log_postgres_lost_power(world: World, chance: Random) -> None:
    """Kill every process of the log's server at once."""
    await asyncio.sleep(chance.uniform(0, 0.3))
    found = processes_of(world.log_server)
    for process in found:
        process.kill()
    await asyncio.to_thread(psutil.wait_procs, found, 10)
    world.log_server.restart()


@fault("F6", LOG_DATABASE)
async def log_postgres_frozen(world: World, chance: Random) -> None:
    """Freeze the log's server."""
    async with frozen(*processes_of(world.log_server)):
        await asyncio.sleep(chance.uniform(0.5, 3.0))


@fault("F6", FACTS_DATABASE)
async def facts_postgres_frozen(world: World, chance: Random) -> None:
    """Freeze the facts' server."""
    async with frozen(*processes_of(world.facts_server)):
        await asyncio.sleep(chance.uniform(0.5, 3.0))


@fault("F5 F6", LOG_DATABASE)
async def log_sessions_ended(world: World, chance: Random) -> None:
    """End every session of the log's server, a few times."""
    for _ in range(3):
        await _end_sessions(world.log_server)
        await asyncio.sleep(chance.uniform(0.05, 0.3))


@fault("F12", LOG_DATABASE, weight=2)
async def disk_full(world: World, chance: Random) -> None:
    """Leave the log's server no room, then give it room again; one that gave up is started as its keeper would."""
    assert world.disk is not None
    world.disk.fill()
    try:
        await asyncio.sleep(FULL_SECONDS + chance.uniform(0, 1))
    finally:
        world.disk.widen()
    await asyncio.sleep(0.2)
    if not world.log_server.running:
        world.log_server.restart()


@fault("F17", LOG_DATABASE, CALL_EVENTS, METRICS, FACTS_DATABASE, RELAY, TELLING, weight=1)
async def backup_restored(world: World, chance: Random) -> None:
    """Take a backup, go on, put the backup back as the recipe says; what was lost by it is told again."""
    backup = world.folder / "backup"
    await world.command("mark")
    await _log_stopped(world)
    await asyncio.to_thread(_copy, world, backup)
    await _log_started(world)
    await asyncio.sleep(chance.uniform(1.0, 2.0))
    await world.command("hold", DRAIN_SECONDS)
    await _log_stopped(world)
    await asyncio.to_thread(_put_back, world, backup)
    world.log_server.start()
    await _raise_incarnation(world.parts.url)
    await world.start(world.first(CALL_EVENTS))
    await world.command("tell_again", TELL_AGAIN_SECONDS, times=1, most=EVERY_OPERATION, since_mark=True)
    await world.command("resume")


async def _log_stopped(world: World) -> None:
    """Drain call-events, then stop the log's server."""
    await drain(world.first(CALL_EVENTS))
    world.log_server.stop()


async def _log_started(world: World) -> None:
    world.log_server.start()
    await world.start(world.first(CALL_EVENTS))


def _copy(world: World, backup: Path) -> None:
    shutil.rmtree(backup, ignore_errors=True)
    _copied(world.log_server.folder.cluster, backup)


def _put_back(world: World, backup: Path) -> None:
    cluster = world.log_server.folder.cluster
    shutil.rmtree(cluster)
    _copied(backup, cluster)


def _copied(source: Path, target: Path) -> None:
    """Copy the files of a server that does not run, each with its owner."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True, timeout=COPY_SECONDS)  # noqa: S607  # the system's


async def _raise_incarnation(url: str) -> None:
    owner = await asyncpg.connect(url)
    try:
        await owner.fetchval("select call_events.raise_incarnation('restored from a backup')")
    finally:
        await owner.close()


async def _crashed(server: EmbeddedPostgres, chance: Random) -> None:
    await asyncio.sleep(chance.uniform(0, 0.3))
    processes_of(server)[0].send_signal(signal.SIGQUIT)
    await asyncio.sleep(chance.uniform(0.1, 0.5))
    server.restart()


async def _end_sessions(server: EmbeddedPostgres) -> None:
    owner = await asyncpg.connect(server.dsn())
    try:
        await owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend'"
            " and pid <> pg_backend_pid()"
        )
    finally:
        await owner.close()


POSTGRES_FAULTS: tuple[Fault, ...] = (
    log_postgres_crashed,
    facts_postgres_crashed,
    log_postgres_lost_power,
    log_postgres_frozen,
    facts_postgres_frozen,
    log_sessions_ended,
    disk_full,
    backup_restored,
)
