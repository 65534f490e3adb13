"""Ports are looked at before anything starts."""

import socket
from collections.abc import Iterator
from dataclasses import astuple

import pytest

from holdfast_cli import ports
from holdfast_cli.output import CommandFailed


@pytest.fixture
def held() -> Iterator[int]:
    """Give a port that another program listens at."""
    with socket.socket() as listening:
        listening.bind((ports.HOST, 0))
        listening.listen()
        yield int(listening.getsockname()[1])


def test_free_ports_are_all_different() -> None:
    addresses = astuple(ports.choose(0))
    assert len(set(filter(None, addresses))) == len(ports.DISTANCES)


def test_a_taken_port_is_named_with_what_to_do(held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(ports, "DISTANCES", {"metrics_grpc": 11})
    with pytest.raises(CommandFailed, match=rf"Port {held} is taken: .* --port-base"):
        ports.choose(held - 11)


def test_a_taken_port_is_seen(held: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "DISTANCES", {"metrics_grpc": 11})
    assert ports.taken(held - 11) == [held]
