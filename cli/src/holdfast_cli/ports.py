"""Ports for every door, chosen and looked at before anything starts."""

from __future__ import annotations

import errno
import socket
import time
from contextlib import ExitStack

from holdfast_cli.home import Addresses
from holdfast_cli.output import CommandFailed

HOST = "127.0.0.1"
FIRST = 7700
"""First of the ports where none are named."""
DISTANCES = {
    "call_events_grpc": 1,
    "call_events_http": 2,
    "call_events_admin": 3,
    "call_events_log": 4,
    "call_events_relay_admin": 5,
    "metrics_grpc": 11,
    "metrics_http": 12,
    "metrics_admin": 13,
    "ivr_routing_grpc": 21,
    "ivr_routing_http": 22,
    "ivr_routing_admin": 23,
    "ivr_routing_log": 24,
}
"""Distance of each door from the first port."""
PATIENCE_SECONDS = 3.0
"""How long a port may stay taken: what a killed system held is given back in a moment."""
PAUSE_SECONDS = 0.05


def choose(port_base: int) -> Addresses:
    """Return an address for every door, free ones for 0; CommandFailed names the ports that another program holds."""
    ports = {door: port_base + distance for door, distance in DISTANCES.items()} if port_base else _free()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while held := [port for port in ports.values() if _taken(port)]:
        if time.monotonic() > deadline:
            raise CommandFailed(_complaint(held))
        time.sleep(PAUSE_SECONDS)
    return Addresses(**{door: f"{HOST}:{port}" for door, port in ports.items()})


def taken(port_base: int) -> list[int]:
    """Return the ports from a first one on that another program holds."""
    return [port_base + distance for distance in DISTANCES.values() if _taken(port_base + distance)]


def _complaint(held: list[int]) -> str:
    names = ", ".join(map(str, held))
    subject = f"Port {names} is" if len(held) == 1 else f"Ports {names} are"
    return f"{subject} taken: end what listens there, or choose others by --port-base (0: any free ones)."


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EACCES:
                message = f"Port {port} is not for ordinary programs: choose others by --port-base."
                raise CommandFailed(message) from None
            return True
    return False


def _free() -> dict[str, int]:
    """Return a free port for each door, all held at once so that no two are the same."""
    with ExitStack() as held:
        sockets = {door: held.enter_context(socket.socket()) for door in DISTANCES}
        for one in sockets.values():
            one.bind((HOST, 0))
        return {door: int(one.getsockname()[1]) for door, one in sockets.items()}
