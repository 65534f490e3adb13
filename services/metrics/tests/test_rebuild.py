"""Facts rebuilt beside the live ones: equal, while events arrive, cut short, poisoned, of a log that lost events."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import asyncpg
import pytest

from event_log.log import Log
from event_log.model import Event, PackedPage
from event_log.operating import raise_incarnation
from live_facts import LOG_SCHEMA, Scene, a_scene, following
from metrics.generation import live_generation
from metrics.rebuild.rebuild import Progress, Rebuild
from metrics.rebuild.refused import PoisonedRebuild
from told_contacts import chance_of, contacts, in_time, poison


def some(count: int, odd: float = 0.01, seed: int = 1) -> list[Event]:
    return in_time(contacts(chance_of(seed), count, odd))


async def rebuilt(scene: Scene, *, swap: bool = True, accept: bool = False) -> list[Progress]:
    return [told async for told in scene.facts.rebuild(swap=swap, accept_differences=accept)]


async def live(scene: Scene) -> str | None:
    async with scene.database.acquire(5) as connection:
        return await live_generation(connection)


async def generations(scene: Scene) -> list[str]:
    rows = await scene.database.fetch("select schema_name from metrics.generation order by 1")
    return [row[0] for row in rows]


async def test_rebuilt_facts_equal_the_live_ones_and_take_their_place(fresh_database: str) -> None:
    async with a_scene(fresh_database) as scene, following(scene):
        for start in range(0, 2000, 150):
            await scene.tell(some(100)[start : start + 150])
        await scene.caught_up()
        before = await scene.shown()
        told = await rebuilt(scene)
        assert [progress.stage for progress in told][-3:] == ["comparing", "swapped", "done"]
        assert (told[-1].differences, told[-1].examples) == (0, ())
        assert told[-1].compared_position == told[-1].events > 0
        assert await scene.shown() == before
        assert await live(scene) == "facts_2"
        looked_at = "select count(distinct tablename) from pg_stats where schemaname = 'facts_2'"
        assert await scene.database.fetchval(looked_at) > 4, "the planner knows what the new tables hold"


async def test_a_rebuild_only_to_compare_drops_what_it_made(fresh_database: str) -> None:
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell(some(20))
        await scene.caught_up()
        told = await rebuilt(scene, swap=False)
        assert told[-1].differences == 0
        assert await generations(scene) == ["facts_1"]


async def test_events_that_arrive_during_a_rebuild_are_in_both(fresh_database: str) -> None:
    events = some(120)
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell(events[:400])
        late = iter(range(400, len(events), 50))
        async for told in scene.facts.rebuild(swap=True, accept_differences=False):
            start = next(late, len(events))
            await scene.tell(events[start : start + 50])
            assert told.differences in (None, 0)
        for start in late:
            await scene.tell(events[start : start + 50])
        await scene.caught_up()
        assert await live(scene) == "facts_2"
        assert (await rebuilt(scene))[-1].differences == 0


async def test_differences_are_named_by_key_and_column_and_keep_the_live_facts(fresh_database: str) -> None:
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell(some(10))
        await scene.caught_up()
        await scene.database.execute("update facts_1.queue_visit set wait_us = 1 where outcome = 'answered'")
        told = (await rebuilt(scene))[-1]
        assert told.differences
        assert all(example.endswith(": wait_us") for example in told.examples)
        assert await live(scene) == "facts_1"
        assert (await rebuilt(scene, accept=True))[-1].stage == "done"
        assert await live(scene) == "facts_2"


async def test_a_rebuild_cut_short_leaves_the_live_facts_and_is_gone_on_with(fresh_database: str) -> None:
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell(some(60))
        await scene.caught_up()
        before = await scene.shown()
        rebuild = scene.facts.rebuild(swap=True, accept_differences=False)
        async for told in rebuild:
            if told.stage == "comparing":
                break
        await rebuild.aclose()
        assert await scene.shown() == before
        assert await live(scene) == "facts_1"
        assert [told.stage for told in await rebuilt(scene)] == ["comparing", "swapped", "done"]


@dataclass(frozen=True)
class Halting:
    """A log that gives a page of a hundred events, and then keeps its reader waiting."""

    log: Log

    def __getattr__(self, name: str) -> Any:
        return getattr(self.log, name)

    async def read_packed(self, after: Any, **more: Any) -> AsyncIterator[PackedPage]:
        async for page in self.log.read_packed(after, page_size=100, **more):
            yield page
            await asyncio.Event().wait()


async def test_of_a_rebuild_cut_short_nothing_goes_on_once_it_has_let_go(fresh_database: str) -> None:
    async with a_scene(fresh_database) as scene:
        await scene.tell(some(40))
        under_way = asyncio.all_tasks()
        rebuild = Rebuild(scene.database, cast("Log", Halting(scene.log))).run(swap=True, accept_differences=True)
        assert (await anext(rebuild)).stage == "folding"
        assert asyncio.all_tasks() > under_way, "it waits for the next page"
        await rebuild.aclose()
        assert asyncio.all_tasks() <= under_way


async def test_a_poisoned_event_ends_a_rebuild_and_the_live_facts_stay(fresh_database: str) -> None:
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell([*some(10), poison(b"\xff\xff")])
        await scene.caught_up()
        head = (await scene.log.head()).position
        with pytest.raises(PoisonedRebuild) as refused:
            await rebuilt(scene)
        assert refused.value.position == head
        assert await generations(scene) == ["facts_1"]


async def test_facts_that_stopped_following_are_replaced_without_waiting_for_them(fresh_database: str) -> None:
    async with a_scene(fresh_database) as scene:
        async with following(scene):
            await scene.tell(some(20))
            await scene.caught_up()
        await scene.database.execute("update metrics.cursor set stopped = 'too_many_parked', position = 1")
        told = (await rebuilt(scene))[-1]
        assert (told.stage, told.differences) == ("done", None)
        assert await live(scene) == "facts_2"
        async with following(scene):
            await scene.tell(some(30)[len(some(20)) :])
            await scene.caught_up()


async def test_facts_of_a_log_that_lost_something_are_rebuilt_by_themselves(fresh_database: str) -> None:
    async with a_scene(fresh_database) as scene:
        await scene.tell(some(10))
        async with following(scene):
            await scene.caught_up()
            before = await scene.shown()
        connection = await asyncpg.connect(fresh_database)
        await raise_incarnation(connection, LOG_SCHEMA, "a test")
        await connection.close()
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.log.head()
        await scene.until_live("facts_2")
        assert await scene.shown() == before
