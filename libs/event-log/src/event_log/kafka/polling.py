"""A topic's records polled in a thread of their own, sifted and made into columns there; an event loop takes them.

The thread reads ahead by a few polls and then pauses its partitions, so that memory stays flat however slow the reader
is. There is no consumer group: whoever reads says what it reads. A client that meets trouble is thrown away with its
thread; the reader begins again from its places.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
from kafka import KafkaConsumer
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from event_log.errors import EventLogError
from event_log.kafka.clients import opened
from event_log.kafka.columns import MalformedValues, events_of, is_event
from event_log.kafka.errors import BrokerUnavailable
from event_log.kafka.lean import install
from event_log.kafka.sifting import Hole, Sieve, Sifted
from event_log.model import Cursor
from event_log.partitioned import Place, Stretch

MOST_RECORDS: Final = 5_000
"""Records of one poll."""
POLLS_AHEAD: Final = 3
"""Polls that wait for their reader before the partitions are paused."""
POLL_MS: Final = 100
PAUSE_SECONDS: Final = 0.05
CLOSE_MS: Final = 1_000
PARTITION_BYTES: Final = 1_048_576
FETCH_BYTES: Final = 8 * 1_048_576
FETCH_AT_LEAST_BYTES: Final = 65_536
FETCH_WAIT_MS: Final = 40
"""So long the broker waits for so much: a fetch for every few records would keep a core busy with empty answers."""
ANSWER_MS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic on a broker, and how its clients connect."""

    servers: tuple[str, ...]
    name: str
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Poll:
    """What one poll brought: new events, how far they bring each partition, and what is missing among them."""

    events: pa.RecordBatch
    stretches: tuple[Stretch, ...]
    holes: tuple[Hole, ...]
    duplicates: int
    malformed: int


def partitions_of_topic(topic: Topic) -> int:
    """Return how many partitions a topic has; raise BrokerUnavailable. Blocks."""
    try:
        consumer = _consumer(topic)
        try:
            found = consumer.partitions_for_topic(topic.name)
        finally:
            consumer.close(autocommit=False, timeout_ms=CLOSE_MS)
    except (KafkaError, OSError) as error:
        raise BrokerUnavailable(f"the broker did not answer: {type(error).__name__}") from error
    if not found:
        raise BrokerUnavailable(f"there is no topic {topic.name} yet")
    return len(found)


async def polled(
    topic: Topic, log: Cursor, places: Iterable[Place], columns: Sequence[str]
) -> AsyncGenerator[Poll, None]:
    """Yield what is new in some partitions, for ever; raises IncarnationChanged and BrokerUnavailable."""
    waiting: asyncio.Queue[Poll | Exception] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def give(found: Poll | Exception) -> None:
        with suppress(RuntimeError):  # the loop may be gone
            loop.call_soon_threadsafe(waiting.put_nowait, found)

    polling = _Polling(topic, [Sieve(place.partition, log, place.position) for place in places], columns)
    offsets = {place.partition: place.next_offset for place in places}
    thread = threading.Thread(target=polling.run, args=(offsets, give), name="event_log kafka", daemon=True)
    thread.start()
    try:
        while True:
            found = await waiting.get()
            if isinstance(found, Exception):
                raise found
            polling.room.release()
            yield found
    finally:
        polling.stop.set()
        await asyncio.to_thread(thread.join, CLOSE_MS / 1000)


