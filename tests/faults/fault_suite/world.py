"""The system that faults are put on: each part a process of its own, with lines between them that can be cut.

Facts and routing live on other servers than the log, so that each can be lost alone; facts follow the log by a topic.
The log's server lies on a disk of its own where the machine lets us have one (`disk`).
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

from event_log.kafka.local_broker import LocalBroker
from fault_suite import routing_side, wiring
from fault_suite.disk import SmallDisk
from fault_suite.lines import Line, Lines
from fault_suite.load_process import LoadProcess
from fault_suite.phones import PhoneSystem
from fault_suite.routing_side import RoutingSide
from fault_suite.wiring import BROKER, RELAY
from holdfast_cli.home import Home
from service_host.embedded_postgres import EmbeddedPostgres
from system_parts import Part, Parts

TELLING = "telling"
"""What the load tells; taken by faults of its own."""
EVENTS_LANE, ROUTING_LANE = "events", "routing"
"""Parts that recover together: the way of an event to figures; what leads callers."""
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
    routing: RoutingSide
    phones: PhoneSystem
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

    def dead(self, lane: str) -> list[str]:
        """Return the parts of a lane that should run and do not."""
        if lane == ROUTING_LANE:
            return self.routing.dead() + ([] if self.phones.alive else ["the phone system"])
        parts = {**self.parts.services, RELAY: self.relay}
        servers = {"the log's Postgres": self.log_server, "the facts' Postgres": self.facts_server}
        found = [name for name, part in parts.items() if not part.alive]
        found += [name for name, server in servers.items() if not server.running]
        return found + ([] if self.broker.running else [BROKER])


@contextmanager
def made(folder: Path, seed: int, programs: Mapping[str, str]) -> Iterator[World]:
    """Start everything in a folder and give it; whatever is left of it is ended in the end.

    `programs` are modules that are run in the place of services, by the services' names.
    """
    with ExitStack() as stack:
        disk = SmallDisk.mounted(folder / "disk")
        home = Home(folder / "data")
        home.make()
        stack.enter_context(home.owned())
        log_folder = folder / "disk" / "log" if disk else home.postgres
        folders = (log_folder, folder / "facts", folder / "routing")
        log_server, facts_server, routing_server = (
            stack.enter_context(EmbeddedPostgres(each, settings=POSTGRES_SETTINGS)) for each in folders
        )
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
        relay, second[RELAY] = wiring.relays(parts, line)
        parts.beside(relay, second[RELAY])
        _run_instead(programs, {**parts.services, RELAY: relay}, second)
        parts.start()
        relay.start()
        routing, routing_lines = stack.enter_context(routing_side.started(parts, routing_server, lines, plan.log, port))
        line |= routing_lines
        load = LoadProcess(plan, folder)
        stack.callback(load.end)
        phones = stack.enter_context(routing_side.phones(folder, seed, parts, line))
        yield World(
            folder, parts, log_server, facts_server, broker, disk, lines, line, load, relay, second, routing, phones
        )


def _run_instead(programs: Mapping[str, str], *instances: Mapping[str, Part]) -> None:
    for name, program in programs.items():
        for services in instances:
            services[name].program = program


def _broker(lines: Lines, folder: Path) -> tuple[LocalBroker, Line]:
    """Return a broker that its clients reach by a line, and the line."""
    line = lines.lay(BROKER, lambda: wiring.host_port(broker.bootstrap))
    broker = LocalBroker(folder, settings={"advertised.listeners": f"PLAINTEXT://{line.address}"})
    return broker, line
