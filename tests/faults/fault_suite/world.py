"""The system that faults are put on: each part a process of its own, with lines between them that can be cut.

Facts live on another server than the log and follow it by a topic, so that each can be lost alone. The log's server
lies on a disk of its own where the machine lets us have one (`disk`).
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

from event_log.kafka.local_broker import LocalBroker
from fault_suite import wiring
from fault_suite.disk import SmallDisk
from fault_suite.lines import Line, Lines
from fault_suite.load_process import LoadProcess
from fault_suite.wiring import BROKER, RELAY
from holdfast_cli.home import Home
from service_host.embedded_postgres import EmbeddedPostgres
from system_parts import Part, Parts

TELLING = "telling"
"""What the load tells; taken by faults of its own."""
POSTGRES_SETTINGS = {"max_wal_size": "96MB", "min_wal_size": "32MB"}


@dataclass
class World:
    """Everything there is. `second` of each service is another instance, started when a fault wants it."""

    folder: Path
    parts: Parts
    log_server: EmbeddedPostgres
    facts_server: EmbeddedPostgres
    broker: LocalBroker
    disk: SmallDisk | None
    lines: Lines
    line: dict[str, Line]
    load: LoadProcess
    relay: Part
    second: dict[str, Part]
    poisons: int = 0

    def first(self, name: str) -> Part:
        """Return the first instance of a service."""
        return self.relay if name == RELAY else self.parts.services[name]

    async def start(self, part: Part) -> None:
        """Start an instance and wait until it serves."""
        await asyncio.to_thread(part.start)

    async def command(self, what: str, within: float = 60.0, **how: object) -> None:
        """Have the load do something."""
        await asyncio.to_thread(self.load.do, what, within, **how)

    def dead(self) -> list[str]:
        """Return the parts that should run and do not."""
        parts = {**self.parts.services, RELAY: self.relay}
        servers = {"the log's Postgres": self.log_server, "the facts' Postgres": self.facts_server}
        found = [name for name, part in parts.items() if not part.alive]
        found += [name for name, server in servers.items() if not server.running]
        return found + ([] if self.broker.running else [BROKER])


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
        lines = Lines()
        stack.callback(lines.close)
        broker, broker_line = _broker(lines, home.kafka)
        stack.enter_context(broker)
        port = wiring.first_port(SystemRandom())
        parts = Parts(home, log_server, facts_server.create_database("facts"), port)
        stack.callback(parts.kill)
        line = {BROKER: broker_line, **wiring.lay(lines, parts, log_server, facts_server)}
        second = wiring.wire(parts, line, parts.facts_url, port)
        plan = wiring.plan(folder, seed, parts, line, second)
        relay, second_relay = wiring.relays(parts, line)
        parts.beside(relay, second_relay)
        parts.start()
        relay.start()
        load = LoadProcess(plan, folder)
        stack.callback(load.end)
        second |= {RELAY: second_relay}
        yield World(folder, parts, log_server, facts_server, broker, disk, lines, line, load, relay, second)


def _broker(lines: Lines, folder: Path) -> tuple[LocalBroker, Line]:
    """Return a broker that its clients reach by a line, and the line."""
    line = lines.lay(BROKER, lambda: wiring.host_port(broker.bootstrap))
    broker = LocalBroker(folder, settings={"advertised.listeners": f"PLAINTEXT://{line.address}"})
    return broker, line
