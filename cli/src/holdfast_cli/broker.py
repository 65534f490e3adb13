"""The broker of a system on one machine, where the feed goes through Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast_cli.environments import TOPIC
from holdfast_cli.home import Addresses, Home

if TYPE_CHECKING:
    from event_log.kafka.broker import Broker


@contextmanager
def running(folder: Path, *, wanted: bool) -> Iterator[Broker | None]:
    """Give a broker for as long as the context lasts, or none where none is wanted; raises NoBroker."""
    if not wanted:
        yield None
        return
    from event_log.kafka.broker import found_broker  # noqa: PLC0415  # its library takes half a second to load

    with found_broker(folder) as broker:
        yield broker


def told(addresses: Addresses, broker: Broker | None, home: Home) -> Addresses:
    """Return the addresses with the broker's and the topic's; without one there is no relay either.

    On a broker that is not ours the topic bears the folder's own name: others may use that broker too.
    """
    if broker is None:
        return replace(addresses, call_events_relay_admin="")
    topic = TOPIC if broker.local else f"{TOPIC}-{home.own_name()}"
    return replace(addresses, kafka=broker.bootstrap, kafka_topic=topic)


def ended(broker: Broker | None) -> str:
    """Return what has ended by itself: the broker, if it is ours; empty while all is well."""
    mine = broker.local if broker else None
    return f"Kafka (see {mine.folder.log})" if mine is not None and not mine.running else ""
