"""Snapshots as they stand in the database: the newest to start from, some before it to explain from."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from event_log.model import Cursor
from ivr_routing.lead.snapshots import MOST_SPACED, SPACED_EVENTS, Kept, Snapshots
from ivr_routing.loop.desk import Desk
from ivr_routing.loop.snapshot import dump
from service_host.postgres import connect, migrate

TENANT = "bank"
SCHEMA = "ivr_routing"


@pytest.fixture
async def snapshots(fresh_database: str) -> AsyncIterator[Snapshots]:
    session = await asyncpg.connect(fresh_database)
    await migrate(session, package="ivr_routing.migrations", schema=SCHEMA)
    await session.close()
    async with connect(f"{fresh_database}?search_path={SCHEMA}") as database:
        yield Snapshots(database)


def at(position: int, log_id: str = "log", incarnation: int = 1) -> Cursor:
    return Cursor(log_id, incarnation, position)


async def kept(snapshots: Snapshots, *positions: int) -> None:
    for position in positions:
        await snapshots.keep(at(position), {TENANT: dump(Desk(TENANT))})


def position(found: Kept) -> int:
    return found.position if TENANT in found.desks else 0


async def test_a_start_begins_with_the_newest_and_an_explanation_with_the_last_one_before(snapshots: Snapshots) -> None:
    await kept(snapshots, 10, 20, SPACED_EVENTS + 5, SPACED_EVENTS + 9, SPACED_EVENTS + 12)
    assert position(await snapshots.load(at(2 * SPACED_EVENTS))) == SPACED_EVENTS + 12
    assert position(await snapshots.before(TENANT, at(SPACED_EVENTS + 12))) == SPACED_EVENTS + 5
    assert position(await snapshots.before(TENANT, at(SPACED_EVENTS + 5))) == 10
    assert position(await snapshots.before(TENANT, at(10))) == 0
    assert position(await snapshots.before("other", at(SPACED_EVENTS + 12))) == 0


async def test_what_is_too_far_back_or_of_another_incarnation_is_kept_no_longer(snapshots: Snapshots) -> None:
    await kept(snapshots, 10, SPACED_EVENTS + 5, (MOST_SPACED + 1) * SPACED_EVENTS)
    assert position(await snapshots.before(TENANT, at(MOST_SPACED * SPACED_EVENTS))) == 0
    await snapshots.keep(at(7, incarnation=2), {TENANT: dump(Desk(TENANT))})
    assert await snapshots.newest(at(0)) == 0
    assert position(await snapshots.load(at(7, incarnation=2))) == 7


async def test_what_another_version_kept_is_as_good_as_nothing(snapshots: Snapshots) -> None:
    await snapshots.keep(at(10), {TENANT: b"of another version"})
    assert position(await snapshots.load(at(20))) == 0
    assert position(await snapshots.before(TENANT, at(20))) == 0
