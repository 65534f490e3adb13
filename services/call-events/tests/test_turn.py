"""Two processes on one log: the one that does not append says so, and takes over when the other is gone."""

import secrets
import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent
from holdfast_testing import eventually

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def pair(prepared: Any) -> Iterator[tuple[Any, Any]]:
    """Two services on one log, neither of which is taken for the other's successor."""
    settings = prepared.environment | {"HOLDFAST_CALL_EVENTS_SUCCESSION": "0"}
    both = replace(prepared, environment=settings), replace(prepared, environment=settings)
    for one in both:
        one.start()
    yield both
    for one in both:
        one.stop()


async def health(service: Any) -> Any:
    async with service.connect() as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest())
    return answer.status


async def ready(service: Any) -> bool:
    async with httpx.AsyncClient(base_url=f"http://{service.ready['admin']}", trust_env=False) as admin:
        return bool((await admin.get("/readyz")).status_code == 200)


async def test_the_one_that_stands_by_says_so_and_takes_over_when_the_other_is_killed(pair: tuple[Any, Any]) -> None:
    active, standing = pair
    assert (await health(active), await health(standing)) == (SERVING, SERVING), "nobody has appended yet"
    await told(active)

    async def stands_by() -> bool:
        return await health(standing) == NOT_SERVING and not await ready(standing)

    async def serves() -> bool:
        return await health(standing) == SERVING and await ready(standing)

    await eventually(stands_by)
    assert await health(active) == SERVING
    assert await ready(active)
    active.stop(signal.SIGKILL)
    await eventually(serves)
    await told(standing)


async def told(service: Any) -> None:
    """Tell an event to a service; it must be recorded."""
    event = ContactEvent(event_id=new_id(), source_id="pbx", note_added={"text": "x"})  # type: ignore[arg-type]
    event.contact.contact_id = new_id()
    event.event_time.seconds = 1_790_000_000
    async with service.connect() as channel:
        answer = await CallEventsServiceStub(channel).RecordContactEvents(pb.RecordContactEventsRequest(events=[event]))
    assert answer.verdicts[0].HasField("recorded"), answer


def new_id() -> str:
    return str(UUID(bytes=secrets.token_bytes(16), version=4))
