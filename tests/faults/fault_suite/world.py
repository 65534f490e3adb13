"""The system that faults are put on: each part a process of its own, with lines between them that can be cut.

Facts live on another server than the log, so that each can be lost alone. The log's server lies on a disk of its own
where the machine lets us have one (`disk`).
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from fault_suite.disk import SmallDisk
from fault_suite.lines import Line, Lines
from fault_suite.load_process import LoadProcess
from fault_suite.loading import Plan
from fault_suite.telling import SOURCE
from holdfast_cli.home import SCOPES, Home
from service_host.embedded_postgres import EmbeddedPostgres
from system_parts import TENANT, Part, Parts

CALL_EVENTS, METRICS = "call-events", "metrics"
CLIENTS, FEED, LOG_DATABASE, FACTS_DATABASE, TELEMETRY = (
    "clients",
    "feed",
    "log database",
    "facts database",
    "telemetry",
)
TELLING = "telling"
"""What the load tells; taken by faults of its own."""
TELLERS = 5
NOWHERE = ("127.0.0.1", 9)
"""Where nothing listens: a telemetry backend that is dead."""
POSTGRES_SETTINGS = {"max_wal_size": "96MB", "min_wal_size": "32MB"}


@dataclass
class World:
    """Everything there is. `second` of each service is another instance, started when a fault wants it."""

    folder: Path
    parts: Parts
    log_server: EmbeddedPostgres
    facts_server: EmbeddedPostgres
    disk: SmallDisk | None
    lines: Lines
    line: dict[str, Line]
    load: LoadProcess
    second: dict[str, Part]
    poisons: int = 0
    left: list[str] = field(default_factory=list)

    def first(self, name: str) -> Part:
        """Return the first instance of a service."""
        return self.parts.services[name]

    async def start(self, part: Part) -> None:
        """Start an instance and wait until it serves."""
        await asyncio.to_thread(part.start)

    async def command(self, what: str, within: float = 60.0, **how: object) -> None:
        """Have the load do something."""
        await asyncio.to_thread(self.load.do, what, within, **how)

    def dead(self) -> list[str]:
        """Return the parts that should run and do not."""
        parts = [name for name, part in self.parts.services.items() if not part.alive]
        servers = {"the log's Postgres": self.log_server, "the facts' Postgres": self.facts_server}
        return parts + [name for name, server in servers.items() if not server.running]


@contextmanager
def made(folder: Path, seed: int) -> Iterator[World]:
    """Start everything in a folder and give it; whatever is left of it is ended in the end."""
    with ExitStack() as stack:
        disk = SmallDisk.mounted(folder / "disk")
        home = Home(folder / "data")
        home.make()
        stack.enter_context(home.owned())
        log_folder = folder / "disk" / "log" if disk else home.postgres
        log_server = stack.enter_context(EmbeddedPostgres(log_folder, settings=POSTGRES_SETTINGS))
        facts_server = stack.enter_context(EmbeddedPostgres(folder / "facts", settings=POSTGRES_SETTINGS))
        facts_url = facts_server.create_database("facts")
        lines = Lines()
        stack.callback(lines.close)
        parts = Parts(home, log_server, facts_url)
        stack.callback(parts.kill)
        line = _lay(lines, parts, log_server, facts_server)
        second = _wire(parts, line, facts_url)
        parts.start()
        load = LoadProcess(_plan(folder, seed, parts, line, second), folder)
        stack.callback(load.end)
        yield World(folder, parts, log_server, facts_server, disk, lines, line, load, second)


def _lay(lines: Lines, parts: Parts, log: EmbeddedPostgres, facts: EmbeddedPostgres) -> dict[str, Line]:
    addresses = parts.addresses
    return {
        CLIENTS: lines.lay(CLIENTS, lambda: _host_port(addresses.call_events_grpc)),
        FEED: lines.lay(FEED, lambda: _host_port(addresses.call_events_log)),
        LOG_DATABASE: lines.lay(LOG_DATABASE, lambda: ("127.0.0.1", log.port)),
        FACTS_DATABASE: lines.lay(FACTS_DATABASE, lambda: ("127.0.0.1", facts.port)),
        TELEMETRY: lines.lay(TELEMETRY, lambda: NOWHERE),
    }


def _wire(parts: Parts, line: dict[str, Line], facts_url: str) -> dict[str, Part]:
    """Lead the first instances through the lines; return the second ones, which reach everything directly."""
    second = {name: parts.another(name) for name in parts.services}
    second_log = parts.free_address()
    second[CALL_EVENTS].keep_address("LOG", second_log)
    for part in second.values():
        part.keep_address("GRPC", parts.free_address())
    feed = f"grpc://{line[FEED].address},{second_log}"
    first = {
        CALL_EVENTS: {"DATABASE_URL": _through(line[LOG_DATABASE], parts.url)},
        METRICS: {"DATABASE_URL": _through(line[FACTS_DATABASE], facts_url), "FEED": feed},
    }
    second[METRICS].environment["HOLDFAST_METRICS_FEED"] = feed
    for name, settings in first.items():
        part = parts.services[name]
        told = {**settings, "TELEMETRY": "otlp", "OTLP_ENDPOINT": line[TELEMETRY].address}
        part.environment |= {f"HOLDFAST_{part.module.upper()}_{key}": value for key, value in told.items()}
    return second


def _plan(folder: Path, seed: int, parts: Parts, line: dict[str, Line], second: dict[str, Part]) -> Plan:
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


def _through(line: Line, url: str) -> str:
    """Return a database's address by way of a line."""
    parts = urlsplit(url)
    account = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{account}@{line.address}"))


def _host_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)
