"""Facts that follow a topic on a real broker, by one instance or several: always those that the log itself gives."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa
import pytest

from event_log.kafka.feed import KafkaFeed
from event_log.kafka.polling import Topic
from event_log.kafka.record import Origin
from event_log.model import Cursor, Event
from event_log.packed import COLUMNS, pack
from holdfast.call_events.v1 import queueing_pb2
from holdfast_testing import eventually
from live_facts import Scene, a_scene, following
from metrics import as_of
from metrics.facts import Facts
from metrics.follow import places
from metrics.follow.advance import Advance, Step
from metrics.follow.following import CursorMoved
from metrics.follow.places import Move
from metrics.follow.retrying import Retrying
from metrics.rebuild.rebuild import Progress
from told_contacts import chance_of, contacts, in_time, poison
from topic_testing import Carrier, a_carrier, a_topic

PARTITIONS = 5
LONG = timedelta(seconds=40)


def some(count: int, odd: float = 0.01, seed: int = 1) -> list[Event]:
    return in_time(contacts(chance_of(seed), count, odd))


@dataclass
class Carried:
    """A scene whose log a topic carries."""

    scene: Scene
    carrier: Carrier
    feed: KafkaFeed

    def facts(self, member: str) -> Facts:
        """Return the facts as an instance of that name brings them forward."""
        return Facts(self.scene.database, self.feed, member=member)

    async def tell(self, events: Sequence[Event]) -> None:
        """Append events and have them carried."""
        await self.scene.tell(events)
        await self.carrier.follow(self.scene.log)

    async def caught_up(self) -> None:
        """Wait until all partitions are at the head."""
        head = (await self.scene.log.head()).position
        query = "select min(position) from metrics.cursor join metrics.live_generation using (schema_name)"

        async def there() -> bool:
            return (await self.scene.database.fetchval(query) or 0) >= head

        await eventually(there, within=LONG)


@asynccontextmanager
async def sharing(carried: Carried, *members: str) -> AsyncIterator[list["asyncio.Task[None]"]]:
    """Follow by some instances as long as the context lasts."""
    tasks = [asyncio.create_task(carried.facts(member).follow()) for member in members]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture
async def carried(fresh_database: str, kafka_bootstrap: str) -> AsyncIterator[Carried]:
    async with AsyncExitStack() as stack:
        scene = await stack.enter_async_context(a_scene(fresh_database))
        head = await scene.log.head()
        topic = stack.enter_context(a_topic(kafka_bootstrap, PARTITIONS))
        origin = Origin(head.log_id, head.incarnation, 1)
        carrier = stack.enter_context(a_carrier(kafka_bootstrap, topic, origin, PARTITIONS))
        yield Carried(scene, carrier, KafkaFeed("kafka", scene.log, Topic((kafka_bootstrap,), topic)))


async def rebuilt(carried: Carried, *, swap: bool = False) -> Progress:
    """Fold the log itself and compare; return how it ended."""
    told = [told async for told in carried.scene.facts.rebuild(swap=swap, accept_differences=False)]
    return told[-1]


async def parked(carried: Carried) -> list[int]:
    rows = await carried.scene.database.fetch("select position from metrics.parked_event order by position")
    return [row["position"] for row in rows]


async def test_facts_of_the_topic_are_those_of_the_log_at_a_common_position(carried: Carried) -> None:
    events = some(120)
    async with sharing(carried, "a"):
        for start in range(0, len(events), 200):
            await carried.tell(events[start : start + 200])
        await carried.caught_up()
        told = await rebuilt(carried)
        assert (told.differences, told.examples) == (0, ())
        assert told.compared_position == (await carried.scene.log.head()).position


async def test_instances_that_come_and_go_fold_every_event_once(carried: Carried) -> None:
    events = some(150, seed=2)
    chance = chance_of(3)
    async with sharing(carried, "c"):
        for start in range(0, len(events), 100):
            async with sharing(carried, "a", "b") as tasks:
                await carried.tell(events[start : start + 100])
                await asyncio.wait(tasks, timeout=chance.random() / 2)
        await carried.caught_up()
        assert (await rebuilt(carried)).differences == 0


async def test_a_rebuild_takes_the_place_of_facts_that_several_instances_keep(carried: Carried) -> None:
    events = some(100, seed=4)
    async with sharing(carried, "a", "b", "c"):
        await carried.tell(events[:300])
        await carried.caught_up()
        assert (await rebuilt(carried, swap=True)).differences == 0
        await carried.tell(events[300:])
        await carried.caught_up()
        assert (await rebuilt(carried)).differences == 0
        rows = await carried.scene.database.fetch("select distinct schema_name, stopped from metrics.cursor")
        assert [tuple(row) for row in rows] == [("facts_2", "")]


async def test_what_the_topic_has_twice_or_not_at_all_changes_no_fact(carried: Carried) -> None:
    events = some(80, seed=5)
    async with sharing(carried, "a", "b"):
        await carried.scene.tell(events)
        await carried.carrier.follow(carried.scene.log, times=2, lost=range(100, 150))
        await carried.caught_up()
        assert (await rebuilt(carried)).differences == 0


async def test_an_event_that_cannot_be_folded_is_found_parked_alone_and_retried(carried: Carried) -> None:
    events = some(30, seed=6)
    zero = queueing_pb2.Enqueued(visit_id="v", queue="a\0b").SerializeToString()
    events.insert(40, poison(zero, number=7))
    events.insert(60, poison(b"\xff\xff", number=8))
    async with sharing(carried, "a"):
        await carried.tell(events)
        await carried.caught_up()
        assert await parked(carried) == [41, 61]
        async with carried.scene.database.acquire(5) as connection:
            found = await as_of.read(connection, "t")
        assert (found.parked, found.logs[0].position, found.logs[0].stopped) == (2, len(events), "")
        for position in (41, 61):
            await Retrying(carried.scene.database, carried.scene.log).skip(position, "a test")
        assert (await rebuilt(carried)).differences == 0


async def test_facts_go_on_when_the_feed_is_another_one(carried: Carried) -> None:
    events = some(90, seed=7)
    async with following(carried.scene):
        await carried.tell(events[:200])
        await carried.scene.caught_up()
    async with sharing(carried, "a", "b"):
        await carried.tell(events[200:300])
        await carried.caught_up()
    await carried.scene.tell(events[300:])
    async with following(carried.scene):
        await carried.scene.caught_up()
        assert (await rebuilt(carried)).differences == 0
        assert await carried.scene.database.fetchval("select count(*) from metrics.cursor") == 1


async def test_who_lost_a_partition_cannot_write_to_it(carried: Carried) -> None:
    database, log = carried.scene.database, carried.scene.log
    await carried.scene.tell(some(5))
    head = await log.head()
    async with sharing(carried, "a"):
        await carried.carrier.follow(log)
        await carried.caught_up()
    held = Cursor(head.log_id, head.incarnation, head.position)
    async with database.acquire(5) as connection:
        await places.claim(connection, "facts_1", head.log_id, {2: 100})
        assert await places.claim(connection, "facts_1", head.log_id, {2: 99}) == {}
        assert (await places.claim(connection, "facts_1", head.log_id, {2: 101}))[2].position == head.position
    nothing = pa.Table.from_batches([pack((), COLUMNS)])
    moves = (Move(2, head.position, head.position + 1, epoch=100),)
    step = Step(nothing, held, head.position + 1, head.position + 1, moves, PARTITIONS)
    with pytest.raises(CursorMoved):
        await Advance(database, log, "facts_1").park(step, "a test")


async def test_shares_are_even_and_given_up_by_who_leaves(carried: Carried) -> None:
    query = "select member, count(*) from metrics.partition_lease group by member order by member"

    async def expected(*shares: tuple[str, int]) -> bool:
        return [tuple(row) for row in await carried.scene.database.fetch(query)] == list(shares)

    async with sharing(carried, "a", "b"):
        async with sharing(carried, "c"):
            await eventually(lambda: expected(("a", 2), ("b", 2), ("c", 1)), within=LONG)
        await eventually(lambda: expected(("a", 3), ("b", 2)), within=LONG)
