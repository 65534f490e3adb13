"""Where the events of a simulated centre go: lines of JSON, or a running system. Memory holds what is under way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactEvent
from holdfast.ivr_routing.v1.events_pb2 import RoutingEvent
from holdfast_cli.importing.resuming import Mark
from holdfast_cli.importing.sending import Sending, send
from holdfast_cli.importing.telling import ImportSummary, Telling
from holdfast_cli.simulating.facts import PhoneSystem
from ivr_routing import event_codec
from ivr_routing.core.events import Event
from ivr_routing.simulation.run import SOURCE
from ivr_routing.simulation.scenario import Scenario
from ivr_routing.simulation.simulate import Simulation

if TYPE_CHECKING:  # the name exists in the types alone
    from typing import TextIO

    from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceAsyncStub

_OURS = UUID("6e1a0f1e-6f0a-5d0b-9a83-9d7c8c1f7a21")
_BODIES = {field.message_type.name: field.name for field in RoutingEvent.DESCRIPTOR.oneofs_by_name["body"].fields}  # type: ignore[union-attr]  # bodies are messages


class Writer:
    """Writes what is decided and what is told of it as lines of JSON, in their order."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._phone_system = PhoneSystem()
        self._numbers = count(1)

    def __call__(self, now_us: int, events: tuple[Event, ...]) -> None:
        """See decisions made at an instant."""
        for event in events:
            self._write("routing_event", self._routing_event(now_us, event))
        for fact in self._phone_system.facts(now_us, events):
            self._write("contact_event" if isinstance(fact, ContactEvent) else "agent_event", fact)

    def _routing_event(self, now_us: int, event: Event) -> RoutingEvent:
        body: Any = {_BODIES[type(event).__name__]: event_codec.message_of(event)}
        seconds, micros = divmod(now_us, 1_000_000)
        event_time = Timestamp(seconds=seconds, nanos=micros * 1_000)
        event_id = str(uuid5(_OURS, f"{SOURCE} {now_us} {next(self._numbers)}"))
        return RoutingEvent(event_id=event_id, event_time=event_time, **body)

    def _write(self, name: str, message: Message) -> None:
        told = MessageToDict(message, preserving_proto_field_name=True)
        self._file.write(json.dumps({name: told}, ensure_ascii=False, separators=(",", ":")) + "\n")


async def tell(simulation: SimulationTold, stub: CallEventsServiceAsyncStub, sending: Sending) -> ImportSummary:
    """Simulate and tell a running call-events what happens; raise ImportFailed. Told again it adds nothing."""
    summary = ImportSummary()
    await send(simulation.tellings, stub, summary, sending, Mark(None, Path(), ""))
    return summary


class SimulationTold:
    """A simulation whose facts are told as they come."""

    def __init__(self, scenario: Scenario, tenant: str) -> None:
        self._phone_system = PhoneSystem()
        self._fresh: list[ContactEvent | AgentEvent] = []
        self._simulation = Simulation(scenario, tenant=tenant, witness=self._see)

    def figures(self) -> dict[str, Any]:
        """Return the simulator's own count."""
        return self._simulation.figures()

    def tellings(self) -> Iterator[Telling]:
        """Simulate, and give what is told; once."""
        for share in self._simulation.steps():
            told, self._fresh = self._fresh, []
            for fact in told:
                if isinstance(fact, ContactEvent):
                    yield Telling((fact,), contact=fact.HasField("contact_arrived"), read=share)
                else:
                    yield Telling(agent_events=(fact,), read=share)

    def _see(self, now_us: int, events: tuple[Event, ...]) -> None:
        self._fresh.extend(self._phone_system.facts(now_us, events))
