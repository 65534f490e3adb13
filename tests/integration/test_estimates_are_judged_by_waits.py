"""A caller who has to wait is estimated a wait, and metrics judges the estimate by what they waited."""

import secrets
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import grpc
import pytest
import pytest_asyncio

from holdfast.call_events.v1 import source_pb2
from holdfast.ivr_routing.v1 import administration_service_pb2 as administration
from holdfast.ivr_routing.v1 import agent_service_pb2 as agents
from holdfast.ivr_routing.v1 import configuration_pb2, instruction_pb2
from holdfast.ivr_routing.v1 import phone_system_service_pb2 as phone
from holdfast.ivr_routing.v1.administration_service_pb2_grpc import AdministrationServiceStub
from holdfast.ivr_routing.v1.agent_service_pb2_grpc import AgentServiceStub
from holdfast.ivr_routing.v1.phone_system_service_pb2_grpc import PhoneSystemServiceStub
from holdfast_testing import eventually
from public_doors import Doors
from service_host import client
from system_testing import System

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

QUEUE: Final = "estimated"
FLOW: Final = f"""
format: holdfast-flow/1
flow: estimated
language: en
start: wait
otherwise: wait
service_numbers: ["+498005678"]
nodes:
  wait: {{type: queue, queue: {QUEUE}, say: "You are number {{queue_position.{QUEUE}}}."}}
"""


@dataclass(frozen=True, slots=True)
class Routing:
    """Its doors."""

    administration: Any
    agents: Any
    phone: Any


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def routing(system: System) -> AsyncIterator[Routing]:
    """Routing, with a queue, an agent who has a break, and a flow that leads to them."""
    token = Doors.of(system.ready, system.data).token()
    async with client.connect(system.ready["ivr_routing_grpc"], token=token) as channel:
        stubs = AdministrationServiceStub, AgentServiceStub, PhoneSystemServiceStub
        found = Routing(*(stub(channel) for stub in stubs))
        rules = configuration_pb2.AgentRules(queues=[QUEUE])
        await eventually(lambda: configured(found))
        await found.administration.ConfigureAgent(administration.ConfigureAgentRequest(agent="ann", rules=rules))
        published = await found.administration.PublishFlow(administration.PublishFlowRequest(document=FLOW))
        assert not published.problems
        yield found


async def configured(routing: Routing) -> bool:
    """Configure the queue; whether a process decides already."""
    try:
        await routing.administration.ConfigureQueue(administration.ConfigureQueueRequest(queue=QUEUE))
    except grpc.aio.AioRpcError as refused:
        if refused.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
        return False
    return True


async def become(routing: Routing, state: "source_pb2.AgentState.ValueType") -> None:
    """Let the agent be in a state."""
    request = agents.SetAgentStateRequest(agent="ann", state=state, endpoint="SIP/ann", reason="break")
    await routing.agents.SetAgentState(request)


def tell(system: System, contact_id: str, **body: dict[str, Any]) -> None:
    """Tell call-events what happens now."""
    about = {"source_id": "pbx", "contact": {"contact_id": contact_id}}
    event = {"event_id": str(uuid.UUID(bytes=secrets.token_bytes(16), version=4)), **about, **body}
    event["event_time"] = datetime.fromtimestamp(time.time(), UTC).isoformat()
    with Doors.of(system.ready, system.data).call_events() as http:
        http.post("/v1/contact-events:record", json={"events": [event]}).raise_for_status()


def figure(system: System) -> dict[str, Any]:
    """Return estimate_error of the queue."""
    today = datetime.fromtimestamp(time.time(), UTC).date()
    days = {"from": str(today - timedelta(days=1)), "to": str(today + timedelta(days=2)), "figures": "estimate_error"}
    with Doors.of(system.ready, system.data).metrics() as http:
        rows = http.get("/v1/queues", params=days).raise_for_status().json()["rows"]
    of_queue = [row["figures"][0] for row in rows if row["queue"] == QUEUE]
    return of_queue[0] if of_queue else {"n": 0}


async def test_a_caller_who_waits_and_is_answered_gives_the_estimate_an_error(system: System, routing: Routing) -> None:
    await become(routing, source_pb2.AGENT_STATE_NOT_READY)
    started = await routing.phone.StartContact(
        phone.StartContactRequest(
            source_id="pbx", native_id=secrets.token_hex(8), node="n1", service_number="+498005678"
        )
    )
    contact_id, waiting = started.contact_id, started.instruction
    assert waiting.do[0].play.prompts[0].text == "You are number 1."
    visit = {"queue": QUEUE, "visit_id": waiting.do[1].queue_music.visit_id}
    tell(system, contact_id, enqueued=visit)
    await become(routing, source_pb2.AGENT_STATE_AVAILABLE)
    ring = (await next_of(routing, waiting)).do[-1].ring
    held = {"agent": "ann", "reservation_id": ring.reservation_id}
    tell(system, contact_id, bridged={"leg_id": "caller", "peer_leg_id": "ann", **visit, **held})

    async def judged() -> bool:
        return bool(figure(system)["n"] == 1)

    await eventually(judged, within=timedelta(seconds=60))
    error = figure(system)
    assert error["value"] > 0
    await eventually(lambda: "estimate_told" in str(system.json("contact", contact_id)["events"]))


async def next_of(routing: Routing, held: instruction_pb2.Instruction) -> instruction_pb2.Instruction:
    """Return the contact's next instruction."""
    request = phone.NextInstructionRequest(contact_id=held.contact_id, after_number=held.number)
    request.wait.FromSeconds(10)
    answer: phone.NextInstructionResponse = await routing.phone.NextInstruction(request, timeout=15)
    return answer.instruction
