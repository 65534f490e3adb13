"""Opening the library's clients, so that one that fails, or never reaches its broker, leaves no thread and no socket.

The library is told about by ours, once, in a sentence: its own log repeats itself many times a second.
"""

import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import crc32c
from kafka.net.compat import KafkaNetClient
from kafka.net.inet import KafkaNetSocket

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


_CONNECTING: set[socket.socket] = set()
"""Sockets on their way: known here, so that of a client dropped with one the collector cannot meet the socket first."""


def _closing(connect: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return the library's way to connect a socket, closing one that does not come to be connected: it forgets it."""

    async def sock_connect(self: KafkaNetSocket, net: Any, sock: socket.socket, *told: Any, **named: Any) -> Any:
        _CONNECTING.add(sock)
        try:
            return await connect(self, net, sock, *told, **named)
        except BaseException:
            sock.close()
            raise
        finally:
            _CONNECTING.discard(sock)

    return sock_connect


KafkaNetSocket.sock_connect = _closing(KafkaNetSocket.sock_connect)
