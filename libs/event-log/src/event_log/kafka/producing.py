"""A session with a topic: one idempotent producer in its own thread, watched, thrown away with its first failure.

The library's producer hangs for good once a batch in retry outlives its delivery time-out: that batch's future fails,
no later one is ever resolved. So every wait is bounded, and a producer that is late is left behind and never asked
again. What it still sends is in order, and harmless. A window's records of one partition go as one batch.
"""

import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from event_log.kafka import lean_batch
from event_log.kafka.clients import opened
from event_log.kafka.errors import BrokerUnavailable, ProducerStuck
from event_log.kafka.topic import BATCH_BYTES, NO_MORE, RECORD_BYTES, TopicSettings, ensure_topic
from event_log.kafka.window import ToSend
from event_log.kafka.worker import Worker

DELIVERY = timedelta(seconds=10)
"""After this long the library gives a batch up."""
WINDOW_DEADLINE = timedelta(seconds=15)
"""A window that is not acknowledged by then has met a producer that hangs."""
OPEN_DEADLINE = timedelta(seconds=30)
GATHERED_MS = 60_000
"""Longer than any window takes: batches are sent when the window is whole."""


def producer_settings(bootstrap: str, delivery: timedelta = DELIVERY) -> dict[str, Any]:
    """Return how the relay's producer is opened."""
    return {
        "bootstrap_servers": bootstrap,
        "bootstrap_timeout_ms": 5000,
        "acks": "all",
        "enable_idempotence": True,
        "allow_auto_create_topics": False,
        "batch_size": BATCH_BYTES,
        "max_request_size": RECORD_BYTES,
        "linger_ms": min(GATHERED_MS, int(delivery.total_seconds() * 500)),
        "request_timeout_ms": int(delivery.total_seconds() * 500),
        "delivery_timeout_ms": int(delivery.total_seconds() * 1000),
        "max_block_ms": 5000,
        "metrics_enabled": False,
    }


class TopicSession:
    """See relay.Topic."""

    def __init__(self, worker: Worker, producer: Any, topic: str, deadline: timedelta) -> None:
        """Send by an open producer; each window is acknowledged by the deadline or never."""
        self._worker = worker
        self._producer = producer
        self._topic = topic
        self._deadline = deadline

    async def send(self, records: Sequence[ToSend]) -> None:
        """See relay.Topic; raises BrokerUnavailable, ProducerStuck."""
        seconds = self._deadline.total_seconds()
        try:
            await self._worker.run(lambda: sent(self._producer, self._topic, records, seconds), self._deadline)
        except TimeoutError:
            raise ProducerStuck(f"the producer made no progress within {seconds:g} s") from None


@asynccontextmanager
async def open_topic(
    bootstrap: str,
    topic: TopicSettings,
    *,
    delivery: timedelta = DELIVERY,
    deadline: timedelta = WINDOW_DEADLINE,
    client: Mapping[str, Any] = NO_MORE,
    known: bool = False,
) -> AsyncIterator[TopicSession]:
    """Give a session with a topic, as ensure_topic makes it unless it is `known`; raises what that raises."""
    worker, made = Worker("event_log relay"), list[Any]()
    ensuring = _nothing if known else lambda: ensure_topic(bootstrap, topic, client)
    try:
        try:
            producer = await worker.run(
                lambda: _opened(producer_settings(bootstrap, delivery) | dict(client), made, ensuring),
                OPEN_DEADLINE,
            )
        except TimeoutError:
            raise ProducerStuck("the broker did not answer in time") from None
        yield TopicSession(worker, producer, topic.name, deadline)
    finally:
        worker.end(lambda: abandon(*made))
        if made:  # a thread that hangs in the producer is freed by its end
            threading.Thread(target=abandon, args=tuple(made), name="event_log relay end", daemon=True).start()


def sent(producer: Any, topic: str, records: Sequence[ToSend], seconds: float) -> None:
    """Send records and wait for their acknowledgement; raise BrokerUnavailable if it is not known of each."""
    by_partition: dict[int, list[ToSend]] = {}
    for record in records:
        by_partition.setdefault(record.partition, []).append(record)
    try:
        producer.partitions_for(topic)  # looked up, where the library does not know it
        batches = [lean_batch.put(producer, topic, number, told) for number, told in by_partition.items()]
        producer.flush(seconds)
    except (KafkaError, ValueError) as trouble:
        raise BrokerUnavailable(f"the broker did not take a window ({type(trouble).__name__})") from trouble
    for trouble_of in filter(None, map(lean_batch.trouble_of, batches)):
        raise BrokerUnavailable(f"the broker did not acknowledge a window ({trouble_of})")


def abandon(*producers: Any) -> None:
    """End producers at once, whatever they are doing; what they held is not sent, or not known to be."""
    for producer in producers:
        with suppress(KafkaError):
            producer.close(timeout=0)
        # Where batches are under way the library's own close stops at them, and leaves its thread behind.
        producer._sender.force_close()  # noqa: SLF001


def _opened(settings: Mapping[str, Any], made: list[Any], first: Callable[[], None]) -> Any:
    first()
    try:
        made.append(opened(KafkaProducer, **settings))
    except (KafkaError, OSError) as trouble:
        raise BrokerUnavailable(f"the broker did not answer ({type(trouble).__name__})") from trouble
    return made[0]


def _nothing() -> None:
    pass
