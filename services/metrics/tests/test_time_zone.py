"""The tenant's zone is set once or changed, and is each tenant's own."""

from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from metrics.connection import Connection
from metrics.tenant import time_zone
from service_host.migrations import migrate

JERUSALEM = ZoneInfo("Asia/Jerusalem")
PARIS = ZoneInfo("Europe/Paris")


@pytest.fixture
async def connection(fresh_database: str) -> AsyncIterator[Connection]:
    """Give a connection to a database that has the table."""
    opened = await asyncpg.connect(fresh_database)
    await migrate(opened, package="metrics.tenant", schema="metrics")
    yield opened
    await opened.close()


async def test_a_tenant_that_has_set_no_zone_lives_in_utc(connection: Connection) -> None:
    assert await time_zone.read(connection, "bank") == ZoneInfo("UTC")


async def test_a_zone_that_was_set_is_read(connection: Connection) -> None:
    assert await time_zone.write(connection, "bank", JERUSALEM, only_if_unset=True)
    assert await time_zone.read(connection, "bank") == JERUSALEM


async def test_setting_the_same_zone_again_changes_nothing(connection: Connection) -> None:
    await time_zone.write(connection, "bank", JERUSALEM, only_if_unset=False)
    assert not await time_zone.write(connection, "bank", JERUSALEM, only_if_unset=False)


async def test_a_zone_is_left_alone_where_only_an_unset_one_may_be_set(connection: Connection) -> None:
    await time_zone.write(connection, "bank", JERUSALEM, only_if_unset=True)
    assert not await time_zone.write(connection, "bank", PARIS, only_if_unset=True)
    assert await time_zone.read(connection, "bank") == JERUSALEM


async def test_a_zone_can_be_changed(connection: Connection) -> None:
    await time_zone.write(connection, "bank", JERUSALEM, only_if_unset=True)
    assert await time_zone.write(connection, "bank", PARIS, only_if_unset=False)
    assert await time_zone.read(connection, "bank") == PARIS


async def test_one_tenants_zone_is_not_anothers(connection: Connection) -> None:
    await time_zone.write(connection, "bank", JERUSALEM, only_if_unset=True)
    assert await time_zone.read(connection, "shop") == ZoneInfo("UTC")
