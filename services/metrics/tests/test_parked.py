"""Events set aside: tried again, or left out for good."""

import pytest

from holdfast.call_events.v1 import queueing_pb2
from live_facts import Scene, a_scene, following
from metrics.rebuild import PoisonedRebuild
from metrics.retrying import NotParked, Retrying, StillUnfoldable
from told_contacts import chance_of, contacts, in_time, poison

ZERO = queueing_pb2.Enqueued(visit_id="v", queue="a\0b").SerializeToString()


async def parked(scene: Scene) -> list[int]:
    rows = await scene.database.fetch("select position from metrics.parked_event order by position")
    return [row["position"] for row in rows]


async def test_an_event_that_was_set_aside_by_mistake_is_applied(fresh_database: str) -> None:
    events = in_time(contacts(chance_of(1), 5, 0.0))
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell(events)
        await scene.caught_up()
        whole = await scene.shown()
        row = await scene.database.fetchrow("select contact_id, last_position from metrics.contact order by 1 limit 1")
        assert row is not None
        await scene.database.execute(
            "insert into metrics.parked_event select schema_name, log_id, $1, 't', 'contact', $2, 'Enqueued', 'x'"
            " from metrics.cursor",
            row["last_position"],
            row["contact_id"],
        )
        await scene.database.execute("delete from facts_1.leg where contact_id = $1", row["contact_id"])
        await Retrying(scene.database, scene.log).retry(row["last_position"])
        assert await parked(scene) == []
        assert await scene.shown() == whole


async def test_an_event_that_still_cannot_be_folded_stays_set_aside(fresh_database: str) -> None:
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell([poison(b"\xff\xff")])
        await scene.caught_up()
        with pytest.raises(StillUnfoldable):
            await Retrying(scene.database, scene.log).retry(1)
        assert await parked(scene) == [1]


async def test_what_is_not_set_aside_cannot_be_tried(fresh_database: str) -> None:
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell(in_time(contacts(chance_of(1), 1, 0.0)))
        await scene.caught_up()
        with pytest.raises(NotParked):
            await Retrying(scene.database, scene.log).retry(1)


@pytest.mark.parametrize("payload", [b"\xff\xff", ZERO])
async def test_a_skipped_event_is_left_out_of_rebuilds_too(fresh_database: str, payload: bytes) -> None:
    events = in_time(contacts(chance_of(1), 5, 0.0))
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell([*events[:20], poison(payload), *events[20:]])
        await scene.caught_up()
        with pytest.raises(PoisonedRebuild):
            [told async for told in scene.facts.rebuild(swap=True, accept_differences=False)]
        await Retrying(scene.database, scene.log).skip(21, "a test")
        assert await parked(scene) == []
        told = [told async for told in scene.facts.rebuild(swap=True, accept_differences=False)]
        assert told[-1].differences == 0
