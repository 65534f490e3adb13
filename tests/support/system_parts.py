"""The parts of a system, each a process of its own that a test may kill and start again: Postgres and both services.

What ``holdfast up`` does in one process is done here part by part, on the same kind of data folder, so that commands
find the system by it.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from holdfast_cli import ports
from holdfast_cli.environments import environments
from holdfast_cli.home import SCOPES, Home
from service_host.embedded_postgres import EmbeddedPostgres
from service_host.local_issuer import AUDIENCE, ISSUER, LocalIssuer

TENANT = "local"
DATABASE = "holdfast"
START_SECONDS = 120
END_SECONDS = 60
WITHIN = timedelta(seconds=90)
"""How long a test waits for what a part is to do."""
MODULES = {"call-events": "call_events", "metrics": "metrics"}


class Part:
    """One service as a process; `verb` is the word that makes its module what it is.

    `program` is the module that is run: the service's own, or one in which a test breaks something of it.
    """

    def __init__(self, module: str, environment: Mapping[str, str], log: Path, verb: str = "serve") -> None:
        self.module = self.program = module
        self.verb = verb
        self.environment = dict(environment)
        self.log = log
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def keep_address(self, door: str, address: str) -> None:
        """Serve a door (GRPC, HTTP) at this address from the next start on."""
        self.environment[f"HOLDFAST_{self.module.upper()}_{door}_ADDRESS"] = address

    def migrate(self) -> None:
        """Bring its database up to date."""
        with self.log.open("ab") as errors:
            command = [sys.executable, "-m", self.module, "migrate"]
            done = subprocess.run(command, env=self._environment(), stderr=errors, timeout=START_SECONDS, check=False)
        assert done.returncode == 0, self.last_words()

    def start(self) -> dict[str, Any]:
        """Start it and return what it says once it serves."""
        self.starts += 1
        with self.log.open("ab") as errors:
            command = [sys.executable, "-m", self.program, self.verb, "--ready-json"]
            self._process = subprocess.Popen(
                command, env=self._environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
            )
        return self._first_line(self._process)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> int:
        """End it by a signal and return its exit status."""
        assert self._process is not None
        with self._process as process:
            with suppress(ProcessLookupError):
                process.send_signal(how)
            return process.wait(END_SECONDS)

    def last_words(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-2000:]

    def _first_line(self, process: "subprocess.Popen[bytes]") -> dict[str, Any]:
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            line = process.stdout.readline() if selector.select(START_SECONDS) else b""
        said: dict[str, Any] = json.loads(line or b"{}")
        if not said.get("ready"):
            self.kill()
        assert said.get("ready"), f"{self.module} did not start: {self.last_words()}"
        return said

    def _environment(self) -> dict[str, str]:
        return os.environ | self.environment


class Parts:
    """A whole system in parts. ``services`` are by name; Postgres is ``postgres``; ``port_base`` 0: any free ports."""

    def __init__(self, home: Home, postgres: EmbeddedPostgres, facts_url: str = "", port_base: int = 0) -> None:
        self.home = home
        self.facts_url = facts_url
        self.postgres = postgres
        self.addresses = ports.choose(port_base)
        self.url = _database(postgres)
        self._others: list[Part] = []
        self.services = {
            name: Part(module, self._environment(name), home.logs / f"{name}.log") for name, module in MODULES.items()
        }

    @property
    def data(self) -> Path:
        """The folder that commands are given."""
        return self.home.path

    def start(self) -> None:
        """Prepare the databases and start both services, beside each other."""
        with ThreadPoolExecutor() as beside:
            for do in (Part.migrate, Part.start):
                list(beside.map(do, self.services.values()))
        self.home.announce(self.addresses, TENANT, self.url)

    def stop(self) -> None:
        """Drain what still runs."""
        for service in reversed([*self.services.values(), *self._others]):
            if service.alive:
                service.kill(signal.SIGTERM)

    def beside(self, *others: Part) -> None:
        """Take further parts in, to be ended with the rest."""
        self._others += others

    def kill(self) -> None:
        """End what still runs, at once."""
        for service in [*self.services.values(), *self._others]:
            if service.alive:
                service.kill()

    def issuer(self) -> LocalIssuer:
        """Return the issuer of its tokens."""
        return self.home.issuer()

    def token(self) -> str:
        """Return a token that may do everything."""
        return self.issuer().mint(TENANT, "tester", scopes=SCOPES, sources=("*",))

    def free_address(self) -> str:
        """Return an address that nobody listens at."""
        return ports.choose(0).call_events_grpc

    def another(self, name: str, **settings: str) -> Part:
        """Return a second instance of a service, on free ports, not started."""
        first = self.services[name]
        doors = ("GRPC_ADDRESS", "HTTP_ADDRESS", "ADMIN_ADDRESS", *(("LOG_ADDRESS",) if name == "call-events" else ()))
        told = {f"HOLDFAST_{first.module.upper()}_{door}": "127.0.0.1:0" for door in doors}
        more = {f"HOLDFAST_{first.module.upper()}_{key}": value for key, value in settings.items()}
        log = self.home.logs / f"{name}-another.log"
        self._others.append(Part(first.module, first.environment | told | more, log))
        return self._others[-1]

    def relay(self, bootstrap: str, topic: str, **settings: str) -> Part:
        """Return a relay of call-events' log into a topic, not started."""
        told = {"DATABASE_URL": self.url, "BOOTSTRAP": bootstrap, "TOPIC": topic, "ADMIN_ADDRESS": "127.0.0.1:0"}
        told |= {"JWKS": str(self.issuer().jwks), "ISSUER": ISSUER, "AUDIENCE": AUDIENCE}
        environment = {f"HOLDFAST_RELAY_{key}": value for key, value in (told | settings).items()}
        self._others.append(Part("call_events", environment, self.home.logs / "relay.log", "relay"))
        return self._others[-1]

    def database(self, name: str) -> str:
        """Make another database on the system's server and return its address."""
        return self.postgres.create_database(name)

    def routing(self, **settings: str) -> Part:
        """Return routing, brought up to date, not started; whatever is left of it is ended with the rest."""
        addresses = self.addresses
        told = environments(self.home, TENANT, addresses, self.url)["ivr-routing"]
        more = {f"HOLDFAST_IVR_ROUTING_{key}": value for key, value in settings.items()}
        part = Part("ivr_routing", told | more, self.home.logs / "ivr-routing.log")
        part.migrate()
        self._others.append(part)
        return part

    def _environment(self, name: str) -> dict[str, str]:
        addresses = asdict(self.addresses)
        module = MODULES[name]
        told = {
            "DATABASE_URL": self.facts_url if self.facts_url and name == "metrics" else self.url,
            "JWKS": str(self.issuer().jwks),
            "ISSUER": ISSUER,
            "AUDIENCE": AUDIENCE,
            "LIMITS__DRAIN_WAIT": "2",
            **{f"{door}_ADDRESS": addresses[f"{module}_{door.lower()}"] for door in ("GRPC", "HTTP", "ADMIN")},
        }
        if name == "call-events":
            told |= {"LOG_ADDRESS": self.addresses.call_events_log, "MASTER_KEY_FILE": str(self.home.master_key)}
        else:
            told |= {
                "FEED": f"grpc://{self.addresses.call_events_log}",
                "FEED_TOKEN_FILE": str(self.home.keep_feed_token(TENANT)),
            }
        return {f"HOLDFAST_{module.upper()}_{key}": value for key, value in told.items()}


@contextmanager
def started(data: Path, facts_url: str = "") -> Iterator[Parts]:
    """Start a system in parts and give it; whatever is left of it is ended in the end.

    ``facts_url`` is another database for metrics than that of the log.
    """
    home = Home(data)
    home.make()
    with home.owned(), EmbeddedPostgres(home.postgres) as postgres:
        parts = Parts(home, postgres, facts_url)
        try:
            parts.start()
            yield parts
        finally:
            parts.stop()


def _database(server: EmbeddedPostgres) -> str:
    known = server.query(f"select count(*) from pg_database where datname = '{DATABASE}'")  # noqa: S608  # our own name
    return server.dsn(DATABASE) if known == "1" else server.create_database(DATABASE)
