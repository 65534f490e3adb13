"""A producer that hangs is left behind: its window is given up in time, and another one sends what it held."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from event_log.kafka.errors import ProducerStuck
from event_log.kafka.producing import TopicSession, open_topic
from event_log.kafka.topic import TopicSettings
from event_log.kafka.window import ToSend
from event_log.kafka.worker import Worker
from event_log_testing import every_event, fill
from holdfast_testing import eventually
from kafka_testing import a_relayed_log, reading, relaying_by, topic_name

SOON = timedelta(milliseconds=200)


class Hanging:
    """The library's producer where it hangs: nothing that is asked of it comes back before it is freed."""

    def __init__(self) -> None:
        self.freed = threading.Event()

    def __getattr__(self, name: str) -> Any:
        """Hang."""
        self.freed.wait()
        raise AttributeError(name)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    producer = Hanging()
    yield producer
    producer.freed.set()


async def test_a_window_whose_producer_never_returns_is_given_up_in_time(hanging: Hanging) -> None:
    worker = Worker("a test")
    begun = time.monotonic()
    with pytest.raises(ProducerStuck):
        await TopicSession(worker, hanging, "t", SOON).send([ToSend(0, None, b"", b"")])
    assert time.monotonic() - begun < 10 * SOON.total_seconds()
    worker.end(lambda: None)


async def test_a_relay_whose_producer_never_returns_goes_on_with_another(
    kafka_bootstrap: str, database: str, hanging: Hanging
) -> None:
    topic = TopicSettings(topic_name("stuck"), partitions=2)
    sessions = 0

    @asynccontextmanager
    async def opening() -> AsyncIterator[TopicSession]:
        nonlocal sessions
        sessions += 1
        async with open_topic(kafka_bootstrap, topic) as session:
            yield TopicSession(Worker("a test"), hanging, topic.name, SOON) if sessions == 1 else session

    async with a_relayed_log(database) as (log, schema):
        await fill(log, range(1, 101))
        async with relaying_by(opening, log, schema, database, topic) as told:
            await eventually(lambda: told.position == 100)
            assert told.troubles == ["ProducerStuck"]
            with reading(kafka_bootstrap, topic.name, range(2)) as reader:
                await eventually(lambda: asyncio.to_thread(lambda: reader.complete_to() == 100))
                assert reader.events() == await every_event(log)
