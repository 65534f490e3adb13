"""Cursors of many partitions written at once: whoever takes several takes them in order, so that nobody is undone."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import asyncpg
import pytest

from event_log.model import Cursor
from holdfast_testing import eventually
from live_facts import Scene, a_scene
from metrics.follow import following, places

GENERATION, LOG = "facts_1", Cursor("log", 1, 0)
PARTITIONS = (0, 1, 2)
HEAD = 9
WAITING = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
AS_THEY_LIE = "set enable_indexscan = off; set enable_bitmapscan = off"
"""Plans that take rows in the order of the table, as Postgres may choose them any day."""
Writing = Callable[[Any], Coroutine[Any, Any, object]]

IN_ORDER: dict[str, Writing] = {
    "a claim": lambda connection: places.claim(connection, GENERATION, LOG.log_id, dict.fromkeys(PARTITIONS, 1)),
    "a stop": lambda connection: following.stop(connection, GENERATION, LOG.log_id, "a test"),
}


async def divided(scene: Scene) -> None:
    """Give a log cursors that stand in their table in the order of their last writing: the last partition first."""
    async with scene.database.acquire(5) as connection, connection.transaction():
        await following.begin(connection, GENERATION, LOG)
        await places.divide(connection, GENERATION, LOG.log_id, len(PARTITIONS))
        for partition in reversed(PARTITIONS):
            await touched(connection, partition)


async def touched(connection: Any, partition: int) -> None:
    await connection.execute("update metrics.cursor set record_time = 1 where partition = $1", partition)


@pytest.mark.parametrize("writing", IN_ORDER.values(), ids=IN_ORDER.keys())
async def test_who_writes_all_cursors_waits_for_who_moves_them_in_order(fresh_database: str, writing: Writing) -> None:
    watching = await asyncpg.connect(fresh_database)
    async with a_scene(fresh_database) as scene:
        await divided(scene)
        async with scene.database.acquire(20) as one, scene.database.acquire(20) as other:
            await other.execute(AS_THEY_LIE)
            async with one.transaction():
                await touched(one, 0)
                written = asyncio.create_task(writing(other))
                await eventually(lambda: watching.fetchval(WAITING))
                for partition in PARTITIONS[1:]:
                    await touched(one, partition)
            await written
    await watching.close()


async def test_the_head_is_told_without_waiting_for_cursors_that_move(fresh_database: str) -> None:
    async with a_scene(fresh_database) as scene:
        await divided(scene)
        async with scene.database.acquire(5) as one, scene.database.acquire(5) as other, one.transaction():
            await touched(one, 0)
            await places.tell_head(other, GENERATION, Cursor(LOG.log_id, 1, HEAD), PARTITIONS)
        rows = await scene.database.fetch("select partition, head_position from metrics.cursor order by partition")
        assert [tuple(row) for row in rows] == [(0, 0), (1, HEAD), (2, HEAD)]
