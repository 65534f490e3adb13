"""Routing as the suite has it: two processes on a Postgres of their own, and the phone system that lives by them.

Both processes reach their Postgres, and are reached by phones, through lines that can be cut.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx

from fault_suite import wiring
from fault_suite.lines import HOST, Line, Lines
from fault_suite.phones import SILENCE_SECONDS, PhoneSystem
from holdfast_cli import demo_centre, ports
from holdfast_cli.home import SCOPES, Running
from holdfast_testing import eventually, eventually_blocking
from service_host.embedded_postgres import EmbeddedPostgres
from system_parts import TENANT, Part, Parts

ROUTING, ROUTING_DATABASE = "routing", "routing database"
PHONES, PHONES_TO_SECOND, PHONE_FACTS = "phones", "phones to the second", "phone facts"
DOORS = ("GRPC", "HTTP", "ADMIN", "LOG")
ANSWER_SECONDS = 1.0
LEADS_WITHIN = timedelta(seconds=60)
SOON = timedelta(seconds=5)
DATABASE = "routing"


class RoutingSide:
    """Two processes of which one leads, their Postgres, their phones."""

    def __init__(self, server: EmbeddedPostgres, processes: tuple[Part, Part]) -> None:
        self.server = server
        self.processes = processes
        self._http = httpx.Client(trust_env=False, timeout=ANSWER_SECONDS)

    def leads(self, part: Part) -> bool:
        """Whether a process says that it decides; blocks."""
        address = part.environment["HOLDFAST_IVR_ROUTING_ADMIN_ADDRESS"]
        try:
            return bool(self._http.get(f"http://{address}/readyz").json()["leading"])
        except httpx.HTTPError:
            return False

    async def until_leads(self, part: Part) -> None:
        """Wait until a process decides."""
        await eventually(lambda: asyncio.to_thread(self.leads, part), within=LEADS_WITHIN)

    async def until_stands_by(self, part: Part) -> None:
        """Wait until a process has noticed that it does not decide any more."""

        async def stands_by() -> bool:
            return not await asyncio.to_thread(self.leads, part)

        await eventually(stands_by, within=LEADS_WITHIN)

    async def leader(self) -> Part:
        """Return the process that decides; the first one where none does, as when their Postgres is away."""

        async def found() -> Part | None:
            first, second = self.processes
            leading = [part for part in (first, second) if await asyncio.to_thread(self.leads, part)]
            return leading[0] if leading else None

        try:
            part = await eventually(found, within=SOON)
        except TimeoutError:
            part = None
        return part or self.processes[0]

    def beside(self, part: Part) -> Part:
        """Return the other process."""
        first, second = self.processes
        return second if part is first else first

    def dead(self) -> list[str]:
        """Return what should run and does not."""
        numbered = zip(("the first routing", "the second routing"), self.processes, strict=True)
        found = [name for name, part in numbered if not part.alive]
        return found + ([] if self.server.running else ["routing's Postgres"])

    def close(self) -> None:
        """Ask no more."""
        self._http.close()


def lay(lines: Lines, addresses: tuple[str, str], parts: Parts, server: EmbeddedPostgres) -> dict[str, Line]:
    """Lay the lines of routing and its phones; `addresses` are the gRPC doors of both processes."""
    first, second = addresses
    return {
        ROUTING_DATABASE: lines.lay(ROUTING_DATABASE, lambda: (HOST, server.port)),
        PHONES: lines.lay(PHONES, lambda: wiring.host_port(first)),
        PHONES_TO_SECOND: lines.lay(PHONES_TO_SECOND, lambda: wiring.host_port(second)),
        PHONE_FACTS: lines.lay(PHONE_FACTS, lambda: wiring.host_port(parts.addresses.call_events_grpc)),
    }


@contextmanager
def started(
    parts: Parts, server: EmbeddedPostgres, lines: Lines, logs: str, port: int
) -> Iterator[tuple[RoutingSide, dict[str, Line]]]:
    """Start both processes with a small centre open; `logs` are the doors of call-events' log."""
    seconds = ports.choose(port + wiring.SECOND)
    doors = (parts.addresses.ivr_routing_grpc, seconds.ivr_routing_grpc)
    line = lay(lines, doors, parts, server)
    url = wiring.through(line[ROUTING_DATABASE], server.create_database(DATABASE))
    told = {"DATABASE_URL": url, "FEED": f"grpc://{logs}", "SILENCE": str(SILENCE_SECONDS)}
    first = parts.routing(**told)
    second = Part(first.module, first.environment, parts.home.logs / "ivr-routing-second.log")
    for door in DOORS:
        second.keep_address(door, getattr(seconds, f"ivr_routing_{door.lower()}"))
    parts.beside(second)
    side = RoutingSide(server, (first, second))
    first.start()
    eventually_blocking(lambda: side.leads(first), within=LEADS_WITHIN)
    demo_centre.open_centre(Running(parts.addresses, TENANT, parts.home.token(TENANT)))
    second.start()
    try:
        yield side, line
    finally:
        side.close()


@contextmanager
def phones(folder: Path, seed: int, parts: Parts, line: Mapping[str, Line]) -> Iterator[PhoneSystem]:
    """Start the phone system; whatever is left of it is ended in the end."""
    token = parts.issuer().mint(TENANT, "phones", scopes=SCOPES, sources=("*",))
    routing = f"{line[PHONES].address},{line[PHONES_TO_SECOND].address}"
    started = PhoneSystem(folder, seed, routing, line[PHONE_FACTS].address, token)
    try:
        yield started
    finally:
        started.end()
