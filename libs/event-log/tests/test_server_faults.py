"""A log whose Postgres is killed, frozen or restarted: nothing acknowledged is lost, every call ends in time."""

import asyncio
import random
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from event_log.audit import verify
from event_log.connections import Connections
from event_log.errors import LogUnavailable, Unavailable
from event_log.kafka.checkpoints import PostgresCheckpoints
from event_log.kafka.shares import Share
from event_log.limits import WriterLimits
from event_log.postgres import PostgresLog, open_log
from event_log_testing import a_schema, appending, contact, event, every_event, fill, ids
from holdfast_testing import eventually
from kafka_testing import a_relayed_log
from service_host.embedded_postgres import EmbeddedPostgres
from service_host.settings import address_with

HASTY = WriterLimits(call=timedelta(seconds=2), statement=timedelta(seconds=1))


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """Give a server that only these tests use, and misuse."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-log-faults-"))
    folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder / "postgres") as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def log_of(server: EmbeddedPostgres) -> AsyncIterator[tuple[PostgresLog, str]]:
    schema = await a_schema(server.dsn())
    async with open_log(server.dsn(), schema, limits=HASTY) as log:
        yield log, schema


def processes(server: EmbeddedPostgres) -> list[psutil.Process]:
    postmaster = psutil.Process(server.pid)
    return [postmaster, *postmaster.children(recursive=True)]


def kill_hard(server: EmbeddedPostgres) -> None:
    """Kill a server and all its sessions at once, as a power cut does, and start it again on the same port."""
    found = processes(server)
    for process in found:
        process.kill()
    psutil.wait_procs(found, timeout=10)
    server.restart()


@contextmanager
def frozen(server: EmbeddedPostgres) -> Iterator[None]:
    """Stop every process of a server, and let them go on at the end."""
    found = processes(server)
    for process in found:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in reversed(found):
            process.send_signal(signal.SIGCONT)


async def test_a_killed_server_loses_nothing_that_was_acknowledged(
    server: EmbeddedPostgres, log_of: tuple[PostgresLog, str]
) -> None:
    log, schema = log_of
    acknowledged: dict[int, int] = {}
    running = True

    async def write(writer: int) -> None:
        number = writer * 100_000
        while running:
            try:
                appended = await log.append(appending(contact(writer), event(number)))
            except Unavailable:
                continue  # unknown: the same event again
            acknowledged[number] = appended.placements[0].position
            number += 1

    writers = [asyncio.create_task(write(writer)) for writer in range(1, 9)]
    for kills in range(4):
        await eventually(lambda enough=40 * (kills + 1): len(acknowledged) >= enough)  # type: ignore[misc] # bound at once
        if kills < 3:
            kill_hard(server)
    running = False
    await asyncio.gather(*writers)
    events = await every_event(log)
    stands = {found.event_id.int: found.position for found in events}
    assert [found.position for found in events] == list(range(1, len(events) + 1))
    assert len(stands) == len(events)
    assert {number: stands.get(number) for number in acknowledged} == acknowledged
    assert (await verify(server.dsn(), schema)).bad is None


async def test_a_frozen_server_ends_every_call_by_its_deadline(
    server: EmbeddedPostgres, log_of: tuple[PostgresLog, str]
) -> None:
    log, _ = log_of
    await fill(log, range(1, 1_001))
    with frozen(server):
        calls: list[Awaitable[object]] = [
            log.append(appending(contact(1), event(5_000))),
            log.append_all([appending(contact(2), event(5_001))]),
            log.head(),
            log.read(0),
            log.read_stream("bank", contact(1)),
            log.acquire_fence("bank", "shard-1"),
            take_packed(log),
        ]
        began = time.monotonic()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert time.monotonic() - began < 30
    assert [type(answer) for answer in answers] == [LogUnavailable] * len(calls)


async def test_a_server_that_thaws_is_used_again_without_help(
    server: EmbeddedPostgres, log_of: tuple[PostgresLog, str]
) -> None:
    log, schema = log_of
    await fill(log, [1])
    with frozen(server), pytest.raises(LogUnavailable):
        await log.append(appending(contact(2), event(2)))
    async with asyncio.timeout(60):
        while True:
            try:
                await log.append(appending(contact(2), event(2)))
                break
            except Unavailable:
                continue
    assert ids(await every_event(log)) == [1, 2]
    assert (await verify(server.dsn(), schema)).bad is None


async def test_a_follower_outlives_a_restart_of_the_server(
    server: EmbeddedPostgres, log_of: tuple[PostgresLog, str]
) -> None:
    log, _ = log_of
    await fill(log, [1, 2])
    seen: list[int] = []

    async def follow() -> None:
        while len(seen) < 4:
            try:
                async for page in log.subscribe(len(seen), heartbeat=timedelta(seconds=1)):
                    seen.extend(ids(page.events))
                    if len(seen) >= 4:
                        return
            except Unavailable:
                continue

    following = asyncio.create_task(follow())
    await asyncio.wait([following], timeout=0.2)
    kill_hard(server)
    async with asyncio.timeout(60):
        while True:
            try:
                await fill(log, [3, 4])
                break
            except Unavailable:
                continue
        await following
    assert seen == [1, 2, 3, 4]


async def test_sessions_that_lay_idle_over_a_restart_fail_no_reader(
    server: EmbeddedPostgres, log_of: tuple[PostgresLog, str]
) -> None:
    log, _ = log_of
    await fill(log, range(1, 1_001))
    await asyncio.gather(take_packed(log), take_packed(log))
    kill_hard(server)

    async def answers() -> bool:
        with suppress(LogUnavailable):
            return (await log.head()).position == 1_000
        return False

    await eventually(answers)
    read = await asyncio.gather(take_packed(log), take_packed(log))
    assert list(read) == [1_000, 1_000]


async def test_sessions_killed_at_random_moments_never_double_an_event(
    server: EmbeddedPostgres, log_of: tuple[PostgresLog, str]
) -> None:
    log, schema = log_of
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")  # noqa: T201  # shown with a failure
    dice = random.Random(seed)  # noqa: S311  # chance, not secrets
    for start in range(1, 600, 20):
        numbers = range(start, start + 20)
        filling = asyncio.create_task(fill_until_done(log, numbers))
        await asyncio.wait([filling], timeout=dice.uniform(0, 0.01))
        for process in processes(server)[1:]:
            if "event_log" in " ".join(process.cmdline()) or schema in " ".join(process.cmdline()):
                process.terminate()
        await filling
    assert sorted(ids(await every_event(log))) == list(range(1, 601))


async def fill_until_done(log: PostgresLog, numbers: range) -> None:
    while True:
        try:
            await fill(log, numbers)
        except Unavailable:
            continue
        return


async def take_packed(log: PostgresLog) -> int:
    """Read a page that is long enough to be read in a thread."""
    return sum([page.count async for page in log.read_packed(0)])


async def test_no_crash_takes_back_an_epoch_though_it_may_take_back_moves(server: EmbeddedPostgres) -> None:
    async with a_relayed_log(server.dsn()) as (_, schema):
        url = address_with(server.dsn(), synchronous_commit="off")
        before, after = Connections(url, schema), Connections(url, schema)
        relay, survivor = (PostgresCheckpoints(each, "t", Share(1, 1), 2, "a") for each in (before, after))
        await relay.release(await relay.take())
        epoch = await relay.take()
        kill_hard(server)
        assert await survivor.read(epoch) is None
        await before.close()
        await after.close()
