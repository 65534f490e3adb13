"""Everything in one terminal: Postgres, call-events, metrics and routing, started in order and drained in order.

With the feed through Kafka a broker and a relay stand between the two. The folder keeps all of it (``home``); a second
start continues the same data.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from event_log.kafka.errors import NoBroker
from holdfast_cli import broker, demo_centre, keeping, output, ports
from holdfast_cli.child import Child, ChildFailed, Program
from holdfast_cli.environments import MIGRATED, PROGRAMS, STARTED, environments
from holdfast_cli.home import Addresses, AlreadyRunning, Home, Running
from holdfast_cli.output import CommandFailed
from service_host.embedded_postgres import EmbeddedPostgres, EmbeddedPostgresError
from service_host.postgres_account import AccountError
from service_host.postgres_folder import DataFolderInUseError

DATABASE = "holdfast"
FEEDS = ("grpc", "kafka")
START_SECONDS = 180.0
"""A busy machine is waited for; a part that ends instead of starting is told at once."""
DRAIN_SECONDS = 7.0
"""For each service."""
DRAINED_SECONDS = 14.0
"""For all of them; with Postgres's own end everything is over within 20 s."""
WATCH_SECONDS = 0.2
POSTGRES_SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "2GB", "synchronous_commit": "on"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What ``up`` was asked for; ``port_base`` 0 takes free ports, ``feed`` is one of FEEDS."""

    data: Path
    tenant: str
    port_base: int
    feed: str = FEEDS[0]
    demo: bool = False


def serve(wanted: Wanted, when_ready: Callable[[Addresses, str], None]) -> None:
    """Start everything, call ``when_ready(addresses, token)``, and serve until it is interrupted.

    A service that ends by itself is started again. Raises CommandFailed with a sentence if it cannot start, if Postgres
    or the broker ends by itself, or a service over and over.
    """
    with suppress(KeyboardInterrupt), started(wanted) as (addresses, token, parts):
        when_ready(addresses, token)
        try:
            _watch(parts)
        except KeyboardInterrupt:
            output.note("\nDraining: what is under way ends, what was acknowledged is kept.")


@contextmanager
def started(wanted: Wanted) -> Iterator[tuple[Addresses, str, Sequence[Callable[[], str]]]]:
    """Start everything; give the addresses, a token, and what looks after each part and names it once it has ended.

    When the context ends, everything drains. Call it from the main thread.
    """
    home = Home(wanted.data)
    with (
        _sentences(),
        _prepared(home),
        EmbeddedPostgres(home.postgres, settings=POSTGRES_SETTINGS) as server,
        broker.running(home.kafka, wanted=wanted.feed == "kafka") as kafka,
        _children() as children,
    ):
        addresses = broker.told(ports.choose(wanted.port_base), kafka, home)
        url = _database(server)
        _start(home, environments(home, wanted.tenant, addresses, url), children)
        home.announce(addresses, wanted.tenant, url)
        if wanted.demo:
            children.append(_demo(home, wanted, addresses))
        parts = [keeping.kept(children, place) for place in range(len(children))]
        parts += [lambda: "" if server.running else "Postgres", lambda: broker.ended(kafka)]
        try:
            yield addresses, home.token(wanted.tenant), parts
        finally:
            home.withdraw()


def _start(home: Home, environment: Mapping[str, Mapping[str, str]], children: list[Child]) -> None:
    """Bring the databases up to date at once, then start those who tell, then those who read."""
    until = time.monotonic() + START_SECONDS
    migrating = [_program(home, name, "migrate", environment[name]).start() for name in MIGRATED]
    for child in migrating:
        child.wait_done(until)
    for names in STARTED:
        starting = [
            _program(home, name, PROGRAMS[name][1], environment[name]).start()
            for name in sorted(names & environment.keys())
        ]
        children += starting
        for child in starting:
            child.wait_ready(until)


def _demo(home: Home, wanted: Wanted, addresses: Addresses) -> Child:
    """Open a small centre, and let a simulated phone system bring calls to it."""
    until = time.monotonic() + START_SECONDS
    demo_centre.open_centre(Running(addresses, wanted.tenant, home.token(wanted.tenant)))
    token, scenario = home.keep_demo_token(wanted.tenant), home.path / "demo-scenario.json"
    scenario.write_text(json.dumps(demo_centre.SCENARIO), encoding="utf-8")
    doors = ("--routing", addresses.ivr_routing_grpc, "--call-events", addresses.call_events_grpc)
    words = ("holdfast_connectors", "simulated", *doors, "--token-file", str(token), "--scenario", str(scenario))
    child = Program("simulated phone system", words, {}, home.logs / "simulated-phone-system.log").start()
    child.wait_ready(until)
    return child


def _program(home: Home, name: str, task: str, settings: Mapping[str, str]) -> Program:
    words = (PROGRAMS[name][0], task, *(["--ready-json"] if task == "serve" else []))
    return Program(name, words, settings, home.logs / f"{name}.log")


def _database(server: EmbeddedPostgres) -> str:
    """Return the address of the database, made the first time."""
    known = server.query(f"SELECT count(*) FROM pg_database WHERE datname = '{DATABASE}'")  # noqa: S608  our own name
    return server.dsn(DATABASE) if known == "1" else server.create_database(DATABASE)


def _watch(parts: Sequence[Callable[[], str]]) -> None:
    """Return only by KeyboardInterrupt, or CommandFailed if a part has ended."""
    while True:
        time.sleep(WATCH_SECONDS)
        if ended := [name for part in parts if (name := part())]:
            message = f"{', '.join(ended)} ended by itself. Start again: what was acknowledged is kept."
            raise CommandFailed(message)


@contextmanager
def _children() -> Iterator[list[Child]]:
    """Give a list for children; drain them in the end."""
    children: list[Child] = []
    try:
        yield children
    finally:  # neither signal may cut the draining short
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        drain(children, DRAINED_SECONDS)


def drain(children: Sequence[Child], seconds: float) -> None:
    """Drain children within so long, readers first, so that nobody meets a closed door; kill who takes longer."""
    until = time.monotonic() + seconds
    for child in reversed(children):
        child.drain()
        child.end(max(0.0, min(DRAIN_SECONDS, until - time.monotonic())))


@contextmanager
def _prepared(home: Home) -> Iterator[None]:
    try:
        home.make()
    except OSError as error:
        message = f"{home.path} cannot be made ({error.strerror}): name another folder by --data."
        raise CommandFailed(message) from None
    with home.owned():
        yield


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except (AlreadyRunning, ChildFailed) as error:
        raise CommandFailed(str(error)) from None
    except NoBroker as error:
        raise CommandFailed(str(error)) from None
    except (AccountError, DataFolderInUseError, EmbeddedPostgresError) as error:
        message = f"{error}."
        raise CommandFailed(message) from None
