"""Finding a real broker: the one that is named, else one in a container, else one on this machine's Java.

Where none can be had NoBroker says in one sentence what to do; nothing is skipped in silence.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from event_log.kafka import container
from event_log.kafka.errors import NoBroker
from event_log.kafka.local_broker import LocalBroker
from event_log.kafka.probe import cluster_id

VARIABLE = "KAFKA_BOOTSTRAP"
GIVEN_ANSWER_MS = 10_000


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
    elif contained := container.started():
        try:
            yield Broker(contained.get_bootstrap_server())
        finally:
            container.end(contained)
    else:
        with LocalBroker(folder) as local:
            yield Broker(local.bootstrap, local)


def _given(bootstrap: str) -> Broker:
    if not cluster_id(bootstrap, GIVEN_ANSWER_MS):
        raise NoBroker(
            f"No Kafka broker answers at {bootstrap}: correct {VARIABLE}, or leave it empty to have one started."
        )
    return Broker(bootstrap)
