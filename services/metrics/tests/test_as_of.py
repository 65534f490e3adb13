"""How current an answer may claim to be."""

from dataclasses import replace

import asyncpg
import pytest

from event_log.memory import MemoryLog
from event_log.model import Cursor
from fact_rows import GENERATION, LOG, TENANT, advance, database_of, prepare
from metrics import as_of
from metrics.answer.row_counts import AT_MOST, row_counts
from metrics.as_of import SILENT_US, AsOf, Followed
from metrics.follow.hearing import heard, keep_hearing
from metrics.follow.lagging import Lagging

NOW_US = 1_000_000_000
LIVE = Followed("call-events", 1, position=9, head_position=9, stopped="", heard_us=NOW_US)
CURRENT = AsOf((LIVE,), time_us=NOW_US - 60_000_000, parked=0)


def having(*logs: Followed) -> AsOf:
    return replace(CURRENT, logs=logs)


def test_facts_at_the_head_of_logs_that_are_heard_of_are_current() -> None:
    assert CURRENT.is_current(NOW_US)
    assert CURRENT.is_current(NOW_US + SILENT_US)
    assert CURRENT.known_us(NOW_US) == NOW_US


def test_a_log_not_heard_of_for_a_while_is_not_followed_and_nothing_is_known_of_what_was_told_since() -> None:
    later = NOW_US + SILENT_US + 1
    assert not CURRENT.is_current(later)
    assert not CURRENT.following(later)
    assert CURRENT.known_us(later) == NOW_US


def test_of_several_logs_the_one_heard_of_longest_ago_counts() -> None:
    silent = replace(LIVE, log_id="ivr-routing", heard_us=NOW_US - SILENT_US - 1)
    assert not having(LIVE, silent).is_current(NOW_US)
    assert having(LIVE, silent).heard_us == silent.heard_us


def test_facts_behind_a_log_or_stopped_or_of_a_log_never_heard_of_are_not_current() -> None:
    assert not having(replace(LIVE, head_position=10)).is_current(NOW_US)
    assert not having(replace(LIVE, stopped="too_many_parked")).is_current(NOW_US)
    assert not having(replace(LIVE, heard_us=0)).is_current(NOW_US)
    assert not having().is_current(NOW_US)


async def test_a_log_that_went_on_is_known_to_be_ahead_though_nothing_of_it_came(fresh_database: str) -> None:
    await prepare(fresh_database)
    await advance(fresh_database, Cursor(LOG, 1, 5))
    async with database_of(fresh_database) as database, database.acquire() as connection:
        assert (await as_of.read(connection, TENANT)).behind == 0
        await heard(connection, Cursor(LOG, 1, 8), 2_000_000_000_000_000)
        assert (await as_of.read(connection, TENANT)).behind == 3
        await heard(connection, Cursor(LOG, 1, 6), 1)  # told late by another instance
        assert (await as_of.read(connection, TENANT)).behind == 3


class EnoughHeard(Exception):
    """Ends a test's listening."""


async def test_a_log_that_answers_is_heard_of(fresh_database: str) -> None:
    await prepare(fresh_database)
    times = iter([NOW_US, NOW_US, NOW_US + 1])

    def clock() -> int:
        try:
            return next(times)
        except StopIteration:
            raise EnoughHeard from None

    async with database_of(fresh_database) as database:
        with pytest.raises(EnoughHeard):
            await keep_hearing(database, MemoryLog("another"), Lagging(), clock, every_seconds=0)
        assert await database.fetchval("select heard_time from metrics.heard where log_id = 'another'") == NOW_US + 1


async def test_few_rows_are_counted_and_many_are_estimated_of_one_tenant_alone(fresh_database: str) -> None:
    await prepare(fresh_database)
    connection = await asyncpg.connect(fresh_database)
    try:
        for tenant, rows in ((TENANT, 3 * AT_MOST), ("another", AT_MOST)):
            await connection.execute(
                f'insert into "{GENERATION}".contact (tenant, contact_id) select $1, number::text'  # noqa: S608
                " from generate_series(1, $2) number",
                tenant,
                rows,
            )
        await connection.execute(f'analyze "{GENERATION}".contact')
    finally:
        await connection.close()
    async with database_of(fresh_database) as database, database.acquire() as reading:
        many = await row_counts(reading, GENERATION, TENANT)
        few = await row_counts(reading, GENERATION, "another")
    assert (few.rows["contact"], few.estimated) == (AT_MOST, ())
    assert many.estimated == ("contact",)
    assert many.rows["contact"] == pytest.approx(3 * AT_MOST, rel=0.1)
