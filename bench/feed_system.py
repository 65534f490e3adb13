"""The whole way of events through a topic as processes: Postgres, a broker, call-events, its relay, metrics."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import asyncpg

from event_log.kafka.local_broker import LocalBroker
from service_host.embedded_postgres import EmbeddedPostgres
from service_host.local_issuer import AUDIENCE, ISSUER, LocalIssuer

TENANT = "bank"
TOPIC = "bench"
END_SECONDS = 30


class Service:
    """A process of ours that serves, or relays; `ready` is what it said when it did."""

    def __init__(self, module: str, verb: str, environment: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", module, verb, "--ready-json"]
        self._process = subprocess.Popen(  # noqa: S603  # ours
            command, env=os.environ | environment, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.ready: Mapping[str, Any] = json.loads(self._process.stdout.readline())
        self.pid = self._process.pid

    def send(self, how: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(how)

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, and wait until it has; one that was stopped is killed."""
        if self._process.poll() is None:
            self._process.send_signal(how)
        with self._process:
            self._process.wait(END_SECONDS)


class System:
    """All parts; any number of metrics on the topic."""

    def __init__(self, server: EmbeddedPostgres, broker: LocalBroker, folder: Path, stack: ExitStack) -> None:
        self.broker = broker
        self.dsn = server.dsn()
        self._stack = stack
        self._issuer = LocalIssuer(folder / "issuer")
        token_file = folder / "feed.token"
        token_file.write_text(self._issuer.mint(TENANT, "metrics", scopes=["log:read"]))
        self._environment = {
            "HOLDFAST_DATABASE_URL": self.dsn,
            "HOLDFAST_JWKS": str(self._issuer.jwks),
            "HOLDFAST_ISSUER": ISSUER,
            "HOLDFAST_AUDIENCE": AUDIENCE,
            "HOLDFAST_CALL_EVENTS_MASTER_KEY_FILE": str(folder / "master.key"),
            "HOLDFAST_RELAY_BOOTSTRAP": broker.bootstrap,
            "HOLDFAST_RELAY_TOPIC": TOPIC,
            "HOLDFAST_METRICS_FEED_TOKEN_FILE": str(token_file),
        }
        for module in ("call_events", "metrics"):
            command = [sys.executable, "-m", module, "migrate"]
            subprocess.run(command, env=os.environ | self._environment, check=True)  # noqa: S603  # ours
        self.call_events = self._started("call_events", "serve")
        self.relay = self._started("call_events", "relay")
        self._environment["HOLDFAST_METRICS_FEED"] = (
            f"kafka://{broker.bootstrap}/{TOPIC}?log={self.call_events.ready['log']}"
        )

    def token(self) -> str:
        """Return a token for telling events."""
        return self._issuer.mint(TENANT, "bench", scopes=["events:write"], sources=["*"])

    def metrics(self) -> Service:
        """Start an instance of metrics."""
        return self._started("metrics", "serve")

    def _started(self, module: str, verb: str) -> Service:
        service = Service(module, verb, self._environment)
        self._stack.callback(service.end, signal.SIGKILL)
        return service


class Places:
    """How far everything is, and who reads which partitions, as Postgres knows it."""

    def __init__(self, session: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._session = session

    async def head(self) -> int:
        """Return the last position of the log."""
        return await self._number("select coalesce(max(last), 0) from call_events.log_flush")

    async def topic(self) -> int:
        """Return up to where the topic is whole."""
        return await self._number("select coalesce(min(position), 0) from call_events.relay")

    async def facts(self) -> int:
        """Return up to where facts are whole, in all partitions."""
        return await self._number(
            "select coalesce(min(position), 0) from metrics.cursor join metrics.live_generation using (schema_name)"
        )

    async def listed(self) -> int:
        """Return up to where call-events' list of contacts is whole."""
        return await self._number("select position from call_events.index_cursor")

    async def partitions(self) -> Mapping[int, int]:
        """Return up to where facts stand in each partition."""
        rows = await self._session.fetch(
            "select partition, position from metrics.cursor join metrics.live_generation using (schema_name)"
        )
        return {row["partition"]: row["position"] for row in rows}

    async def owners(self) -> Mapping[int, int]:
        """Return how many partitions each process reads, by process id; 0 stands for nobody."""
        rows = await self._session.fetch(
            "select member, count(*) as owned from metrics.partition_lease where consumer = $1 group by member", TOPIC
        )
        return {int(row["member"].split()[1]) if row["member"] else 0: row["owned"] for row in rows}

    async def _number(self, query: str) -> int:
        return int(await self._session.fetchval(query))


@contextmanager
def system(folder: Path) -> Iterator[System]:
    """Start everything but metrics, and end it all."""
    with ExitStack() as stack:
        broker = stack.enter_context(LocalBroker(folder / "kafka"))
        server = stack.enter_context(EmbeddedPostgres(folder / "postgres"))
        yield System(server, broker, folder, stack)
