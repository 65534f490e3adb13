"""Who reaches whom by which line, and what each part is told in its environment.

First instances reach everything through lines that can be cut; second instances reach it directly, so that a fault of
lines and a fault of processes are different things.
"""

from pathlib import Path
from random import Random
from urllib.parse import urlsplit, urlunsplit

from fault_suite.lines import HOST, Line, Lines
from fault_suite.loading import Plan
from fault_suite.telling import SOURCE
from holdfast_cli import ports
from holdfast_cli.environments import TOPIC
from holdfast_cli.home import SCOPES
from service_host.embedded_postgres import EmbeddedPostgres
from service_host.local_issuer import AUDIENCE, ISSUER
from system_parts import TENANT, Part, Parts

CALL_EVENTS, METRICS, RELAY = "call-events", "metrics", "relay"
CLIENTS, FEED, LOG_DATABASE, FACTS_DATABASE, TELEMETRY = (
    "clients",
    "feed",
    "log database",
    "facts database",
    "telemetry",
)
BROKER = "broker"
PARTITIONS = 12
TELLERS = 4
PORTS, SECOND = 100, 50
"""Ports of one run, and how far those of second instances are from those of first ones."""
FIRST_PORT, LAST_PORT = 10_000, 32_000
PORT_ATTEMPTS = 50
NOWHERE = (HOST, 9)
"""Where nothing listens: a telemetry backend that is dead."""


def first_port(chance: Random) -> int:
    """Return the first of a hundred free ports below those that connections are given.

    A service that is killed again and again must find its port free: no connection of somebody else may have taken it.
    """
    for _ in range(PORT_ATTEMPTS):
        first = chance.randrange(FIRST_PORT, LAST_PORT, PORTS)
        if not any(ports.taken(first + distance) for distance in (0, SECOND)):
            return first
    raise AssertionError("no ports are free below those that connections are given")


def lay(lines: Lines, parts: Parts, log: EmbeddedPostgres, facts: EmbeddedPostgres) -> dict[str, Line]:
    """Lay every line but the broker's."""
    addresses = parts.addresses
    return {
        CLIENTS: lines.lay(CLIENTS, lambda: host_port(addresses.call_events_grpc)),
        FEED: lines.lay(FEED, lambda: host_port(addresses.call_events_log)),
        LOG_DATABASE: lines.lay(LOG_DATABASE, lambda: (HOST, log.port)),
        FACTS_DATABASE: lines.lay(FACTS_DATABASE, lambda: (HOST, facts.port)),
        TELEMETRY: lines.lay(TELEMETRY, lambda: NOWHERE),
    }


def wire(parts: Parts, line: dict[str, Line], facts_url: str, port: int) -> dict[str, Part]:
    """Lead first instances through the lines; return the second ones, whose ports are those after `port`."""
    second = {name: parts.another(name) for name in parts.services}
    seconds = ports.choose(port + SECOND)
    second_log = seconds.call_events_log
    second[CALL_EVENTS].keep_address("LOG", second_log)
    second[CALL_EVENTS].keep_address("GRPC", seconds.call_events_grpc)
    second[METRICS].keep_address("GRPC", seconds.metrics_grpc)
    feed = f"kafka://{line[BROKER].address}/{TOPIC}?log={line[FEED].address},{second_log}"
    first = {
        CALL_EVENTS: {"DATABASE_URL": through(line[LOG_DATABASE], parts.url)},
        METRICS: {"DATABASE_URL": through(line[FACTS_DATABASE], facts_url), "FEED": feed},
    }
    second[METRICS].environment["HOLDFAST_METRICS_FEED"] = feed
    for name, settings in first.items():
        part = parts.services[name]
        told = {**settings, "TELEMETRY": "otlp", "OTLP_ENDPOINT": line[TELEMETRY].address}
        part.environment |= {f"HOLDFAST_{part.module.upper()}_{key}": value for key, value in told.items()}
    return second


def relays(parts: Parts, line: dict[str, Line]) -> tuple[Part, Part]:
    """Return two relays of the whole topic, the second of which reaches Postgres directly."""
    shared = {
        "JWKS": str(parts.issuer().jwks),
        "ISSUER": ISSUER,
        "AUDIENCE": AUDIENCE,
        "BOOTSTRAP": line[BROKER].address,
        "TOPIC": TOPIC,
        "PARTITIONS": str(PARTITIONS),
        "LIMITS__DRAIN_WAIT": "1",
    }
    urls = {"relay": through(line[LOG_DATABASE], parts.url), "relay-second": parts.url}
    first, second = (
        Part(
            "call_events",
            {f"HOLDFAST_RELAY_{key}": value for key, value in (shared | {"DATABASE_URL": url}).items()},
            parts.home.logs / f"{name}.log",
            "relay",
        )
        for name, url in urls.items()
    )
    return first, second


def plan(folder: Path, seed: int, parts: Parts, line: dict[str, Line], second: dict[str, Part]) -> Plan:
    """Return what the load does where."""
    token = parts.issuer().mint(TENANT, "teller", scopes=("events:write",), sources=(SOURCE,))
    reading = parts.issuer().mint(TENANT, "reader", scopes=SCOPES, sources=("*",))
    others = {name: part.environment[f"HOLDFAST_{part.module.upper()}_GRPC_ADDRESS"] for name, part in second.items()}
    other_log = second[CALL_EVENTS].environment["HOLDFAST_CALL_EVENTS_LOG_ADDRESS"]
    return Plan(
        seed=seed,
        tellers=TELLERS,
        tenant=TENANT,
        token=token,
        reading_token=reading,
        telling=f"{line[CLIENTS].address},{others[CALL_EVENTS]}",
        log=f"{parts.addresses.call_events_log},{other_log}",
        asking=f"{parts.addresses.metrics_grpc},{others[METRICS]}",
        history=str(folder / "history.jsonl"),
        notes=str(folder / "feeds.jsonl"),
    )


def through(line: Line, url: str) -> str:
    """Return a database's address by way of a line."""
    parts = urlsplit(url)
    account = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{account}@{line.address}"))


def host_port(address: str) -> tuple[str, int]:
    """Return both parts of an address."""
    host, _, port = address.rpartition(":")
    return host, int(port)
