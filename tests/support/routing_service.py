"""Routing as a process of its own, its doors, facts told to it by a real feed, and a small contact centre to try."""

import json
import secrets
import signal
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from contact_life import identity
from event_log.grpc_service import LogServicer
from event_log.memory import MemoryLog, clock_us
from event_log.model import Append, NewEvent, Stream, StreamAppend
from holdfast.call_events.v1 import source_pb2
from holdfast.ivr_routing.v1 import administration_service_pb2 as administration
from holdfast.ivr_routing.v1 import (
    administration_service_pb2_grpc,
    agent_service_pb2,
    agent_service_pb2_grpc,
    configuration_pb2,
    instruction_pb2,
    overview_service_pb2_grpc,
    phone_system_service_pb2,
    phone_system_service_pb2_grpc,
)
from holdfast.ivr_routing.v1 import agent_service_pb2 as agents
from holdfast.ivr_routing.v1 import phone_system_service_pb2 as phone
from holdfast.log.v1.log_service_pb2_grpc import add_LogServiceServicer_to_server
from service_host import client
from service_host.local_issuer import AUDIENCE, ISSUER, LocalIssuer

TENANT = "acme"
SOURCE = "pbx"
SCOPES = ("routing:phone", "routing:agent", "routing:supervise", "routing:administer", "routing:read", "log:read")
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
        subprocess.run([sys.executable, "-m", "ivr_routing", "migrate"], env=self.environment, check=True, timeout=60)

    def start(self) -> None:
        """Serve; returns when it does."""
        command = [sys.executable, "-m", "ivr_routing", "serve"]
        self.process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE)
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

    def token(self, tenant: str = TENANT, *, scopes: tuple[str, ...] = SCOPES, agent: str | None = None) -> str:
        """A token of this service's own issuer."""
        return self.issuer.mint(tenant, "tester", scopes=scopes, sources=(SOURCE,), claims={"agent": agent})

    def connect(self, token: str | None = None) -> client.ServiceChannel:
        """A channel to its gRPC door; calls wait until it leads."""
        services = (
            phone_system_service_pb2.DESCRIPTOR.services_by_name["PhoneSystemService"],
            agent_service_pb2.DESCRIPTOR.services_by_name["AgentService"],
            administration.DESCRIPTOR.services_by_name["AdministrationService"],
        )
        return client.connect(self.ready["grpc"], token=token or self.token(), services=services)


class Doors:
    """Stubs of every door of the service, over one channel."""

    def __init__(self, channel: client.ServiceChannel) -> None:
        self.phone = phone_system_service_pb2_grpc.PhoneSystemServiceStub(channel)
        self.agents = agent_service_pb2_grpc.AgentServiceStub(channel)
        self.overview = overview_service_pb2_grpc.OverviewServiceStub(channel)
        self.administration = administration_service_pb2_grpc.AdministrationServiceStub(channel)


class Facts:
    """The log of call-events as routing reads it: a real door, over a log in memory."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log

    async def tell(self, contact_id: str, *bodies: Any) -> None:
        """Tell facts of a contact, in this order, now."""
        events = [
            NewEvent(new_uuid(), type(body).__name__, clock_us(), body.SerializeToString(), b"", SOURCE)
            for body in bodies
        ]
        stream = Stream("contact", uuid.UUID(contact_id))
        await self.log.append(Append(TENANT, [StreamAppend(stream, events)]))

    async def tell_of_source(self, body: Any, time_us: int) -> None:
        """Tell what a source says of itself."""
        event = NewEvent(new_uuid(), type(body).__name__, time_us, body.SerializeToString(), b"", SOURCE)
        stream = Stream("source", uuid.UUID(identity.source_stream_id(TENANT, SOURCE, time_us)))
        await self.log.append(Append(TENANT, [StreamAppend(stream, [event])]))


def new_uuid() -> uuid.UUID:
    """An id nobody has."""
    return uuid.UUID(bytes=secrets.token_bytes(16), version=4)


@asynccontextmanager
async def serving_facts(port: int = 0) -> AsyncIterator[tuple[Facts, int]]:
    """Serve the log of call-events on a port."""
    log = MemoryLog()
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    add_LogServiceServicer_to_server(LogServicer(log), server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield Facts(log), bound
    finally:
        await server.stop(None)


def environment(database: str, issuer: LocalIssuer, facts_port: int, token_file: Path) -> dict[str, str]:
    """What the service is told."""
    return {
        "HOLDFAST_DATABASE_URL": database,
        "HOLDFAST_JWKS": str(issuer.jwks),
        "HOLDFAST_ISSUER": ISSUER,
        "HOLDFAST_AUDIENCE": AUDIENCE,
        "HOLDFAST_IVR_ROUTING_GRPC_ADDRESS": "127.0.0.1:0",
        "HOLDFAST_IVR_ROUTING_HTTP_ADDRESS": "127.0.0.1:0",
        "HOLDFAST_IVR_ROUTING_FEED": f"grpc://127.0.0.1:{facts_port}",
        "HOLDFAST_IVR_ROUTING_FEED_TOKEN_FILE": str(token_file),
        "HOLDFAST_IVR_ROUTING_LIMITS__DRAIN_WAIT": "0.5",
        "HOLDFAST_IVR_ROUTING_LOOKUP_HOSTS": '["127.0.0.1"]',
    }


FLOW = """
format: holdfast-flow/1
flow: welcome
language: en
start: choose
otherwise: sales
service_numbers: ["{number}"]
nodes:
  choose:
    type: menu
    say: Press 1 for sales.
    input: topic
    choices: {{"1": sales}}
    attempts: 2
    otherwise: sales
  sales:
    type: queue
    queue: {queue}
    say: Please wait.
