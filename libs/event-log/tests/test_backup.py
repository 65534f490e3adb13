"""The recipe of docs/operations/backup-and-restore.md, done: a log restored from a physical backup."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from event_log.audit import verify
from event_log.errors import IncarnationChanged
from event_log.operating import raise_incarnation
from event_log.postgres import open_log
from event_log_testing import a_schema, appending, contact, event, every_event, fill, ids
from holdfast_testing import eventually
from service_host.embedded_postgres import EmbeddedPostgres


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give a folder that the server's account can pass through."""
    path = Path(tempfile.mkdtemp(prefix="holdfast-log-backup-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def base_backup(server: EmbeddedPostgres, target: Path) -> None:
    """Copy a running server's files, with the write-ahead log that makes them whole."""
    subprocess.run(
        [
            str(server.binaries / "pg_basebackup"),
            f"--dbname={server.dsn()}",
            f"--pgdata={target}",
            "--checkpoint=fast",
            "--wal-method=stream",
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )


@contextmanager
def restored(server: EmbeddedPostgres, backup: Path, settings: str = "") -> Iterator[EmbeddedPostgres]:
    """Start a second server on a backup of the first; settings end its recovery at a point in time."""
    target = backup.parent / "restored"
    target.mkdir(mode=0o711)
    shutil.move(backup, target / "cluster")
    shutil.copy(server.folder.password_file, target / "password")
    if settings:
        (target / "cluster" / "recovery.signal").touch()
        with (target / "cluster" / "postgresql.auto.conf").open("a") as file:
            file.write(settings)
    owner = server.folder.cluster.stat()
    for path in [target / "cluster", *(target / "cluster").rglob("*")]:
        os.chown(path, owner.st_uid, owner.st_gid)
    with EmbeddedPostgres(target) as second:
        yield second


async def raise_it(dsn: str, schema: str) -> None:
    session = await asyncpg.connect(dsn)
    try:
        assert await raise_incarnation(session, schema, "restored from a backup") == 2
    finally:
        await session.close()


async def test_a_restored_log_is_whole_and_stops_readers_that_are_ahead_of_it(folder: Path) -> None:
    with EmbeddedPostgres(folder / "first") as server:
        schema = await a_schema(server.dsn(), partition_events=50)
        async with open_log(server.dsn(), schema) as log:
            await fill(log, range(1, 121))
            behind = await log.head()
            base_backup(server, folder / "backup")
            await fill(log, range(121, 151))
            ahead = await log.head()
        kept = await verify(server.dsn(), schema)
        with restored(server, folder / "backup") as second:
            await raise_it(second.dsn(), schema)
            async with open_log(second.dsn(), schema) as log:
                assert ids(await every_event(log)) == list(range(1, 121))
                for held in (behind, ahead):
                    with pytest.raises(IncarnationChanged) as changed:
                        await log.read(held)
                    assert (changed.value.held, changed.value.actual.incarnation) == (held, 2)
                repeated = await log.append(appending(contact(120), event(120)))
                appended = await log.append(appending(contact(121), event(121)))
                assert repeated.placements[0].duplicate
                assert (appended.placements[0].position, appended.placements[0].duplicate) == (121, False)
            assert (await verify(second.dsn(), schema)).bad is None
            lost = await verify(second.dsn(), schema, expected=(kept.position, kept.digest))
            assert lost.bad is not None


async def test_a_reader_ahead_of_a_restored_log_stops_even_if_nobody_raised_the_incarnation(folder: Path) -> None:
    with EmbeddedPostgres(folder / "first") as server:
        schema = await a_schema(server.dsn())
        async with open_log(server.dsn(), schema) as log:
            await fill(log, range(1, 11))
            base_backup(server, folder / "backup")
            await fill(log, range(11, 21))
            ahead = await log.head()
        with restored(server, folder / "backup") as second:
            async with open_log(second.dsn(), schema) as log:
                with pytest.raises(IncarnationChanged):
                    await log.read(ahead)


async def test_a_log_is_restored_to_a_point_in_time(folder: Path) -> None:
    archive = folder / "archive"
    settings = {"archive_mode": "on", "archive_command": f"test ! -f {archive}/%f && cp %p {archive}/%f"}
    with EmbeddedPostgres(folder / "first", settings=settings) as server:
        archive.mkdir(mode=0o777)
        archive.chmod(0o777)
        schema = await a_schema(server.dsn())
        async with open_log(server.dsn(), schema) as log:
            await fill(log, range(1, 11))
            base_backup(server, folder / "backup")
            await fill(log, range(11, 21))
            server.query("select pg_create_restore_point('before_the_mistake')")
            await fill(log, range(21, 31))
        segment = server.query("select pg_walfile_name(pg_switch_wal())")
        await eventually((archive / segment).exists)
        recovery = (
            f"restore_command = 'cp {archive}/%f %p'\n"
            "recovery_target_name = 'before_the_mistake'\n"
            "recovery_target_action = 'promote'\n"
        )
        with restored(server, folder / "backup", recovery) as second:
            await eventually(lambda: second.query("select pg_is_in_recovery()") == "f")
            await raise_it(second.dsn(), schema)
            async with open_log(second.dsn(), schema) as log:
                assert ids(await every_event(log)) == list(range(1, 21))
                assert (await log.append(appending(contact(99), event(99)))).placements[0].position == 21
            assert (await verify(second.dsn(), schema)).bad is None
