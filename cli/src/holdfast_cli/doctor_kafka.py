"""Looks at the way through Kafka: the broker answers, and the topic is not far behind the log."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from holdfast_cli.finding import Finding
from holdfast_cli.home import Addresses
from holdfast_cli.output import counted

ANSWER_SECONDS = 5.0
ANSWER_MS = 3000
MOST_BEHIND = 1_000
_BEHIND = "holdfast_call_events_relay_behind"
_SECONDS = "holdfast_call_events_relay_behind_seconds"


def examine(addresses: Addresses) -> Iterator[Finding]:
    """Yield what is found; nothing where no broker is in the way."""
    if addresses.kafka:
        yield _broker(addresses.kafka)
    if addresses.call_events_relay_admin:
        yield from _topic(addresses.call_events_relay_admin)


def _broker(bootstrap: str) -> Finding:
    from event_log.kafka.probe import cluster_id  # noqa: PLC0415  # its library takes half a second to load

    cluster = cluster_id(bootstrap, ANSWER_MS)
    return Finding(
        bool(cluster),
        "broker",
        f"cluster {cluster} answers at {bootstrap}" if cluster else f"nothing answers at {bootstrap}",
        "See kafka/broker.log in the data folder, or the broker that KAFKA_BOOTSTRAP names; nothing told is lost.",
    )


def _topic(admin: str) -> Iterator[Finding]:
    """Look at the relay's own figures; that it answers at all is looked at before."""
    try:
        with httpx.Client(trust_env=False, timeout=ANSWER_SECONDS) as http:
            text = http.get(f"http://{admin}/metrics").text
    except httpx.TransportError:
        return
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    behind, seconds = int(float(figures.get(_BEHIND, 0))), float(figures.get(_SECONDS, 0))
    yield Finding(
        behind <= MOST_BEHIND,
        "topic",
        f"{counted(behind, 'event')} behind the log, for {seconds:.0f} s" if behind else "holds the whole log",
        "Wait a moment and look again; if it does not shrink, see logs/call-events-relay.log.",
    )
