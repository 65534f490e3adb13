"""What only a log in Postgres can do wrong: partitions, roles, other appenders, tampering."""

import asyncio
import itertools
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from event_log.audit import verify
from event_log.connections import Connections
from event_log.errors import Busy, Fenced, LogUnavailable, VersionConflict
from event_log.limits import WriterLimits
from event_log.model import NONE, Append, Appended, Cursor, Event, Fence, NewEvent, Stream, StreamAppend
from event_log.operating import grant_appending, grant_reading, raise_incarnation
from event_log.postgres import PostgresLog, open_log
from event_log.rows import COLUMNS
from event_log_testing import a_log, a_schema, appending, contact, event, every_event, fill, ids
from holdfast_testing import eventually

NO_LEASE = WriterLimits(lease=None)
_roles = itertools.count(1)


@pytest.fixture
async def owner(database: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    session = await asyncpg.connect(database)
    yield session
    await session.close()


class TestPresumedNewStreams:
    async def test_a_stream_rightly_presumed_new_is_written_without_a_look(self, database: str) -> None:
        async with a_log(database) as (log, _):
            first = await log.append(presuming(contact(1), event(1), event(2)))
            more = await log.append(appending(contact(1), event(3)))
        assert [placed.version for placed in (*first.placements, *more.placements)] == [1, 2, 3]

    async def test_a_stream_wrongly_presumed_new_goes_on_where_it_stood(self, database: str) -> None:
        schema = await a_schema(database)
        async with open_log(database, schema, limits=NO_LEASE) as log:
            await log.append(appending(contact(1), event(1), event(2)))
        async with open_log(database, schema, limits=NO_LEASE) as log:
            await log.append(appending(contact(2), event(7)))
            placed = (await log.append(presuming(contact(1), event(2), event(3)))).placements
            page = await log.read_stream("bank", contact(1))
        assert [(one.version, one.duplicate) for one in placed] == [(2, True), (3, False)]
        assert [one.version for one in page.events] == [1, 2, 3]

    async def test_one_refused_leaves_no_presumption_behind(self, database: str) -> None:
        schema = await a_schema(database)
        async with open_log(database, schema, limits=NO_LEASE) as log:
            old = await log.acquire_fence("bank", "shard-1")
            await log.append(appending(contact(1), event(1)))
            await log.acquire_fence("bank", "shard-1")
        async with open_log(database, schema, limits=NO_LEASE) as log:
            await log.append(appending(contact(2), event(7), fence=None))
            with pytest.raises(Fenced):
                await log.append(presuming(contact(1), event(2), fence=old))
            await log.append(appending(contact(1), event(3), expected=1))


def presuming(stream: Stream, *events: NewEvent, fence: Fence | None = None) -> Append:
    """An append to a stream that is presumed new."""
    return Append("bank", [StreamAppend(stream, events, presumed_new=True)], fence)


class TestPartitions:
    async def test_a_log_grows_over_its_partitions(self, database: str) -> None:
        async with a_log(database, partition_events=50) as (log, _):
            for start in range(1, 400, 40):
                await fill(log, range(start, start + 40))
            assert ids(await every_event(log)) == list(range(1, 401))

    async def test_a_flush_may_reach_over_partitions(self, database: str) -> None:
        async with a_log(database, partition_events=50) as (log, _):
            await fill(log, range(1, 341))
            assert ids(await every_event(log)) == list(range(1, 341))

    async def test_a_stream_is_read_over_its_partitions(self, database: str) -> None:
        async with a_log(database, partition_events=50) as (log, _):
            for start in range(1, 200, 20):
                await fill(log, range(start, start + 20), contact(1))
                await fill(log, range(start + 1_000, start + 1_020), contact(2))
            page = await log.read_stream("bank", contact(1), after_version=90, limit=20)
            backwards = await log.read_stream("bank", contact(1), limit=200, backwards=True)
            whole = await log.read_streams("bank", [contact(1), contact(2)])
        assert ids(page.events) == list(range(91, 111))
        assert ids(backwards.events) == list(range(200, 0, -1))
        assert [len(events) for events in whole.values()] == [200, 200]

    async def test_a_stream_is_known_over_its_partitions_after_a_restart(self, database: str) -> None:
        async with a_log(database, partition_events=50) as (log, schema):
            for number in range(1, 200, 7):
                await fill(log, [number], contact(1))
                await fill(log, range(number + 1_000, number + 1_006))
        async with open_log(database, schema) as log:
            verdicts = await log.append_all([appending(contact(1), event(number)) for number in range(1, 200, 7)])
            appended = await log.append(appending(contact(1), event(5_000), expected=29))
        assert all(isinstance(verdict, Appended) and verdict.placements[0].duplicate for verdict in verdicts)
        assert appended.placements[0].version == 30

    async def test_partitions_are_there_before_they_are_needed(
        self, database: str, owner: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        async with a_log(database, partition_events=100) as (log, schema):
            await fill(log, range(1, 160))

            async def ahead() -> bool:
                made = await owner.fetchval(
                    "select count(*) from pg_inherits where inhparent = $1::regclass", f"{schema}.events"
                )
                return bool(made >= 3)

            await eventually(ahead)

    async def test_rows_are_sent_in_the_order_of_the_tables_columns(
        self, database: str, owner: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        schema = await a_schema(database)
        found = await owner.fetch(
            "select attname from pg_attribute where attrelid = $1::regclass and attnum > 0 order by attnum",
            f"{schema}.events",
        )
        assert tuple(row["attname"] for row in found) == COLUMNS


class TestForgetting:
    async def test_streams_dropped_from_memory_are_still_known(self, database: str) -> None:
        limits = WriterLimits(remembered_events=100)
        async with a_log(database, limits) as (log, _):
            for start in range(1, 1_000, 50):
                await fill(log, range(start, start + 50))
            verdicts = await log.append_all([appending(contact(n), event(n), expected=NONE) for n in range(1, 1_001)])
            head = await log.head()
        assert all(isinstance(verdict, Appended) and verdict.placements[0].duplicate for verdict in verdicts)
        assert head.position == 1_000


class TestBounds:
    async def test_a_caller_beyond_the_bound_is_told_when_to_come_again(self, database: str) -> None:
        async with a_log(database, WriterLimits(waiting_events=10)) as (log, _):
            first = asyncio.create_task(log.append(appending(contact(1), *map(event, range(1, 11)))))
            await asyncio.wait([first], timeout=0)
            with pytest.raises(Busy) as busy:
                await log.append(appending(contact(2), event(11)))
            await first
            await log.append(appending(contact(2), event(11)))
        assert busy.value.retry_after > timedelta(0)

    async def test_a_caller_beyond_the_bound_of_bytes_is_told_when_to_come_again(self, database: str) -> None:
        async with a_log(database, WriterLimits(waiting_bytes=50)) as (log, _):
            first = asyncio.create_task(log.append(appending(contact(1), event(1, b"x" * 30))))
            await asyncio.wait([first], timeout=0)
            with pytest.raises(Busy):
                await log.append(appending(contact(2), event(2, b"x" * 30)))
            await first

    async def test_a_caller_by_name_leaves_room_for_the_others(self, database: str) -> None:
        names = iter(["crowd", "crowd", "modest"])
        limits, schema = WriterLimits(waiting_events=10), await a_schema(database)
        async with open_log(database, schema, limits=limits, caller=lambda: next(names)) as log:
            first = asyncio.create_task(log.append(appending(contact(1), *map(event, range(1, 6)))))
            await asyncio.wait([first], timeout=0)
            with pytest.raises(Busy):
                await log.append(appending(contact(2), event(6)))
            await log.append(appending(contact(3), event(7)))
            await first

    async def test_what_waits_is_written_before_a_log_is_closed(self, database: str) -> None:
        schema = await a_schema(database)
        async with open_log(database, schema) as log:
            answers = [asyncio.ensure_future(log.append(appending(contact(n), event(n)))) for n in range(1, 50)]
            await asyncio.wait(answers, timeout=0)
        assert sorted(answer.result().placements[0].position for answer in answers) == list(range(1, 50))

    async def test_a_closed_log_takes_nothing(self, database: str) -> None:
        async with a_log(database) as (log, _):
            pass
        with pytest.raises(LogUnavailable):
            await log.append(appending(contact(1), event(1)))

    async def test_a_schema_without_a_log_is_the_worlds_fault(self, database: str) -> None:
        async with open_log(database, "nowhere", limits=WriterLimits(call=timedelta(seconds=1))) as log:
            with pytest.raises(LogUnavailable):
                await log.append(appending(contact(1), event(1)))
            with pytest.raises(LogUnavailable):
                await log.read(0)


class TestRoles:
    async def test_a_log_is_unchanged_up_to_where_the_first_incarnation_after_the_held_one_began(
        self, database: str, owner: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        async with a_log(database) as (log, schema):
            await fill(log, [1, 2])
            old = await log.head()
            await raise_incarnation(owner, schema, "restored")
            await fill(log, [3, 4])
            await raise_incarnation(owner, schema, "restored again")
            await fill(log, [5])
            now = await log.head()
            reached = [
                (await log.unchanged_until(Cursor(old.log_id, incarnation, position))).position
                for incarnation, position in [(1, 1), (1, 2), (1, 9), (2, 3), (2, 9), (3, 5)]
            ]
            assert (now.incarnation, reached) == (3, [1, 2, 2, 3, 4, 5])

    async def test_the_appending_role_can_append_and_change_nothing(
        self, database: str, owner: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        schema = await a_schema(database)
        role, dsn = await a_role(owner, database)
        await grant_appending(owner, schema, role)
        async with open_log(dsn, schema) as log:
            fence = await log.acquire_fence("bank", "shard-1")
            await log.append(appending(contact(1), event(1), fence=fence))
            assert ids((await log.read_stream("bank", contact(1))).events) == [1]
        session = await asyncpg.connect(dsn)
        for statement in (
            "update {}.events set tenant = 'x'",
            "delete from {}.events",
            "truncate {}.events",
            "delete from {}.events_000000",
            "update {}.log_flush set digest = ''",
            "delete from {}.log_flush",
            "delete from {}.streams",
            "update {}.streams set first_position = 0",
            "update {}.fences set epoch = 9",
            "update {}.log set log_id = 'x'",
            "insert into {}.incarnation (number, after_position, reason) values (9, 0, 'x')",
            "select {}.raise_incarnation('x')",
            "drop table {}.events",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await session.execute(statement.format(schema))
        await session.close()

    async def test_the_reading_role_can_only_read(
        self, database: str, owner: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        async with a_log(database) as (log, schema):
            await fill(log, [1, 2, 3])
            role, dsn = await a_role(owner, database)
            await grant_reading(owner, schema, role)
            async with open_log(dsn, schema, limits=WriterLimits(call=timedelta(seconds=1))) as reader:
                assert ids((await reader.read(0)).events) == [1, 2, 3]
                assert [page.count async for page in reader.read_packed(0)] == [3]
                with pytest.raises(LogUnavailable):
                    await reader.append(appending(contact(1), event(9)))

    async def test_an_address_that_names_a_role_opens_every_way_of_reading(
        self, database: str, owner: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        async with a_log(database) as (log, schema):
            await fill(log, range(1, 1_001))
            role, _ = await a_role(owner, database)
            await grant_reading(owner, schema, role)
            async with open_log(f"{database}?role={role}&search_path={schema}", schema) as reader:
                assert ids(await every_event(reader)) == list(range(1, 1_001))
                assert sum([page.count async for page in reader.read_packed(0)]) == 1_000


async def a_role(owner: "asyncpg.Connection[asyncpg.Record]", database: str) -> tuple[str, str]:
    """Make a role of this run and return its name and its address of the database."""
    name = f"log_role_{os.getpid()}_{next(_roles)}"
    await owner.execute(f"create role {name} login password 'secret'")
    scheme, _, rest = database.partition("://")
    return name, f"{scheme}://{name}:secret@{rest.rpartition('@')[2]}"


class TestTampering:
    async def test_an_untouched_log_is_proved(self, database: str) -> None:
        async with a_log(database, partition_events=30) as (log, schema):
            for start in range(1, 100, 10):
                await fill(log, range(start, start + 10))
        report = await verify(database, schema)
        assert (report.bad, report.events, report.position) == (None, 100, 100)

    @pytest.mark.parametrize(
        ("statement", "first_bad"),
        [
            ("update {}.events set payload = '\\x00' where position = 35", 31),
            ("update {}.events set event_time_us = event_time_us + 1 where position = 31", 31),
            ("update {}.events set tenant = 'shop' where position = 100", 91),
            ("delete from {}.events where position = 50", 41),
            ("delete from {}.events where position > 90", 91),
            ("update {}.log_flush set digest = sha256('x') where first = 21", 21),
            ("delete from {}.log_flush where first = 61", 71),
            ("delete from {}.log_flush where first = 91", 91),
        ],
    )
    async def test_the_first_flush_that_was_tampered_with_is_named(
        self, database: str, owner: "asyncpg.Connection[asyncpg.Record]", statement: str, first_bad: int
    ) -> None:
        async with a_log(database) as (log, schema):
            for start in range(1, 100, 10):
                await fill(log, range(start, start + 10))
        await owner.execute(statement.format(schema))
        report = await verify(database, schema)
        assert report.bad is not None
        assert report.bad.first == first_bad

    async def test_a_log_rewritten_whole_is_caught_by_a_digest_kept_elsewhere(
        self, database: str, owner: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        async with a_log(database) as (log, schema):
            await fill(log, [1, 2, 3])
            kept = await verify(database, schema)
        await owner.execute(f"truncate {schema}.events, {schema}.log_flush, {schema}.streams")
        async with open_log(database, schema) as log:
            await fill(log, [7, 8, 9])
        assert (await verify(database, schema)).bad is None
        assert (await verify(database, schema, expected=(kept.position, kept.digest))).bad is not None


class TestTwoAppenders:
    async def test_two_appenders_at_once_lose_nothing_and_write_nothing_twice(self, database: str) -> None:
        schema = await a_schema(database)
        async with (
            open_log(database, schema, limits=NO_LEASE) as one,
            open_log(database, schema, limits=NO_LEASE) as two,
        ):
            answers = await asyncio.gather(
                *(append_one_by_one(one, range(1, 101))), *(append_one_by_one(two, range(51, 151)))
            )
            events = await every_event(one)
        assert [found.position for found in events] == list(range(1, 151))
        assert sorted(ids(events)) == list(range(1, 151))
        stands = {found.event_id.int: found.position for found in events}
        assert all(stands[number] == position for number, position in answers)
        assert (await verify(database, schema)).bad is None

    async def test_two_appenders_agree_about_a_version(self, database: str) -> None:
        schema = await a_schema(database)
        async with (
            open_log(database, schema, limits=NO_LEASE) as one,
            open_log(database, schema, limits=NO_LEASE) as two,
        ):
            for version in range(20):
                await asyncio.gather(
                    one.append(appending(contact(1), event(2 * version), expected=version)),
                    two.append(appending(contact(1), event(2 * version + 1), expected=version)),
                    return_exceptions=True,
                )
            page = await one.read_stream("bank", contact(1))
        assert [found.version for found in page.events] == list(range(1, 21))

    async def test_a_fence_raised_by_another_process_ends_the_old_holder(self, database: str) -> None:
        schema = await a_schema(database)
        async with open_log(database, schema) as leader, open_log(database, schema) as successor:
            old = await leader.acquire_fence("bank", "shard-1")
            await leader.append(appending(contact(1), event(1), fence=old))
            new = await successor.acquire_fence("bank", "shard-1")
            with pytest.raises(Fenced):
                await leader.append(appending(contact(1), event(2), fence=old))
            await leader.append(appending(contact(1), event(3), fence=new))
            assert (await leader.head()).position == 2

    async def test_a_second_appender_waits_for_the_lease(self, database: str) -> None:
        schema = await a_schema(database)
        hasty = WriterLimits(call=timedelta(seconds=1))
        async with open_log(database, schema) as first:
            await first.append(appending(contact(1), event(1)))
            async with open_log(database, schema, limits=hasty) as second:
                with pytest.raises(LogUnavailable):
                    await second.append(appending(contact(2), event(2)))
        async with open_log(database, schema, limits=hasty) as second:
            assert (await second.append(appending(contact(2), event(2)))).placements[0].position == 2

    async def test_a_conflict_with_another_appender_carries_its_events(self, database: str) -> None:
        schema = await a_schema(database)
        async with (
            open_log(database, schema, limits=NO_LEASE) as one,
            open_log(database, schema, limits=NO_LEASE) as two,
        ):
            await one.append(appending(contact(1), event(1), expected=0))
            await two.append(appending(contact(1), event(2), expected=1))
            with pytest.raises(VersionConflict) as conflict:
                await one.append(appending(contact(1), event(3), expected=1))
        assert ids(conflict.value.events) == [2]


@asynccontextmanager
async def two_logs(dsn: str, schema: str) -> AsyncIterator[tuple[PostgresLog, PostgresLog]]:
    """Give two appenders of one log that know nothing of each other."""
    async with open_log(dsn, schema, limits=NO_LEASE) as one, open_log(dsn, schema, limits=NO_LEASE) as two:
        yield one, two


async def append_one(log: PostgresLog, number: int) -> tuple[int, int]:
    appended = await log.append(appending(contact(number % 10), event(number)))
    return number, appended.placements[0].position


def append_one_by_one(log: PostgresLog, numbers: range) -> list["asyncio.Future[tuple[int, int]]"]:
    return [asyncio.ensure_future(append_one(log, number)) for number in numbers]


class TestAppendersOfOtherProcesses:
    async def test_an_appender_that_wakes_from_a_freeze_overwrites_nothing(self, database: str) -> None:
        schema = await a_schema(database)
        with an_appender(database, schema, first=1) as frozen:
            assert [ask(frozen) for _ in range(3)] == [f"acknowledged {number} {number}" for number in (1, 2, 3)]
            frozen.send_signal(signal.SIGSTOP)
            limits = WriterLimits(lease=timedelta(seconds=1), call=timedelta(seconds=20))
            async with open_log(database, schema, limits=limits) as successor:
                appended = await successor.append(appending(contact(50), event(50)))
                assert appended.placements[0].position == 4
                frozen.send_signal(signal.SIGCONT)
                assert await asyncio.to_thread(ask, frozen) == "unavailable 4"
                await fill(successor, [51, 52])
                assert ids(await every_event(successor)) == [1, 2, 3, 50, 51, 52]
        assert (await verify(database, schema)).bad is None

    async def test_a_killed_appender_is_replaced_at_once(self, database: str) -> None:
        schema = await a_schema(database)
        with an_appender(database, schema, first=1, lease_seconds=600) as killed:
            assert ask(killed) == "acknowledged 1 1"
            killed.kill()
            killed.wait()
            async with open_log(database, schema) as successor:
                await successor.append(appending(contact(2), event(2)))
                assert ids(await every_event(successor)) == [1, 2]

    async def test_a_reader_hears_the_last_event_of_an_appender_that_goes_at_once(self, database: str) -> None:
        schema = await a_schema(database)
        async with open_log(database, schema) as reader:
            pages = reader.subscribe(0, heartbeat=timedelta(seconds=600))
            await anext(pages)
            async with open_log(database, schema) as appender:
                await fill(appender, [1])
                assert ids((await anext(pages)).events) == [1]
                for number in range(2, 10):
                    await fill(appender, [number])
            read = 1
            while read < 9:
                read += len((await anext(pages)).events)

    async def test_a_reader_hears_an_appender_in_another_process(self, database: str) -> None:
        schema = await a_schema(database)
        async with open_log(database, schema) as reader:
            pages = reader.subscribe(0, heartbeat=timedelta(seconds=60))
            await anext(pages)
            hearing = asyncio.ensure_future(anext(pages))
            with an_appender(database, schema, first=1) as appender:
                await asyncio.to_thread(ask, appender)
                async with asyncio.timeout(30):
                    assert ids((await hearing).events) == [1]


class an_appender:  # noqa: N801  # reads as words where it stands
    """An appender in a process of its own, gone with the context."""

    def __init__(self, dsn: str, schema: str, first: int, lease_seconds: float = 1) -> None:
        program = Path(__file__).parent / "appender_process.py"
        self._command = [sys.executable, str(program), dsn, schema, str(first), str(lease_seconds)]

    def __enter__(self) -> "subprocess.Popen[str]":
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def ask(process: "subprocess.Popen[str]") -> str:
    """Ask an appender for one more event and return its answer."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


class TestKilledSessions:
    async def test_eight_writers_with_aborts_and_killed_sessions_leave_a_dense_log(
        self, database: str, owner: "asyncpg.Connection[asyncpg.Record]"
    ) -> None:
        seed = random.SystemRandom().randrange(2**32)
        print(f"seed {seed}")  # noqa: T201  # shown with a failure
        dice = random.Random(seed)  # noqa: S311  # chance, not secrets
        async with a_log(database, partition_events=500) as (log, schema):
            reader = asyncio.create_task(tail(log, until=8 * 150))
            killer = asyncio.create_task(kill_sessions(owner, schema, dice))
            acknowledged = await asyncio.gather(*(write_with_aborts(log, writer, dice) for writer in range(8)))
            killer.cancel()
            await asyncio.wait([killer])
            events = await reader
        stands = {found.event_id.int: found.position for found in events}
        assert len(stands) == len(events) == 8 * 150
        assert all(stands[number] == position for told in acknowledged for number, position in told.items())
        assert (await verify(database, schema)).bad is None


async def write_with_aborts(log: PostgresLog, writer: int, dice: random.Random) -> dict[int, int]:
    """Append 150 events, some in groups, giving up on some calls midway; return what was acknowledged."""
    acknowledged: dict[int, int] = {}
    numbers = list(range(writer * 1_000 + 1, writer * 1_000 + 151))
    while numbers:
        some = numbers[: dice.randint(1, 4)]
        call = asyncio.ensure_future(
            log.append(Append("bank", [StreamAppend(contact(writer), [event(number) for number in some])]))
        )
        await asyncio.wait([call], timeout=dice.choice([0, 0.002, 20]))
        if not call.done():
            call.cancel()
            await asyncio.wait([call])
        if call.cancelled() or call.exception() is not None:
            continue
        acknowledged |= {n: place.position for n, place in zip(some, call.result().placements, strict=True)}
        del numbers[: len(some)]
    return acknowledged


async def kill_sessions(owner: "asyncpg.Connection[asyncpg.Record]", schema: str, dice: random.Random) -> None:
    """End sessions of the log, the appender's among them, again and again."""
    while True:
        await asyncio.wait([asyncio.ensure_future(asyncio.sleep(dice.uniform(0.02, 0.2)))])
        await owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and random() < 0.5",
            f"event_log {schema}",
        )


async def tail(log: PostgresLog, until: int) -> list[Event]:
    """Follow the log by position and assert that none is missing, though sessions are killed."""
    events: list[Event] = []
    async with asyncio.timeout(60):
        while len(events) < until:
            try:
                async for page in log.subscribe(len(events)):
                    for found in page.events:
                        assert found.position == len(events) + 1
                        events.append(found)
                    if len(events) >= until:
                        break
            except LogUnavailable:
                continue
    return events


async def test_connections_name_their_schema(database: str) -> None:
    connections = Connections(database, "some_schema")
    async with connections.read() as session:
        assert await session.fetchval("show search_path") == '"some_schema"'
    await connections.close()
