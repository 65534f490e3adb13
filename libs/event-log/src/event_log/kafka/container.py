"""A broker in a container, where an engine answers; given up in bounded time, for an engine may answer and do nothing.

Whatever goes wrong is told in a sentence, and no reason to have no broker: there are other ways to one. The image is
the one that the library names: it knows how that one is started, and later ones are known to start otherwise.
"""

import logging
import os
import socket
import threading
from contextlib import suppress
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import Any

from event_log.kafka.probe import cluster_id

logger = logging.getLogger(__name__)

ENGINE_SOCKET = "/var/run/docker.sock"
ENGINE_ANSWER_SECONDS = 2
START_DEADLINE = timedelta(minutes=5)
"""For fetching the image and starting it."""
ANSWER_MS = 10_000
SETTINGS = {"KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false"}
"""As a broker of ours: a topic that nobody made is a mistake."""


def started() -> Any:
    """Return a broker in a container, started; None where no engine answers, or it does not bring one about in time."""
    if not _engine_answers():
        return None
    made: SimpleQueue[Any] = SimpleQueue()
    late = threading.Event()
    threading.Thread(target=_start, args=(made, late), name="event_log container", daemon=True).start()
    try:
        return made.get(timeout=START_DEADLINE.total_seconds())
    except Empty:
        late.set()
        logger.warning("no broker in a container within %s", START_DEADLINE)
        return None


def end(container: Any) -> None:
    """End a container, if its engine still lets us."""
    try:
        container.stop()
    except Exception as trouble:  # noqa: BLE001  # an engine that went away took its containers along
        logger.warning("a broker's container was not ended: %s", type(trouble).__name__)


def _start(made: SimpleQueue[Any], late: threading.Event) -> None:
    """Give a container whose broker answers, or None; one that comes too late is ended."""
    containers: list[Any] = []
    try:
        from testcontainers.community.kafka import KafkaContainer  # noqa: PLC0415  # only where an engine answers

        containers.append(KafkaContainer().with_kraft().with_envs(**SETTINGS))
        found = containers[0].start()
        well = bool(cluster_id(found.get_bootstrap_server(), ANSWER_MS))
    except Exception as trouble:  # noqa: BLE001  # whatever an engine complains of, Java may still do
        logger.warning("no broker in a container: %s", type(trouble).__name__)
        well = False
    if late.is_set() or not well:
        for container in containers:
            end(container)
        containers.clear()
    made.put(containers[0] if containers else None)


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
