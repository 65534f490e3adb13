"""The feed `kafka://…`: a log carried by a topic, read by partitions; what the topic lacks is read from the log itself.

    kafka://host:port[,host:port …]/topic?log=host:port[&security_protocol=SSL&ssl_cafile=…]

`log` is where the log itself serves holdfast.log.v1: it says which log and incarnation it is, and fills holes.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing, asynccontextmanager
from urllib.parse import parse_qsl, urlsplit

from event_log.errors import InvalidRead
from event_log.grpc_client import GrpcLog
from event_log.kafka.filling import whole
from event_log.kafka.polling import Topic, partitions_of_topic, polled
from event_log.log import Log
from event_log.model import Cursor
from event_log.packed import COLUMNS
from event_log.partitioned import PartitionedFeed, PartitionedPage, Place
from event_log.resuming import Feed, OpenChannel

SETTINGS = frozenset(
    {
        *("security_protocol", "ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_crlfile"),
        *("sasl_mechanism", "sasl_kerberos_service_name", "client_rack"),
    }
)
"""Words of an address that go to the client library; passwords have no place in an address."""


class KafkaFeed(PartitionedFeed):
    """See PartitionedFeed. Who wants the whole log in one order has it from the log itself: `pages`, `packed_pages`."""

    def __init__(self, url: str, log: Log, topic: Topic) -> None:
        """Read a topic; the log is asked for what is missing there."""
        super().__init__(url, log)
        self.topic = topic

    @property
    def name(self) -> str:
        """See PartitionedFeed."""
        return self.topic.name

    async def partitions(self) -> int:
        """See PartitionedFeed."""
        return await asyncio.to_thread(partitions_of_topic, self.topic)

    async def partitioned_pages(
        self, of: Cursor, places: Iterable[Place], partitions: int, columns: Sequence[str] = ()
    ) -> AsyncGenerator[PartitionedPage, None]:
        """See PartitionedFeed."""
        wanted = tuple(columns or COLUMNS)
        async with aclosing(polled(self.topic, of, tuple(places), tuple({*wanted, *_PARTED_BY}))) as polls:
            async for poll in polls:
                async with aclosing(whole(self.log, of, poll, partitions, wanted)) as pages:
                    async for page in pages:
                        yield page


_PARTED_BY = ("position", "tenant", "category", "key")


def topic_of(url: str) -> tuple[Topic, str]:
    """Return the topic that an address names, and the address of the log; raise InvalidRead."""
    parts = urlsplit(url)
    told = dict(parse_qsl(parts.query))
    servers, name, log = tuple(filter(None, parts.netloc.split(","))), parts.path.strip("/"), told.pop("log", "")
    if not (servers and name and log) or "/" in name:
        raise InvalidRead(f"a feed's address is kafka://host:port/topic?log=host:port, this one is {url}")
    if unknown := sorted(set(told) - SETTINGS):
        raise InvalidRead(f"a feed's address is kafka://host:port/topic?log=host:port; it cannot say {unknown[0]}")
    return Topic(servers, name, told), log


@asynccontextmanager
async def open_kafka_feed(url: str, open_channel: OpenChannel) -> AsyncIterator[Feed]:
    """Open the feed that an address names."""
    topic, log = topic_of(url)
    channel = open_channel(log)
    try:
        yield KafkaFeed(url, GrpcLog(channel), topic)
    finally:
        await channel.close(None)
