"""Facts that follow a real log live: the same as the full rules tell, whatever happens on the way."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from event_log.model import Event
from holdfast.call_events.v1 import queueing_pb2
from live_facts import Scene, a_scene, following
from metrics.fact.recount import recounted
from metrics.follow.refolding import observed_of
from service_host.postgres import Database
from told_contacts import chance_of, contacts, in_time, poison


def some(count: int, odd: float = 0.01, seed: int = 1) -> list[Event]:
    return in_time(contacts(chance_of(seed), count, odd))


async def recount(scene: Scene, events: Sequence[Event]) -> dict[str, set[tuple[object, ...]]]:
    """Return the keys and some columns of what the full rules tell of every contact in the log."""
    head = await scene.log.head()
    streams = list(dict.fromkeys(event.stream for event in events))
    told = await scene.log.read_streams("t", streams, until_position=head.position)
    rows = [recounted("t", str(stream.key), observed_of(found)) for stream, found in told.items()]
    return {name: {_short(name, row) for found in rows for row in found[name]} for name in _SHOWN}


_SHOWN = {
    "contact": ("contact_id", "contact_end", "ended_time", "anomalies"),
    "queue_visit": ("contact_id", "visit_id", "outcome", "wait_us", "wait_clock", "agent"),
    "assignment": ("contact_id", "assignment_id", "agent", "talk_us", "handle_us", "started_time"),
    "leg": ("contact_id", "leg_id", "role", "ended_time"),
    "anomaly": ("contact_id", "rule", "detail"),
}


def _short(name: str, row: dict[str, object]) -> tuple[object, ...]:
    return tuple(row[column] for column in _SHOWN[name])


async def shown(scene: Scene) -> dict[str, set[tuple[object, ...]]]:
    rows = {
        name: await scene.database.fetch(f"select {', '.join(columns)} from metrics.{name}")  # noqa: S608
        for name, columns in _SHOWN.items()
    }
    return {
        name: {tuple(row) for row in found if row.get("rule") != "overlapping_services"} for name, found in rows.items()
    }


async def test_live_facts_are_what_the_full_rules_tell(fresh_database: str) -> None:
    events = some(150)
    async with a_scene(fresh_database) as scene, following(scene):
        for start in range(0, len(events), 97):
            await scene.tell(events[start : start + 97])
        await scene.caught_up()
        assert await shown(scene) == await recount(scene, events)


async def test_a_follower_cut_off_at_any_moment_goes_on_where_its_facts_end(fresh_database: str) -> None:
    events = some(120, seed=2)
    chance = chance_of(3)
    async with a_scene(fresh_database) as scene:
        for start in range(0, len(events), 60):
            await scene.tell(events[start : start + 60])
            async with following(scene) as task:
                await asyncio.wait({task}, timeout=chance.random() / 4)
        async with following(scene):
            await scene.caught_up()
        assert await shown(scene) == await recount(scene, events)


async def test_two_followers_at_once_fold_every_event_once(fresh_database: str) -> None:
    events = some(80, seed=4)
    async with a_scene(fresh_database) as scene, following(scene), following(scene):
        for start in range(0, len(events), 40):
            await scene.tell(events[start : start + 40])
        await scene.caught_up()
        assert await shown(scene) == await recount(scene, events)


async def parked(database: Database) -> list[tuple[int, str]]:
    rows = await database.fetch("select position, reason from metrics.parked_event order by position")
    return [tuple(row) for row in rows]


async def test_a_malformed_payload_is_parked_and_the_rest_goes_on(fresh_database: str) -> None:
    events = some(20, seed=5)
    events.insert(30, poison(b"\xff\xff\xff"))
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell(events)
        await scene.caught_up()
        assert await parked(scene.database) == [(31, "the payload is no message of its type")]
        assert await shown(scene) == await recount(scene, events[:30] + events[31:])


async def test_an_event_that_the_database_refuses_is_found_and_parked_alone(fresh_database: str) -> None:
    events = some(20, seed=6)
    zero = queueing_pb2.Enqueued(visit_id="v", queue="a\0b").SerializeToString()
    events.insert(40, poison(zero, number=7))
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell(events)
        await scene.caught_up()
        assert [position for position, _ in await parked(scene.database)] == [41]
        assert await shown(scene) == await recount(scene, events[:40] + events[41:])


async def test_an_event_of_a_newer_schema_is_parked_and_the_rest_of_its_contact_goes_on(fresh_database: str) -> None:
    events = some(5, seed=7)
    newer = replace(events[3], event_id=UUID(int=7), type="TypeOfTomorrow", payload=b"whatever")
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell([*events[:4], newer, *events[4:]])
        await scene.caught_up()
        assert await parked(scene.database) == [(5, "its type is newer than this version")]
        assert await shown(scene) == await recount(scene, events)


async def test_types_that_no_fact_declares_are_ignored(fresh_database: str) -> None:
    async with a_scene(fresh_database) as scene, following(scene):
        await scene.tell([poison(b"", "RecordingStarted")])
        await scene.caught_up()
        assert await parked(scene.database) == []


@pytest.mark.parametrize("events_a_step", [1, 7, 1000])
async def test_facts_do_not_depend_on_how_events_come_in_pages(fresh_database: str, events_a_step: int) -> None:
    events = some(12, 0.05, seed=8)
    async with a_scene(fresh_database) as scene, following(scene):
        for start in range(0, len(events), events_a_step):
            await scene.tell(events[start : start + events_a_step])
            await scene.caught_up()
        assert await shown(scene) == await recount(scene, events)
