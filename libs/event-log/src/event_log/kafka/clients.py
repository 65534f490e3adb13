"""Opening the library's clients, so that one whose constructor fails leaves no thread and no socket behind.

The library is told about by ours, once, in a sentence: its own log repeats itself many times a second.
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import crc32c
from kafka.net.compat import KafkaNetClient

_Client = TypeVar("_Client")
RECONNECT_MS = 500
"""Every client tries again so soon, however long the broker was away; the library would come to wait half a minute."""

logging.getLogger("kafka").setLevel(logging.CRITICAL)
assert crc32c.crc32c(b"123456789") == 0xE3069283, "without the checksums in C every record costs many times as much"  # noqa: PLR2004


def opened(kind: Callable[..., _Client], **settings: Any) -> _Client:
    """Return a client of the library (a producer, a consumer, an admin); raises what its constructor raises."""
    made: list[Any] = []

    def make(**configs: Any) -> Any:
        made.append(KafkaNetClient(**configs))
        return made[-1]

    try:
        return kind(kafka_client=make, reconnect_backoff_max_ms=RECONNECT_MS, **settings)
    except BaseException:
        for client in made:
            client.close()
        raise
