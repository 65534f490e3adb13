"""Finding a real broker: the one that is named, else one in a container, else one on this machine's Java.

Where none can be had NoBroker says in one sentence what to do; nothing is skipped in silence.
"""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from event_log.kafka.errors import NoBroker
from event_log.kafka.local_broker import LocalBroker
from event_log.kafka.probe import cluster_id

logger = logging.getLogger(__name__)

VARIABLE = "KAFKA_BOOTSTRAP"
GIVEN_ANSWER_MS = 10_000
ENGINE_SOCKET = "/var/run/docker.sock"
ENGINE_ANSWER_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker that answers; `local` is the one we run ourselves, if it is ours."""

    bootstrap: str
    local: LocalBroker | None = None


@contextmanager
def found_broker(folder: Path) -> Iterator[Broker]:
    """Give a broker for as long as the context lasts; one of our own keeps its data in `folder`. Raises NoBroker."""
    if given := os.environ.get(VARIABLE):
        yield _given(given)
    elif container := _container():
        try:
            yield Broker(container.get_bootstrap_server())
        finally:
            container.stop()
    else:
        with LocalBroker(folder) as local:
            yield Broker(local.bootstrap, local)


def _given(bootstrap: str) -> Broker:
    if not cluster_id(bootstrap, GIVEN_ANSWER_MS):
        raise NoBroker(
            f"No Kafka broker answers at {bootstrap}: correct {VARIABLE}, or leave it empty to have one started."
        )
    return Broker(bootstrap)


def _engine_answers() -> bool:
    """Tell whether a container engine answers, and its client library is installed."""
    if not os.environ.get("DOCKER_HOST") and not _accepts(ENGINE_SOCKET):
        return False
    try:
        import docker  # noqa: PLC0415  # only where somebody has it
    except ImportError:
        return False
    with suppress(docker.errors.DockerException, OSError):
        client = docker.from_env(timeout=ENGINE_ANSWER_SECONDS)
        try:
            return bool(client.ping())
        finally:
            client.close()
    return False


def _accepts(path: str) -> bool:
    """Tell whether somebody listens at a local socket."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(ENGINE_ANSWER_SECONDS)
        return line.connect_ex(path) == 0


def _container() -> Any:
    """Return a broker in a container, started; None where no engine answers, or it cannot fetch or run one."""
    if not _engine_answers():
        return None
    from testcontainers.community.kafka import KafkaContainer  # noqa: PLC0415  # only where an engine answers

    container = KafkaContainer().with_kraft()
    try:
        return container.start()
    except Exception as trouble:  # noqa: BLE001  # whatever an engine complains of, Java may still do
        logger.warning("no broker in a container: %s", type(trouble).__name__)
        with suppress(Exception):
            container.stop()
        return None
