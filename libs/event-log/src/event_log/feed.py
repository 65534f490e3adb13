"""Feeds named by URL: another service's log, read from a cursor, whatever carries it.

`grpc://host:port` reads the log by position over holdfast.log.v1. `kafka://host:port/topic?log=host:port` reads a topic
that carries it, by partitions: see event_log.kafka.feed.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit

from event_log.errors import InvalidRead
from event_log.grpc_client import GrpcLog
from event_log.resuming import Feed, OpenChannel

__all__ = ["SCHEMES", "Feed", "OpenChannel", "open_feed"]


def open_feed(url: str, open_channel: OpenChannel) -> AbstractAsyncContextManager[Feed]:
    """Open the feed that a URL names, for as long as the context lasts; raise InvalidRead for an unknown scheme."""
    scheme = urlsplit(url).scheme
    if scheme not in SCHEMES:
        raise InvalidRead(f"no feed is known for {scheme or url!r}: a feed's address is {' or '.join(SCHEMES)}://…")
    return SCHEMES[scheme](url, open_channel)


@asynccontextmanager
async def _grpc_feed(url: str, open_channel: OpenChannel) -> AsyncIterator[Feed]:
    address = urlsplit(url).netloc
    if not address:
        raise InvalidRead(f"a feed's address is grpc://host:port, this one is {url}")
    channel = open_channel(address)
    try:
        yield Feed(url, GrpcLog(channel))
    finally:
        await channel.close(None)


def _kafka_feed(url: str, open_channel: OpenChannel) -> AbstractAsyncContextManager[Feed]:
    from event_log.kafka.feed import open_kafka_feed  # noqa: PLC0415  # its library loads where it is used

    return open_kafka_feed(url, open_channel)


SCHEMES: Mapping[str, Callable[[str, OpenChannel], AbstractAsyncContextManager[Feed]]] = {
    "grpc": _grpc_feed,
    "kafka": _kafka_feed,
}
"""What opens a feed of each scheme."""
