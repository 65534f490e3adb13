"""The relay on a real broker and Postgres: everything in order, nothing unacknowledged, one holder at a time."""

import asyncio
from typing import Any

import asyncpg
import pytest
from kafka import KafkaProducer

from event_log.connections import Connections
from event_log.kafka.batch_form import encoded
from event_log.kafka.checkpoints import PostgresCheckpoints
from event_log.kafka.clients import opened
from event_log.kafka.errors import BrokerUnavailable
from event_log.kafka.local_broker import LocalBroker
from event_log.kafka.producing import abandon, producer_settings, sent
from event_log.kafka.record import Control, EventPlace, Origin, control_record
from event_log.kafka.relay import LeaseLost
from event_log.kafka.shares import Share
from event_log.kafka.topic import TopicSettings, ensure_topic
from event_log.kafka.window import ToSend, beginning
from event_log.model import Cursor
from event_log.operating import raise_incarnation
from event_log_testing import contact, every_event, fill
from holdfast_testing import eventually
from kafka_testing import BRISK, a_relayed_log, reading, relaying, topic_name


async def test_a_log_stands_in_its_topic_whole_and_in_order(kafka_bootstrap: str, database: str) -> None:
    topic = TopicSettings(topic_name("whole"), partitions=8)
    async with a_relayed_log(database) as (log, schema):
        await fill(log, range(1, 3001))
        async with relaying(kafka_bootstrap, log, schema, database, topic) as told:
            await eventually(lambda: told.position == 3000)
            await fill(log, range(3001, 3011), contact(7))
            with reading(kafka_bootstrap, topic.name, range(8)) as reader:
                await eventually(lambda: asyncio.to_thread(lambda: reader.complete_to() == 3010))
                assert reader.events() == await every_event(log)
                assert all(len(partition.events) > 100 for partition in reader.partitions.values())
        assert told.troubles == []


async def test_relays_of_two_shares_fill_one_topic_and_one_takes_over_from_both(
    kafka_bootstrap: str, database: str
) -> None:
    topic = TopicSettings(topic_name("shared"), partitions=5)
    async with a_relayed_log(database) as (log, schema):
        await fill(log, range(1, 201))
        async with (
            relaying(kafka_bootstrap, log, schema, database, topic, Share(1, 2)) as odd,
            relaying(kafka_bootstrap, log, schema, database, topic, Share(2, 2)) as even,
        ):
            await eventually(lambda: odd.position == even.position == 200)
        await fill(log, range(201, 301))
        async with relaying(kafka_bootstrap, log, schema, database, topic) as alone:
            await eventually(lambda: alone.position == 300)
            assert alone.epochs == [2]
            with reading(kafka_bootstrap, topic.name, range(5)) as reader:
                await eventually(lambda: asyncio.to_thread(lambda: reader.complete_to() == 300))
                assert reader.events() == await every_event(log)
                assert all(len(one.events) == len(one.all_events) for one in reader.partitions.values())


async def test_a_relay_that_slept_finds_its_share_taken(database: str) -> None:
    async with a_relayed_log(database) as (_, schema):
        connections = Connections(database, schema)
        sleeper, successor = (PostgresCheckpoints(connections, "t", Share(1, 1), 2, name) for name in ("a", "b"))
        place = beginning(Cursor("log", 1, 9), (0, 1))
        old = await sleeper.take()
        await sleeper.move(old, place)
        async with connections.read() as session:
            await session.execute("update relay set lease_until = '-infinity'")
        new = await successor.take()
        assert new > old
        for refused in (sleeper.move(old, place), sleeper.renew(old), sleeper.read(old)):
            with pytest.raises(LeaseLost):
                await refused
        await sleeper.release(old)
        await successor.renew(new)
        assert await successor.read(new) == place
        await connections.close()


async def test_a_standby_waits_until_the_share_is_released(database: str) -> None:
    async with a_relayed_log(database) as (_, schema):
        connections = Connections(database, schema)
        first, standby = (PostgresCheckpoints(connections, "t", Share(1, 1), 2, name) for name in ("a", "b"))
        epoch = await first.take()
        waiting = asyncio.ensure_future(standby.take())
        await first.renew(epoch)
        assert not waiting.done()
        await first.release(epoch)
        assert await waiting == epoch + 1
        await connections.close()


async def test_a_restored_log_goes_on_in_the_topic_under_its_new_incarnation(
    kafka_bootstrap: str, database: str
) -> None:
    topic = TopicSettings(topic_name("restored"), partitions=2)
    async with a_relayed_log(database) as (log, schema):
        await fill(log, range(1, 11))
        async with relaying(kafka_bootstrap, log, schema, database, topic) as told:
            await eventually(lambda: told.position == 10)
            session = await asyncpg.connect(database)
            await raise_incarnation(session, schema, "a test")
            await session.close()
            await fill(log, range(11, 16))
            await eventually(lambda: told.at is not None and told.at.cursor.incarnation == 2 and told.position == 15)
            with reading(kafka_bootstrap, topic.name, range(2)) as reader:
                await eventually(lambda: asyncio.to_thread(lambda: reader.complete_to() == 15))
                places = [one for partition in reader.partitions.values() for one in partition.places]
        assert {one.origin.incarnation for one in places} == {1, 2}
        late = [one for one in places if one.origin.incarnation == 2 and isinstance(one, EventPlace)]
        assert all(one.prev >= 10 for one in late)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A broker of this module's own, to freeze and to kill."""
    with LocalBroker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


async def test_a_broker_killed_and_one_frozen_beyond_the_delivery_time_out_cost_nothing(
    broker: LocalBroker, database: str
) -> None:
    topic = TopicSettings(topic_name("cut"), partitions=4)
    async with (
        a_relayed_log(database) as (log, schema),
        relaying(broker.bootstrap, log, schema, database, topic, brisk=True) as told,
    ):
        await fill(log, range(1, 101))
        await eventually(lambda: told.position == 100)
        broker.freeze()
        await fill(log, range(101, 201))
        await eventually(lambda: told.troubles)
        broker.thaw()
        await eventually(lambda: told.position == 200)
        broker.kill()
        await fill(log, range(201, 301))
        broker.start()
        await eventually(lambda: told.position == 300)
        with reading(broker.bootstrap, topic.name, range(4)) as reader:
            await eventually(lambda: asyncio.to_thread(lambda: reader.complete_to() == 300))
            assert reader.events() == await every_event(log)


def test_the_librarys_producer_hangs_for_good_after_a_late_batch_and_so_is_thrown_away(broker: LocalBroker) -> None:
    topic = TopicSettings(topic_name("hang"), partitions=1)
    ensure_topic(broker.bootstrap, topic)
    producer = opened(KafkaProducer, **producer_settings(broker.bootstrap, BRISK))
    record = control_record(Control(Origin("log", 1, 1), 0, 1))
    records = [ToSend(0, None, record.value, encoded(record.headers))]
    try:
        sent(producer, topic.name, records, 10)
        broker.freeze()
        with pytest.raises(BrokerUnavailable):
            sent(producer, topic.name, records, 10)
        broker.thaw()
        with pytest.raises(BrokerUnavailable, match="KafkaTimeoutError"):  # the next one would never be answered
            sent(producer, topic.name, records, 5)
    finally:
        broker.thaw()
        abandon(producer)
    successor = opened(KafkaProducer, **producer_settings(broker.bootstrap, BRISK))
    sent(successor, topic.name, records, 10)
    abandon(successor)
