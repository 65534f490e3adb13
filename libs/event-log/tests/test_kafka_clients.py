"""Clients of the library that never reach a broker leave no socket behind, and nobody's socket is left in silence."""

import gc
import socket
import sys
import types
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from kafka.net.inet import KafkaNetSocket

from event_log.kafka.clients import opened

LOOPBACK = "127.0.0.1"


class NobodyTurns:
    """The loop of a client that is no longer run."""

    @types.coroutine
    def wait_write(self, *_: object, **__: object) -> Iterator[None]:
        yield


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Give what is said of sockets that nobody closed."""
    said: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: said.append(str(told.exc_value)))
    gc.collect()
    said.clear()
    yield said
    gc.collect()


@pytest.fixture
def silent() -> Iterator[str]:
    """Give an address at which nobody answers: the queue of those who knock is full."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server((LOOPBACK, 0), backlog=0))
        for _ in range(3):
            caller = stack.enter_context(socket.socket())
            caller.settimeout(0)
            caller.connect_ex(server.getsockname())
        yield f"{LOOPBACK}:{server.getsockname()[1]}"


def test_a_broker_that_is_not_there_leaves_no_socket(left: list[str]) -> None:
    try_to_open(f"{LOOPBACK}:1")
    assert left == []


def test_a_broker_that_does_not_answer_leaves_no_socket(left: list[str], silent: str) -> None:
    try_to_open(silent)
    assert left == []


def test_a_client_dropped_while_it_connects_leaves_no_socket(left: list[str], silent: str) -> None:
    host, port = silent.split(":")
    for _ in range(20):
        knocking = socket.socket()
        knocking.settimeout(0)
        connecting = KafkaNetSocket().sock_connect(NobodyTurns(), knocking, (host, int(port)))
        connecting.send(None)
        circle: list[object] = [knocking, connecting]
        circle.append(circle)
        del knocking, connecting, circle
    gc.collect()
    assert left == []


def test_a_socket_of_ours_that_nobody_closes_is_an_error(left: list[str]) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        socket.create_connection(server.getsockname())
        gc.collect()
    assert ["unclosed" in said for said in left] == [True]


def try_to_open(bootstrap: str) -> None:
    with pytest.raises(KafkaError):
        opened(KafkaAdminClient, bootstrap_servers=bootstrap, bootstrap_timeout_ms=300)
    gc.collect()
