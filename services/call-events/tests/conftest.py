"""The real service as a process of its own, on the database of the test module, and what its tests say to it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from holdfast.call_events.v1 import call_events_service_pb2, call_events_service_pb2_grpc
from service_host import client
from service_host.local_issuer import AUDIENCE, ISSUER, LocalIssuer

TENANT = "acme"
SCOPES = ("events:write", "events:read", "callers:resolve", "customers:erase", "log:read")
START_SECONDS = 30


@dataclass
class Running:
    """A service that serves: its environment, its process, what it said when it was ready."""

    environment: dict[str, str]
    issuer: LocalIssuer
    process: "subprocess.Popen[bytes] | None" = None
    ready: dict[str, Any] = field(default_factory=dict)

    def migrate(self) -> None:
        """Prepare the database."""
        subprocess.run([sys.executable, "-m", "call_events", "migrate"], env=self.environment, check=True, timeout=60)

    def start(self) -> None:
        """Serve; returns when it does."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "call_events", "serve"], env=self.environment, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.ready = json.loads(self.process.stdout.readline() or b"{}")
        assert self.ready.get("ready"), "the service did not start"

    def stop(self, how: int = signal.SIGTERM) -> int:
        """End it, and wait until it has."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            self.process.send_signal(how)
        code = self.process.wait(START_SECONDS)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def token(
        self, tenant: str = TENANT, *, scopes: tuple[str, ...] = SCOPES, sources: tuple[str, ...] = ("*",)
    ) -> str:
        """A token of this service's own issuer."""
        return self.issuer.mint(tenant, "tester", scopes=scopes, sources=sources)

    def connect(self, token: str | None = None) -> client.ServiceChannel:
        """A channel to its gRPC door."""
        service = call_events_service_pb2.DESCRIPTOR.services_by_name["CallEventsService"]
        return client.connect(self.ready["grpc"], token=token or self.token(), services=[service])


@pytest.fixture(scope="module")
def prepared(database: str, tmp_path_factory: pytest.TempPathFactory) -> Running:
    """A service whose database is ready, not started."""
    folder = tmp_path_factory.mktemp("call-events")
    issuer = LocalIssuer(folder / "issuer")
    running = Running(os.environ | environment(database, folder, issuer), issuer)
    running.migrate()
    return running


@pytest.fixture(scope="module")
def service(prepared: Running) -> Iterator[Running]:
    """The service, serving."""
    prepared.start()
    yield prepared
    assert prepared.stop() == 0


@pytest.fixture
async def stub(service: Running) -> AsyncIterator[Any]:
    """A stub with a token that may do everything in the tenant."""
    async with service.connect() as channel:
        yield call_events_service_pb2_grpc.CallEventsServiceStub(channel)


def environment(database: str, folder: Path, issuer: LocalIssuer) -> dict[str, str]:
    """What the service is told."""
    return {
        "HOLDFAST_DATABASE_URL": database,
        "HOLDFAST_JWKS": str(issuer.jwks),
        "HOLDFAST_ISSUER": ISSUER,
        "HOLDFAST_AUDIENCE": AUDIENCE,
        "HOLDFAST_CALL_EVENTS_GRPC_ADDRESS": "127.0.0.1:0",
        "HOLDFAST_CALL_EVENTS_HTTP_ADDRESS": "127.0.0.1:0",
        "HOLDFAST_CALL_EVENTS_MASTER_KEY_FILE": str(folder / "master.key"),
    }
