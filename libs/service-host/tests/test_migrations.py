import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from service_host import postgres
from service_host.postgres import ChangedMigration, Database, migrate

SCHEMA = "sample"
FIRST = "create table visit (id integer primary key);"
SECOND = "alter table visit add column queue text; create function one() returns integer language sql return 1;"


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Database]:
    async with postgres.connect(fresh_database) as found:
        yield found


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Write a package of SQL files and give its name."""
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "sample_migrations"

    def write(**files: str) -> str:
        folder.mkdir(exist_ok=True)
        for old in folder.glob("*.sql"):
            old.unlink()
        for name, text in files.items():
            (folder / f"{name.removeprefix('_')}.sql").write_text(text)
        return "sample_migrations"

    yield write
    sys.modules.pop("sample_migrations", None)


async def applied(pool: Database, package: str) -> tuple[str, ...]:
    async with pool.acquire() as connection:
        return await migrate(connection, package=package, schema=SCHEMA)


async def test_files_are_applied_once_and_in_order(pool: Database, package: Callable[..., str]) -> None:
    files = package(_0002_second=SECOND, _0001_first=FIRST)
    assert await applied(pool, files) == ("0001_first.sql", "0002_second.sql")
    assert await applied(pool, files) == ()
    assert await pool.execute("insert into sample.visit values (1, 'q')") == "INSERT 0 1"


async def test_only_what_is_missing_is_applied(pool: Database, package: Callable[..., str]) -> None:
    await applied(pool, package(_0001_first=FIRST))
    assert await applied(pool, package(_0001_first=FIRST, _0002_second=SECOND)) == ("0002_second.sql",)


async def test_many_who_migrate_at_once_apply_each_file_once(fresh_database: str, package: Callable[..., str]) -> None:
    files = package(_0001_first=FIRST, _0002_second=SECOND)
    async with postgres.connect(fresh_database, maximum=6) as pool:
        names = await asyncio.gather(*(applied(pool, files) for _ in range(6)))
    assert max(names, key=len) == ("0001_first.sql", "0002_second.sql")
    assert sum(map(len, names)) == 2


async def test_a_file_changed_after_it_was_applied_is_refused(pool: Database, package: Callable[..., str]) -> None:
    await applied(pool, package(_0001_first=FIRST))
    with pytest.raises(ChangedMigration, match=r"0001_first\.sql was changed"):
        await applied(pool, package(_0001_first=FIRST + " "))


async def test_a_database_newer_than_the_program_is_refused(pool: Database, package: Callable[..., str]) -> None:
    await applied(pool, package(_0001_first=FIRST, _0002_second=SECOND))
    with pytest.raises(ChangedMigration, match="newer than this program"):
        await applied(pool, package(_0001_first=FIRST))


async def test_a_file_that_fails_leaves_nothing_of_itself(pool: Database, package: Callable[..., str]) -> None:
    bad = package(_0001_first=FIRST, _0002_second="create table other (a integer); select nothing;")
    with pytest.raises(asyncpg.UndefinedColumnError):
        await applied(pool, bad)
    assert await pool.fetchval("select to_regclass('sample.other') is null and to_regclass('sample.visit') is not null")
    assert await applied(pool, package(_0001_first=FIRST, _0002_second=SECOND)) == ("0002_second.sql",)


@pytest.mark.parametrize("names", [["_0002_a"], ["_0001_a", "_0003_b"], ["_0001_a", "_0001_b"], ["_1_a"], ["_0001_A"]])
async def test_files_not_numbered_one_by_one_are_refused(
    pool: Database, package: Callable[..., str], names: list[str]
) -> None:
    with pytest.raises(ChangedMigration):
        await applied(pool, package(**dict.fromkeys(names, FIRST)))


async def test_a_schema_that_is_no_plain_name_is_refused(pool: Database, package: Callable[..., str]) -> None:
    async with pool.acquire() as connection:
        with pytest.raises(ValueError, match="lower-case"):
            await migrate(connection, package=package(_0001_first=FIRST), schema='x"; drop table y; --')
