"""The doors of a running system as anybody outside sees them: REST and gRPC, with tokens made as wanted.

Events are told in words here, so that a journey reads like what happened.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import httpx
import pytest
from grpc.aio import AioRpcError

from holdfast.call_events.v1 import call_events_service_pb2
from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from holdfast.log.v1 import event_pb2, log_service_pb2
from holdfast.log.v1.log_service_pb2 import GetHeadRequest
from holdfast.log.v1.log_service_pb2_grpc import LogServiceStub
from holdfast.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from holdfast_cli.home import SCOPES, Addresses
from service_host import client
from service_host.errors import Refused
from service_host.local_issuer import LocalIssuer

ANSWER_SECONDS = 60.0
CATCH_UP_SECONDS = 120.0
NOON_S = 1_767_614_400
"""2026-01-05T12:00:00Z, a Monday: when made-up events happen unless they say otherwise."""
MONDAY = {"from": "2026-01-05", "to": "2026-01-06", "time_zone": "UTC"}
Event = dict[str, Any]
_Answer = TypeVar("_Answer")


def _http(address: str, token: str) -> httpx.Client:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"http://{address}", headers=headers, trust_env=False, timeout=ANSWER_SECONDS)


@dataclass(frozen=True, slots=True)
class Doors:
    """Where a system serves, and who makes its tokens."""

    addresses: Addresses
    issuer: LocalIssuer

    @classmethod
    def of(cls, ready: Mapping[str, Any], data: Path) -> "Doors":
        """Return the doors that a ready line of ``holdfast up`` names."""
        told = {field.name: ready[field.name] for field in fields(Addresses)}
        return cls(Addresses(**told), LocalIssuer(data / "keys" / "issuer"))

    def token(
        self, tenant: str = "local", *, scopes: Iterable[str] = SCOPES, sources: Iterable[str] = ("*",), **claims: Any
    ) -> str:
        """Make a token; one that may do everything in its tenant unless told otherwise."""
        return self.issuer.mint(tenant, "tester", scopes=scopes, sources=sources, claims=claims)

    def call_events(self, token: str | None = None) -> httpx.Client:
        """Open the REST door of call-events."""
        return _http(self.addresses.call_events_http, token or self.token())

    def metrics(self, token: str | None = None) -> httpx.Client:
        """Open the REST door of metrics."""
        return _http(self.addresses.metrics_http, token or self.token())

    @asynccontextmanager
    async def calling(self, token: str | None = None) -> AsyncIterator[Any]:
        """Open the gRPC door of call-events; idempotent methods are tried again."""
        service = call_events_service_pb2.DESCRIPTOR.services_by_name["CallEventsService"]
        address = self.addresses.call_events_grpc
        async with client.connect(address, token=token or self.token(), services=[service]) as channel:
            yield CallEventsServiceStub(channel)

    @asynccontextmanager
    async def logging(self, token: str | None = None) -> AsyncIterator[Any]:
        """Open the door of the log, for services."""
        async with client.connect(self.addresses.call_events_log, token=token or self.token()) as channel:
            yield LogServiceStub(channel)

    @asynccontextmanager
    async def measuring(self, token: str | None = None) -> AsyncIterator[Any]:
        """Open the gRPC door of metrics."""
        async with client.connect(self.addresses.metrics_grpc, token=token or self.token()) as channel:
            yield MetricsServiceStub(channel)


class Teller:
    """Tells what happened to made-up contacts, with ids by chance."""

    def __init__(self, chance: Random, source: str = "pbx") -> None:
        self._chance = chance
        self.source = source

    def new_id(self) -> str:
        """Return an id that nobody has."""
        return str(UUID(bytes=self._chance.randbytes(16), version=4))

    def event(self, contact_id: str, second: float, **body: Any) -> Event:
        """Return an event ``second`` seconds after noon; the keyword is its body."""
        return {
            "event_id": self.new_id(),
            "source_id": self.source,
            "contact": {"contact_id": contact_id},
            "event_time": instant(NOON_S + second),
            **body,
        }

    def answered(self, queue: str, agent: str, *, wait: int, talk: int, number: str = "") -> list[Event]:
        """Return a contact that waits, is answered and ends; its id stands in each event."""
        contact, spell = self.new_id(), self.new_id()
        arrived: Event = {"service_number": "+498001234", "native_id": contact}
        if number:
            arrived["caller"] = {"number": number}
        shown = {"agent": agent, "assignment_id": spell}
        return [
            self.event(contact, 0, contact_arrived=arrived),
            self.event(contact, 1, enqueued={"queue": queue}),
            self.event(contact, 1 + wait, dequeued={"queue": queue, "kind": "DEQUEUE_KIND_ANSWERED"}),
            self.event(contact, 1 + wait, leg_answered={"leg_id": "a", "role": "LEG_ROLE_AGENT", **shown}),
            self.event(contact, 1 + wait, bridged={"peer_leg_id": "a", "queue": queue, **shown}),
            self.event(contact, 1 + wait + talk, leg_ended={"leg_id": "a", "role": "LEG_ROLE_AGENT", **shown}),
        ]

    def abandoned(self, queue: str, *, wait: int) -> list[Event]:
        """Return a contact that gives up waiting."""
        contact = self.new_id()
        return [
            self.event(contact, 0, contact_arrived={"service_number": "+498001234"}),
            self.event(contact, 1, enqueued={"queue": queue}),
            self.event(contact, 1 + wait, dequeued={"queue": queue, "kind": "DEQUEUE_KIND_ABANDONED"}),
        ]


def instant(second: float) -> str:
    """Return an instant in seconds since 1970 as JSON has it."""
    whole, part = divmod(second, 1)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{round(part * 1e6):06d}Z"


def record(http: httpx.Client, events: Iterable[Event]) -> list[dict[str, Any]]:
    """Tell events over HTTP and return the verdicts."""
    answer = http.post("/v1/contact-events:record", json={"events": list(events)})
    assert answer.status_code == 200, answer.text
    verdicts: list[dict[str, Any]] = answer.json()["verdicts"]
    return verdicts


def refusal_of(http: httpx.Client, events: Iterable[Event]) -> set[str]:
    """Tell events over HTTP, none of which may be taken, and return why not."""
    verdicts = record(http, events)
    assert all("refused" in verdict for verdict in verdicts), verdicts
    return {verdict["refused"]["reason"] for verdict in verdicts}


def caught_up(doors: Doors) -> Any:
    """Wait until facts have followed all that was told before, and return their status."""

    async def ask() -> Any:
        async with doors.logging() as log:
            return (await log.GetHead(GetHeadRequest())).head

    head, until = asyncio.run(ask()), time.monotonic() + CATCH_UP_SECONDS
    with doors.metrics() as http:
        while True:
            status = http.get("/v1/status", params={"wait_for_position": head.position}).raise_for_status().json()
            if status["as_of"]["logs"].get(head.log_id, {"position": -1})["position"] >= head.position:
                return status
            assert time.monotonic() < until, status


async def poison(doors: Doors, teller: Teller) -> None:
    """Append an event whose payload is no message of its type, as a broken writer might."""
    event = event_pb2.Event(
        event_id=UUID(teller.new_id()).bytes,
        source_id="broken",
        type="Enqueued",
        event_time_us=1_767_614_400_000_000,
        body_mac=b"mac",
        payload=b"\xff\xff\xff\xff no message",
    )
    stream = log_service_pb2.StreamAppend(category="contact", key=UUID(teller.new_id()).bytes, events=[event])
    group = log_service_pb2.AppendGroup(tenant="local", streams=[stream])
    async with doors.logging() as log:
        answer = await log.Append(log_service_pb2.AppendRequest(groups=[group]))
    assert answer.verdicts[0].HasField("appended"), answer


async def refused(call: Awaitable[object]) -> Refused:
    """Await a call that must be refused, and give what it was refused with."""
    with pytest.raises(AioRpcError) as caught:
        await call
    return client.refusal(caught.value)


def asking(doors: Doors, work: Callable[[Any], Awaitable[_Answer]], token: str | None = None) -> _Answer:
    """Do something at the gRPC door of call-events, in a test that has no event loop."""

    async def do() -> _Answer:
        async with doors.calling(token) as stub:
            return await work(stub)

    return asyncio.run(do())


def lines(text: str) -> list[Any]:
    """Return documents printed one a line."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]
