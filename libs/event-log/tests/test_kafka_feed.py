"""A log read from a topic on a real broker: everything once, in order, whatever the topic lacks or has twice."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import grpc
import pytest

from event_log.errors import IncarnationChanged, InvalidRead, LogUnavailable
from event_log.feed import open_feed
from event_log.kafka.errors import BrokerUnavailable, HoleOpen
from event_log.kafka.feed import KafkaFeed, topic_of
from event_log.kafka.polling import Topic, partitions_of_topic
from event_log.kafka.record import Origin, Record
from event_log.memory import MemoryLog
from event_log.model import Cursor, Event, PackedPage
from event_log.partitioned import Counts, PartitionedPage, Place
from event_log_testing import contact, every_event, fill
from topic_testing import Carrier, a_carrier, a_topic

PARTITIONS = 4
COLUMNS = ("position", "payload")


@dataclass
class Scene:
    """A log with some events, an empty topic, and the feed of both."""

    log: MemoryLog
    of: Cursor
    events: list[Event]
    topic: str
    carrier: Carrier
    feed: KafkaFeed
    seen: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    reached: dict[int, int] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    offsets: dict[int, int] = field(default_factory=dict)

    async def read(self, until: int, places: Sequence[Place] | None = None) -> dict[int, list[int]]:
        """Read until all partitions are complete to a position; return the positions seen of each, as they came."""
        places = places if places is not None else [Place(number, 0) for number in range(PARTITIONS)]
        self.reached = {place.partition: place.position for place in places}
        pages = self.feed.partitioned_pages(self.of, places, PARTITIONS, COLUMNS)
        async with aclosing(pages) as found:
            async for page in found:
                self._take(page)
                if min(self.reached.values()) >= until:
                    return self.seen
        raise AssertionError

    def _take(self, page: PartitionedPage) -> None:
        positions = page.events.column("position").to_pylist()
        assert page.events.schema.names == list(COLUMNS)
        for stretch in page.stretches:
            assert stretch.after == self.reached[stretch.partition]
            self.reached[stretch.partition] = stretch.to
            self.offsets[stretch.partition] = stretch.next_offset or self.offsets.get(stretch.partition, 0)
        for position in positions:
            partition = self.carrier.partition(self.events[position - 1])
            assert position <= self.reached[partition]
            self.seen[partition].append(position)
        more = page.counts
        self.counts = Counts(
            self.counts.duplicates + more.duplicates,
            self.counts.malformed + more.malformed,
            self.counts.holes + more.holes,
            self.counts.filled + more.filled,
        )

    def expected(self, after: int = 0) -> dict[int, list[int]]:
        """Return the positions of each partition."""
        found = defaultdict(list)
        for event in self.events[after:]:
            found[self.carrier.partition(event)].append(event.position)
        return found


@pytest.fixture
async def scene(kafka_bootstrap: str) -> AsyncIterator[Scene]:
    log = MemoryLog()
    for number in range(200):
        await fill(log, [number], contact(number % 23))
    of = await log.head()
    events = await every_event(log)
    with (
        a_topic(kafka_bootstrap, PARTITIONS) as topic,
        a_carrier(kafka_bootstrap, topic, Origin(of.log_id, of.incarnation, 1), PARTITIONS) as carrier,
    ):
        feed = KafkaFeed("kafka", log, Topic((kafka_bootstrap,), topic))
        yield Scene(log, of, events, topic, carrier, feed)


async def test_every_event_comes_once_and_in_order_in_each_partition(scene: Scene) -> None:
    for start in range(0, 200, 50):
        scene.carrier.carry(scene.events[start : start + 50])
    assert await scene.read(200) == scene.expected()
    assert scene.counts == Counts()


async def test_what_comes_several_times_is_given_once(scene: Scene) -> None:
    scene.carrier.carry(scene.events[:100], times=3)
    scene.carrier.carry(scene.events[100:])
    scene.carrier.prev.clear()
    scene.carrier.carry(scene.events)
    scene.carrier.complete(200)
    assert await scene.read(200) == scene.expected()
    assert scene.counts.duplicates >= 200
    assert scene.counts.holes == 0


async def test_what_the_topic_lost_comes_from_the_log(scene: Scene) -> None:
    scene.carrier.carry(scene.events[:100], lost=range(30, 60))
    scene.carrier.carry(scene.events[100:], lost=[101, 200])
    assert await scene.read(200) == scene.expected()
    assert scene.counts.filled >= 32
    assert scene.counts.holes > 0


class AwayLog(MemoryLog):
    """A log that cannot be asked."""

    async def read_packed(self, *_args: object, **_options: object) -> AsyncIterator[PackedPage]:
        for page in list[PackedPage]():
            yield page
        raise LogUnavailable("away")


async def test_a_hole_that_the_log_cannot_fill_now_stops_the_reading(scene: Scene) -> None:
    scene.carrier.carry(scene.events, lost=[50])
    scene.feed.log = AwayLog()
    with pytest.raises(HoleOpen, match="1 holes"):
        await scene.read(200)


async def test_garbage_in_the_topic_is_counted_and_read_from_the_log_instead(scene: Scene) -> None:
    scene.carrier.carry(scene.events[:50])
    event = scene.events[50]
    partition = scene.carrier.partition(event)
    scene.carrier.send(partition, Record(b"key", b"value", []))
    headers = [("log_id", scene.of.log_id.encode()), ("incarnation", b"1"), ("epoch", b"1"), ("position", b"51")]
    headers += [("prev", b"%d" % scene.carrier.prev[partition])]
    scene.carrier.send(partition, Record(None, b"\xff\xff", headers))
    scene.carrier.carry(scene.events[50:], lost=[51])
    assert await scene.read(200) == scene.expected()
    assert scene.counts.malformed == 2


async def test_reading_goes_on_from_any_place_with_a_right_a_wrong_and_no_offset(scene: Scene) -> None:
    scene.carrier.carry(scene.events[:120])
    await scene.read(120)
    scene.seen.clear()
    scene.carrier.carry(scene.events[120:])
    hints = {0: scene.offsets[0], 1: 1_000_000, 2: 0, 3: scene.offsets[3] + 3}
    places = [Place(number, 120, offset) for number, offset in hints.items()]
    assert await scene.read(200, places) == scene.expected(after=120)


async def test_only_the_partitions_asked_for_are_read(scene: Scene) -> None:
    scene.carrier.carry(scene.events)
    assert await scene.read(200, [Place(2, 0)]) == {2: scene.expected()[2]}


async def test_a_later_incarnation_ends_the_reading(scene: Scene) -> None:
    scene.carrier.carry(scene.events[:50])
    scene.carrier.origin = Origin(scene.of.log_id, scene.of.incarnation + 1, 1)
    scene.carrier.carry(scene.events[50:])
    with pytest.raises(IncarnationChanged):
        await scene.read(200)


async def test_a_topic_that_is_not_there_and_a_broker_that_is_away_are_told_as_such(kafka_bootstrap: str) -> None:
    with pytest.raises(BrokerUnavailable, match="no topic"):
        partitions_of_topic(Topic((kafka_bootstrap,), "nobody-made-this"))


@pytest.mark.parametrize(
    "url",
    [
        "kafka://broker:9092/call-events",
        "kafka://broker:9092?log=a:1",
        "kafka:///call-events?log=a:1",
        "kafka://broker:9092/a/b?log=a:1",
        "kafka://broker:9092/call-events?log=a:1&sasl_plain_password=x",
    ],
)
async def test_an_address_that_names_no_topic_is_refused(url: str) -> None:
    with pytest.raises(InvalidRead, match="a feed's address is"):
        async with open_feed(url, grpc.aio.insecure_channel):
            pass


async def test_an_address_names_brokers_topic_log_and_how_to_connect() -> None:
    topic, log = topic_of("kafka://a:1,b:2/call-events?log=c:3&security_protocol=SSL")
    assert (topic, log) == (Topic(("a:1", "b:2"), "call-events", {"security_protocol": "SSL"}), "c:3")