class _Polling:
    """The thread's own: a client and the sieves of its partitions."""

    def __init__(self, topic: Topic, sieves: Sequence[Sieve], columns: Sequence[str]) -> None:
        self._topic = topic
        self._sieves = {sieve.partition: sieve for sieve in sieves}
        self._columns = columns
        self._assigned = [TopicPartition(topic.name, number) for number in self._sieves]
        self.room = threading.Semaphore(POLLS_AHEAD)
        self.stop = threading.Event()

    def run(self, offsets: Mapping[int, int], give: Any) -> None:
        """Poll until told to stop; what ends it early is given too."""
        try:
            consumer = _consumer(self._topic)
            try:
                install(consumer)
                self._begin(consumer, offsets)
                while not self.stop.is_set():
                    if self._room_for_one(consumer):
                        self._poll(consumer, give)
            finally:
                consumer.close(autocommit=False, timeout_ms=CLOSE_MS)
        except EventLogError as error:
            give(error)
        except (KafkaError, OSError) as error:
            give(BrokerUnavailable(f"the broker could not be read: {type(error).__name__}"))
        except Exception as error:  # noqa: BLE001  # a thread's end is told to whom it works for
            give(error)

    def _begin(self, consumer: Any, offsets: Mapping[int, int]) -> None:
        consumer.assign(self._assigned)
        for partition in self._assigned:
            if hint := offsets[partition.partition]:
                consumer.seek(partition, hint)
            else:
                consumer.seek_to_beginning(partition)

    def _room_for_one(self, consumer: Any) -> bool:
        """Wait until the reader takes one more, with partitions paused and connections kept; False if told to stop."""
        if self.room.acquire(blocking=False):
            return True
        consumer.pause(*self._assigned)
        try:
            while not self.stop.is_set():
                if self.room.acquire(timeout=PAUSE_SECONDS):
                    return True
                consumer.poll(timeout_ms=0)
        finally:
            consumer.resume(*self._assigned)
        return False

    def _poll(self, consumer: Any, give: Any) -> None:
        records = consumer.poll(timeout_ms=POLL_MS, max_records=MOST_RECORDS)
        found = [self._sifted(partition.partition, some) for partition, some in records.items()]
        if found:
            give(self._made([one for one, _ in found], tuple(stretch for _, stretch in found)))
        else:
            self.room.release()

    def _sifted(self, partition: int, records: Sequence[Any]) -> tuple[Sifted, Stretch]:
        sieve = self._sieves[partition]
        after = sieve.position
        sifted = sieve.sift(records)
        return sifted, Stretch(partition, after, sifted.position, sifted.next_offset)

    def _made(self, found: Sequence[Sifted], stretches: tuple[Stretch, ...]) -> Poll:
        """Make columns of the values; one that is no event is missing, as if its record had not come."""
        holes = [hole for one in found for hole in one.holes]
        malformed = sum(one.malformed for one in found)
        try:
            events = self._columns_of(found)
        except MalformedValues:
            bad = [hole for one in found for hole in _without_bad(one)]
            holes, malformed = holes + bad, malformed + len(bad)
            events = self._columns_of(found)
        return Poll(events, stretches, tuple(holes), sum(one.duplicates for one in found), malformed)

    def _columns_of(self, found: Sequence[Sifted]) -> pa.RecordBatch:
        values = [value for one in found for value in one.values]
        positions = [position for one in found for position in one.positions]
        return events_of(values, positions, self._columns)


def _without_bad(found: Sifted) -> list[Hole]:
    """Take out the values that are no events; return the holes that they leave."""
    both = list(zip(found.values, found.positions, strict=True))
    good = [is_event(value, position) for value, position in both]
    holes = [
        Hole(found.partition, position - 1, position)
        for (_, position), fine in zip(both, good, strict=True)
        if not fine
    ]
    found.values = [value for (value, _), fine in zip(both, good, strict=True) if fine]
    found.positions = [position for (_, position), fine in zip(both, good, strict=True) if fine]
    return holes


def _consumer(topic: Topic) -> Any:
    return opened(
        KafkaConsumer,
        bootstrap_servers=list(topic.servers),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        allow_auto_create_topics=False,
        metrics_enabled=False,
        max_partition_fetch_bytes=PARTITION_BYTES,
        fetch_max_bytes=FETCH_BYTES,
        fetch_min_bytes=FETCH_AT_LEAST_BYTES,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        bootstrap_timeout_ms=ANSWER_MS,
        **topic.settings,
    )
