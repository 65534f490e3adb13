import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import asyncpg
import psutil
import pytest

from holdfast_testing import eventually
from service_host import postgres
from service_host.embedded_postgres import EmbeddedPostgres
from service_host.errors import DeadlineExceeded, Unavailable
from service_host.postgres import Database


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Database]:
    async with postgres.connect(fresh_database, maximum=2) as found:
        yield found


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    """A server of this test alone, to be harmed."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-test-"))
    folder.chmod(0o711)
    with EmbeddedPostgres(folder / "postgres") as found:
        yield found
    shutil.rmtree(folder, ignore_errors=True)


def signal_all(server: EmbeddedPostgres, number: signal.Signals) -> None:
    main = psutil.Process(server.pid)
    for process in (main, *main.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            os.kill(process.pid, number)


async def test_statements_are_answered(pool: Database) -> None:
    await pool.execute("create table t (a integer)")
    assert await pool.execute("insert into t values ($1)", 7) == "INSERT 0 1"
    assert await pool.fetchval("select a from t") == 7
    assert [row["a"] for row in await pool.fetch("select a from t")] == [7]
    assert await pool.fetchrow("select a from t where a = 8") is None
    assert await pool.ready()


async def test_work_runs_in_a_transaction_that_a_failure_undoes(pool: Database) -> None:
    await pool.execute("create table t (a integer)")

    async def fail(connection: postgres.Connection) -> None:
        await connection.execute("insert into t values (1)")
        raise KeyError

    with pytest.raises(KeyError):
        await pool.run(fail)
    assert await pool.fetchval("select count(*) from t") == 0


async def test_an_error_of_the_statement_is_raised_as_it_is_and_the_connection_kept(pool: Database) -> None:
    first = await pool.fetchval("select pg_backend_pid()")
    with pytest.raises(asyncpg.UndefinedTableError):
        await pool.fetch("select * from nothing")
    with pytest.raises(asyncpg.DataError):
        await pool.fetchval("select $1::integer", "seven")
    assert await pool.fetchval("select pg_backend_pid()") == first


async def test_who_waits_for_a_connection_in_vain_is_told_in_time(pool: Database) -> None:
    async with pool.acquire(), pool.acquire():
        started = time.monotonic()
        with pytest.raises(Unavailable, match="DATABASE_BUSY"):
            async with pool.acquire(0.1):
                pass
        assert time.monotonic() - started < 20
    assert await pool.ready()


async def test_a_slow_statement_ends_by_its_deadline_and_the_pool_goes_on(pool: Database) -> None:
    ended = Counter[str]()
    for _ in range(4):
        with pytest.raises((DeadlineExceeded, Unavailable)) as refused:  # the second: no new connection in that time
            async with pool.acquire(0.2) as connection:
                await connection.execute("select pg_sleep(60)")
        ended[refused.value.reason] += 1
    assert ended["DATABASE_SLOW"] > 0
    assert await pool.fetchval("select 1") == 1


async def test_a_cancelled_caller_leaves_the_pool_whole(pool: Database) -> None:
    for _ in range(4):
        task = asyncio.create_task(pool.execute("select pg_sleep(60)"))
        query = "select count(*) from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'"
        await eventually(lambda query=query: pool.fetchval(query))  # type: ignore[misc] # bound at once
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    async with pool.acquire(), pool.acquire() as connection:
        assert await connection.fetchval("select 1") == 1


async def test_calls_to_a_frozen_server_end_by_their_deadline_and_the_pool_recovers(server: EmbeddedPostgres) -> None:
    async with postgres.connect(server.dsn(), minimum=2, maximum=2) as pool:
        assert await pool.ready()
        signal_all(server, signal.SIGSTOP)
        try:
            started = time.monotonic()
            outcomes = await asyncio.gather(*(_attempt(pool, 0.3) for _ in range(12)))
            assert time.monotonic() - started < 20
            assert set(outcomes) <= {"DATABASE_SLOW", "DATABASE_BUSY"}
            assert not await pool.ready()
        finally:
            signal_all(server, signal.SIGCONT)
        await eventually(pool.ready)
        assert await asyncio.gather(*(_attempt(pool, 5) for _ in range(12))) == ["ok"] * 12


async def test_a_server_that_crashed_is_away_and_then_back(server: EmbeddedPostgres) -> None:
    async with postgres.connect(server.dsn(), minimum=2, maximum=4) as pool:
        busy = [asyncio.create_task(_attempt(pool, 20, "select pg_sleep(15)")) for _ in range(2)]
        await eventually(lambda: pool.fetchval("select count(*) = 2 from pg_stat_activity where query like '%(15)'"))
        signal_all(server, signal.SIGKILL)
        assert await asyncio.gather(*busy) == ["DATABASE_UNAVAILABLE"] * 2
        assert await _attempt(pool, 1) == "DATABASE_UNAVAILABLE"
        server.restart()  # blocks, but there is nothing else to wait for
        await eventually(pool.ready)
        assert await asyncio.gather(*(_attempt(pool, 5) for _ in range(8))) == ["ok"] * 8


async def test_a_start_waits_for_a_server_that_is_late_and_gives_up_in_time() -> None:
    started = time.monotonic()
    with pytest.raises(Unavailable, match="did not answer in time"):
        async with postgres.connect("postgresql://x@127.0.0.1:1/x", within=timedelta(milliseconds=300)):
            pass
    assert time.monotonic() - started < 20


async def _attempt(pool: Database, seconds: float, query: str = "select 1") -> str:
    try:
        async with pool.acquire(seconds) as connection:
            await connection.execute(query)
    except (Unavailable, DeadlineExceeded) as refusal:
        return refusal.reason
    return "ok"


async def test_a_process_that_stopped_in_a_transaction_finds_its_session_gone_when_it_wakes(pool: Database) -> None:
    async def stop_and_wake() -> None:
        async with pool.acquire(10) as connection, connection.transaction():
            await connection.execute("set local idle_in_transaction_session_timeout = 50")
            pid = await connection.fetchval("select pg_backend_pid()")
            await eventually(lambda: _gone(pool, pid))
            await connection.execute("select 1")

    with pytest.raises(Unavailable):
        await stop_and_wake()
    assert await pool.ready()


async def _gone(pool: Database, pid: int) -> bool:
    return not await pool.fetchval("select count(*) from pg_stat_activity where pid = $1", pid)