"""


class Centre:
    """A queue of its own for each test, with its own number, flow and agents."""

    def __init__(self, doors: Doors, facts: Facts) -> None:
        self.doors = doors
        self.facts = facts
        self.name = secrets.token_hex(4)
        self.queue = f"sales-{self.name}"
        self.number = f"+49{int(self.name, 16)}"

    async def open(self, *names: str, **rules: Any) -> None:
        """Configure it, and sign agents in as available."""
        put = self.doors.administration
        queue = configuration_pb2.QueueRules(wrap_up=configuration_pb2.WRAP_UP_KIND_MANDATORY, **rules)
        await put.ConfigureQueue(administration.ConfigureQueueRequest(queue=self.queue, rules=queue))
        document = FLOW.format(number=self.number, queue=self.queue).replace("flow: welcome", f"flow: f-{self.name}")
        published = await put.PublishFlow(administration.PublishFlowRequest(document=document))
        assert not published.problems, published.problems
        for name in names:
            await self.hire(name)

    async def hire(self, name: str) -> None:
        """Configure an agent, and sign them in as available."""
        rules = configuration_pb2.AgentRules(queues=[self.queue])
        request = administration.ConfigureAgentRequest(agent=self.agent(name), rules=rules)
        await self.doors.administration.ConfigureAgent(request)
        await self.become(name, source_pb2.AGENT_STATE_AVAILABLE)

    def agent(self, name: str) -> str:
        """An agent's name of this test's own."""
        return f"{name}-{self.name}"

    async def become(self, name: str, state: "source_pb2.AgentState.ValueType") -> Any:
        """Ask for a state."""
        agent = self.agent(name)
        request = agents.SetAgentStateRequest(agent=agent, state=state, endpoint=f"SIP/{agent}")
        return await self.doors.agents.SetAgentState(request)

    async def state(self, name: str) -> int:
        """The state that a heartbeat answers."""
        return int((await self.doors.agents.Heartbeat(agents.HeartbeatRequest(agent=self.agent(name)))).state)

    async def call(self, **more: Any) -> phone.StartContactResponse:
        """A caller arrives."""
        told = {"native_id": secrets.token_hex(8), "node": "n1", "service_number": self.number} | more
        request = phone.StartContactRequest(source_id=SOURCE, **told)
        answer: phone.StartContactResponse = await self.doors.phone.StartContact(request)
        return answer

    async def press(self, asked: instruction_pb2.Instruction, digits: str) -> instruction_pb2.Instruction:
        """The caller types."""
        request = phone.ReportInputRequest(
            contact_id=asked.contact_id,
            input_id=secrets.token_hex(16),
            instruction_id=asked.instruction_id,
            node="choose",
            digits=digits,
        )
        answer: phone.ReportInputResponse = await self.doors.phone.ReportInput(request)
        return answer.instruction

    async def next_after(self, held: instruction_pb2.Instruction) -> instruction_pb2.Instruction:
        """The contact's next instruction, waited for."""
        request = phone.NextInstructionRequest(contact_id=held.contact_id, after_number=held.number)
        request.wait.FromSeconds(10)
        answer: phone.NextInstructionResponse = await self.doors.phone.NextInstruction(request, timeout=15)
        return answer.instruction

    async def acknowledge(
        self, held: instruction_pb2.Instruction, status: "instruction_pb2.InstructionStatus.ValueType", cause: str = ""
    ) -> None:
        """Say what became of an instruction."""
        request = phone.AcknowledgeInstructionRequest(
            contact_id=held.contact_id, instruction_id=held.instruction_id, status=status, cause=cause
        )
        await self.doors.phone.AcknowledgeInstruction(request)

    async def waiting(self) -> instruction_pb2.Instruction:
        """A caller who has gone through the flow; their instruction."""
        started = await self.call()
        return await self.press(started.instruction, "1")


def steps(actions: Any) -> list[str]:
    """The names of a plan's steps."""
    return [action.WhichOneof("action") for action in actions]
