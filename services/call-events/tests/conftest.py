"""The real service as a process of its own, on the database of the test module, and what its tests say to it."""

import json
import os
import secrets
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1 import call_events_service_pb2_grpc
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent, ContactName
from service_host import client
from service_host.local_issuer import AUDIENCE, ISSUER, LocalIssuer

TENANT = "acme"
SCOPES = ("events:write", "events:read", "callers:resolve", "customers:erase", "log:read")
START_SECONDS = 90
FIRST_SECOND = 1_790_000_000


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
        if not self.ready.get("ready"):
            self.stop(signal.SIGKILL)
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
        service = pb.DESCRIPTOR.services_by_name["CallEventsService"]
        return client.connect(self.ready["grpc"], token=token or self.token(), services=[service])


class Teller:
    """Tells events of one contact of its own, with ids that no other test uses."""

    def __init__(self, stub: Any, source: str = "pbx") -> None:
        self.stub = stub
        self.source = source
        self.contact_id = str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))
        self.second = FIRST_SECOND

    def event(self, *, at: int | None = None, **body: Any) -> ContactEvent:
        """An event a second after the last one, or at a second of one's choice; the keyword is its body."""
        self.second += 1
        event = ContactEvent(
            event_id=new_id(), source_id=self.source, contact=ContactName(contact_id=self.contact_id), **body
        )
        event.event_time.seconds = self.second if at is None else at
        return event

    async def record(self, *events: ContactEvent, validate_only: bool = False) -> list[Any]:
        """Record events; their verdicts."""
        request = pb.RecordContactEventsRequest(events=events, validate_only=validate_only)
        return list((await self.stub.RecordContactEvents(request)).verdicts)

    async def contact(self, **more: Any) -> Any:
        """The contact, with its events."""
        name = ContactName(contact_id=self.contact_id)
        return await self.stub.GetContact(pb.GetContactRequest(contact=name, include_events=True, **more))


def new_id() -> str:
    """An id nobody has."""
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


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


@pytest.fixture
def teller(stub: Any) -> Teller:
    """A contact to tell of."""
    return Teller(stub)


@pytest.fixture
def another(stub: Any) -> Callable[..., Teller]:
    """Makes more contacts to tell of."""
    return lambda source="pbx": Teller(stub, source)


def environment(database: str, folder: Path, issuer: LocalIssuer) -> dict[str, str]:
    """What the service is told."""
    return {
        "HOLDFAST_DATABASE_URL": database,
        "HOLDFAST_JWKS": str(issuer.jwks),
        "HOLDFAST_ISSUER": ISSUER,
        "HOLDFAST_AUDIENCE": AUDIENCE,
        "HOLDFAST_CALL_EVENTS_GRPC_ADDRESS": "127.0.0.1:0",
        "HOLDFAST_CALL_EVENTS_HTTP_ADDRESS": "127.0.0.1:0",
        "HOLDFAST_CALL_EVENTS_ADMIN_ADDRESS": "127.0.0.1:0",
        "HOLDFAST_CALL_EVENTS_MASTER_KEY_FILE": str(folder / "master.key"),
    }
