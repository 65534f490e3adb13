"""The supervisor on real servers: what is stopped, killed or starved here belongs to the one test that does it."""

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from holdfast_testing import eventually_blocking
from service_host.embedded_postgres import STOP_TIMEOUT, EmbeddedPostgres, EmbeddedPostgresError, wheel_binaries
from service_host.postgres_folder import DataFolderInUseError

SUPERVISOR = """
import sys, time
from pathlib import Path
from service_host.embedded_postgres import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1])) as server:
    server.query("CREATE TABLE kept AS SELECT 7 AS answer")
    print(server.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a data folder that the server's account can reach, unlike pytest's own folders when root runs them."""
    parent = Path(tempfile.mkdtemp(prefix="holdfast-test-"))
    parent.chmod(0o711)
    yield parent / "data"
    shutil.rmtree(parent)


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    """Give a server that every test here leaves as it was."""
    parent = Path(tempfile.mkdtemp(prefix="holdfast-test-"))
    parent.chmod(0o711)
    with EmbeddedPostgres(parent / "data") as running:
        yield running
    shutil.rmtree(parent)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_the_address_of_a_modules_database_leads_to_an_empty_one(database: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        assert await connection.fetchval("SELECT count(*) FROM pg_stat_user_tables") == 0
    finally:
        await connection.close()


def test_a_second_start_continues_the_same_data_at_the_same_address(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        first = server.create_database("kept")
        server.query("CREATE TABLE t AS SELECT 7 AS answer", "kept")
    with EmbeddedPostgres(folder) as server:
        assert server.query("SELECT answer FROM t", "kept") == "7"
        assert server.dsn("kept") == first


def test_what_was_committed_before_a_kill_is_there_after_a_restart(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        server.query("CREATE TABLE t AS SELECT 7 AS answer")
        before = server.dsn()
        os.kill(server.pid, signal.SIGKILL)
        server.restart()
        assert server.query("SELECT answer FROM t") == "7"
        assert server.dsn() == before


def test_a_second_supervisor_is_refused_and_told_who_has_the_folder(server: EmbeddedPostgres) -> None:
    with pytest.raises(DataFolderInUseError, match=f"in use by process {os.getpid()}"):
        EmbeddedPostgres(server.folder.path).start()
    assert server.query("SELECT 1") == "1"


def test_the_server_ends_with_a_killed_supervisor_and_the_next_one_continues(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SUPERVISOR, folder], stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        supervisor.kill()
    with EmbeddedPostgres(folder) as server:
        assert gone(pid)
        assert server.query("SELECT answer FROM kept") == "7"


def test_an_interrupt_from_the_terminal_does_not_reach_the_server(server: EmbeddedPostgres) -> None:
    assert os.getpgid(server.pid) != os.getpgid(0)


async def test_stopping_does_not_wait_for_clients(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    server.start()
    connection = await asyncpg.connect(server.dsn())
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < STOP_TIMEOUT.total_seconds(), "a softer way was waited for in vain"
    assert not server.running
    connection.terminate()


def test_stopping_twice_is_stopping_once(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    server.start()
    server.stop()
    server.stop()
    with pytest.raises(EmbeddedPostgresError, match="not running"):
        _ = server.pid


def test_programs_and_data_behind_a_closed_folder_work_and_stay_closed(tmp_path: Path) -> None:
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    wheel = wheel_binaries().parent.parent
    copied = closed / "site" / wheel.name / "pginstall18"
    shutil.copytree(wheel / "pginstall18", copied, symlinks=True)
    shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), closed / "site" / f"{wheel.name}.libs")
    with EmbeddedPostgres(closed / "data", binaries=copied / "bin") as server:
        server.create_database("inside")
        server.restart()
        assert server.query("SELECT 1", "inside") == "1"
        assert psutil.Process(server.pid).uids().effective != 0
    assert mode(closed) == 0o700


def test_the_data_belongs_to_the_servers_account_and_the_password_to_us(server: EmbeddedPostgres) -> None:
    assert mode(server.folder.cluster) == 0o700
    assert server.folder.cluster.stat().st_uid == psutil.Process(server.pid).uids().effective
    assert mode(server.folder.password_file) == 0o600
    assert server.folder.password_file.stat().st_uid == os.geteuid()


async def test_without_the_password_nobody_comes_in(server: EmbeddedPostgres) -> None:
    wrong = server.dsn().replace(server.folder.password(), "guess")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong)


def test_a_port_that_a_stranger_took_is_left_to_the_stranger(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        port = server.port
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", port))
        stranger.listen()
        with EmbeddedPostgres(folder) as server:
            assert server.port != port
            assert server.query("SELECT 1") == "1"


def test_a_number_of_a_dead_server_that_lives_on_in_another_program_does_not_stop_a_start(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        account = psutil.Process(server.pid).uids().effective
    pid_file = folder / "cluster" / "postmaster.pid"
    other = None if account == os.geteuid() else account
    with subprocess.Popen(["/bin/sleep", "60"], cwd="/", user=other) as program:
        pid_file.write_text(f"{program.pid}\n{folder / 'cluster'}\n1\n1\n\n127.0.0.1\n0 0\nready\n")
        os.chown(pid_file, account, -1)
        with EmbeddedPostgres(folder) as server:
            assert server.query("SELECT 1") == "1"
        program.kill()


def test_an_attempt_that_was_cut_short_is_made_again(folder: Path) -> None:
    (folder / "cluster.new" / "base").mkdir(parents=True)
    folder.chmod(0o711)
    with EmbeddedPostgres(folder) as server:
        assert server.query("SELECT 1") == "1"


def test_a_folder_that_postgres_refuses_ends_the_start_with_its_words(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        server.query("SELECT 1")
    (folder / "cluster" / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedPostgresError, match="incompatible"):
        EmbeddedPostgres(folder).start()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match="choose another folder"):
        EmbeddedPostgres(tmp_path / "file" / "data").start()


def test_a_thread_that_may_end_before_the_server_cannot_start_one(folder: Path) -> None:
    words: list[str] = []

    def start() -> None:
        with contextlib.suppress(EmbeddedPostgresError):
            EmbeddedPostgres(folder).start()
        words.append("refused" if not folder.exists() else "started")

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert words == ["refused"]


def test_given_settings_win_over_ours(folder: Path) -> None:
    with EmbeddedPostgres(folder, settings={"max_connections": "17"}) as server:
        assert server.query("SHOW max_connections") == "17"


def test_what_surrounds_us_does_not_lead_the_server_elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGPORT": "1", "PGDATA": "/nowhere", "PGUSER": "stranger", "PGOPTIONS": "-c no=1"}.items():
        monkeypatch.setenv(name, value)
    with EmbeddedPostgres(folder) as server:
        assert server.query("SELECT current_user") == "postgres"


async def test_the_servers_log_tells_no_number_of_a_caller(server: EmbeddedPostgres) -> None:
    number = "+15550100777"
    connection = await asyncpg.connect(server.create_database("private"))
    await connection.execute("CREATE TABLE caller (number text PRIMARY KEY)")
    await connection.execute("INSERT INTO caller VALUES ($1)", number)
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("INSERT INTO caller VALUES ($1)", number)
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await connection.execute(f"SELEC '{number}'")
    await connection.close()
    server.drop_database("private")
    log = server.folder.log.read_text()
    assert "duplicate key" in log
    assert number not in log


def test_a_database_may_have_any_name(server: EmbeddedPostgres) -> None:
    name = 'Müller "&" Söhne'
    server.create_database(name)
    assert server.query("SELECT current_database()", name) == name
    server.drop_database(name)
    server.drop_database(name)


def test_a_name_that_is_taken_is_refused(server: EmbeddedPostgres) -> None:
    server.create_database("twice")
    with pytest.raises(EmbeddedPostgresError, match="already exists"):
        server.create_database("twice")
    server.drop_database("twice")


def test_a_killed_server_is_seen_to_be_gone(folder: Path) -> None:
    with EmbeddedPostgres(folder) as server:
        os.kill(server.pid, signal.SIGKILL)
        assert eventually_blocking(lambda: not server.running)
