"""The data folder of a system on this machine: what is kept in it, and how other commands find what runs on it.

``holdfast up --data DIR`` owns the folder and holds ``up.lock`` while it lives. While it serves, ``running.json``
names the addresses; whoever may read the issuer's key in ``keys/`` mints tokens of their own.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from service_host.local_issuer import LocalIssuer

TENANT = "local"
"""The tenant of a system on one's own machine, unless ``up --tenant`` says another."""

SCOPES = (
    "events:write",
    "events:read",
    "callers:resolve",
    "customers:erase",
    "figures:read",
    "people:read",
    "log:read",
    "log:append",
    "routing:phone",
    "routing:agent",
    "routing:supervise",
    "routing:administer",
    "routing:read",
    "operator",
)
"""Everything: a person on their own machine is every role at once."""

TOKEN_LIFE = timedelta(hours=12)
FEED_SCOPES = ("log:read",)
TELLER = "ivr-routing"
"""The source in whose name routing tells what flows told."""
FEED_TOKEN_LIFE = timedelta(days=365)
"""As long as a system may reasonably run; every start makes another."""


OWNER_PATIENCE_SECONDS = 25.0
"""As long as another owner of the folder may take to end."""
PAUSE_SECONDS = 0.05


class NotRunning(Exception):
    """No system was found; the text says how to start or to name one."""


class AlreadyRunning(Exception):
    """Another ``holdfast up`` owns the folder; the text says so."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a system serves, each ``host:port``; an empty one is not served or not known."""

    call_events_grpc: str = ""
    call_events_http: str = ""
    call_events_admin: str = ""
    call_events_log: str = ""
    metrics_grpc: str = ""
    metrics_http: str = ""
    metrics_admin: str = ""
    ivr_routing_grpc: str = ""
    ivr_routing_http: str = ""
    ivr_routing_admin: str = ""
    ivr_routing_log: str = ""
    call_events_relay_admin: str = ""
    kafka: str = ""
    kafka_topic: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """A system that serves: where, for which tenant, and a token that opens it.

    Where its data folder is on this machine, ``database_url`` is its database (for programs, never for a log) and
    ``home`` the folder.
    """

    addresses: Addresses
    tenant: str
    token: str
    database_url: str = ""
    home: Home | None = None


def default_data() -> Path:
    """Return the folder used when none is named."""
    return Path.home() / ".holdfast"


class Home:
    """A data folder, made on first use (mode 0711: the database's own account passes through)."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.postgres = self.path / "postgres"
        self.kafka = self.path / "kafka"
        self.keys = self.path / "keys"
        self.logs = self.path / "logs"
        self.imports = self.path / "imports"
        self.master_key = self.keys / "master.key"
        self.feed_token = self.keys / "metrics-feed.token"
        self.tellers = self.keys / "ivr-routing-tokens"
        self.demo_token = self.keys / "simulated-phone-system.token"
        self._running = self.path / "running.json"
        self._lock = self.path / "up.lock"

    def make(self) -> None:
        """Make the folder if it is not there."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o711)
        self.keys.mkdir(exist_ok=True, mode=0o700)
        self.logs.mkdir(exist_ok=True, mode=0o700)

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Own the folder for as long as the context lasts, or this process lives; AlreadyRunning if another does.

        An owner that does not serve yet, or no more, is waited for.
        """
        deadline = time.monotonic() + OWNER_PATIENCE_SECONDS
        with self._lock.open("a", encoding="ascii") as lock:
            while not _taken(lock, fcntl.LOCK_EX):
                if self._running.exists() or time.monotonic() > deadline:
                    message = f"`holdfast up` runs on {self.path} already: use it, end it, or name another --data."
                    raise AlreadyRunning(message)
                time.sleep(PAUSE_SECONDS)
            self.withdraw()
            yield

    def own_name(self) -> str:
        """Return a word that no other folder has, made once."""
        name = self.path / "name"
        if not name.exists():
            _write_secret(name, secrets.token_hex(4))
        return name.read_text(encoding="utf-8")

    def withdraw(self) -> None:
        """Say that nothing serves here."""
        self._running.unlink(missing_ok=True)

    def issuer(self) -> LocalIssuer:
        """Return the issuer of this folder's tokens."""
        return LocalIssuer(self.keys / "issuer")

    def token(self, tenant: str) -> str:
        """Return a new token that allows everything within the tenant."""
        roles = ("operator", "supervisor")
        return self.issuer().mint(tenant, "local-operator", scopes=SCOPES, roles=roles, sources=("*",), ttl=TOKEN_LIFE)

    def keep_feed_token(self, tenant: str) -> Path:
        """Keep a new token with which metrics and routing read the log; return its file."""
        _write_secret(self.feed_token, self.issuer().mint(tenant, "feed", scopes=FEED_SCOPES, ttl=FEED_TOKEN_LIFE))
        return self.feed_token

    def keep_teller_token(self, tenant: str) -> Path:
        """Keep a new token with which routing tells what flows told; return the folder of such tokens."""
        self.tellers.mkdir(exist_ok=True, mode=0o700)
        token = self.issuer().mint(tenant, TELLER, scopes=("events:write",), sources=(TELLER,), ttl=FEED_TOKEN_LIFE)
        _write_secret(self.tellers / f"{quote(tenant, safe='')}.token", token)
        return self.tellers

    def keep_demo_token(self, tenant: str) -> Path:
        """Keep a new token that allows everything within the tenant, for the simulated phone system; its file."""
        _write_secret(self.demo_token, self.token(tenant))
        return self.demo_token

    def announce(self, addresses: Addresses, tenant: str, database_url: str) -> None:
        """Say where the system serves, for other commands to find."""
        served = {"addresses": asdict(addresses), "database_url": database_url}
        document = {"pid": os.getpid(), "tenant": tenant, **served}
        _write_secret(self._running, json.dumps(document))

    def running(self) -> Running:
        """Return the system that serves on this folder; NotRunning if none does."""
        try:
            found = json.loads(self._running.read_text(encoding="utf-8"))
            with self._lock.open(encoding="ascii") as lock:
                alive = not _taken(lock, fcntl.LOCK_SH)
        except FileNotFoundError:
            alive, found = False, {}
        if not alive:
            message = f"Nothing runs on {self.path}: start it by `holdfast up --data {self.path}`."
            raise NotRunning(message)
        tenant = str(found["tenant"])
        addresses = Addresses(**found["addresses"])
        return Running(addresses, tenant, self.token(tenant), str(found["database_url"]), self)


def _taken(lock: TextIO, how: int) -> bool:
    """Take a lock until the file is closed; False if another process holds it."""
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    scratch = path.with_suffix(".new")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    scratch.replace(path)
