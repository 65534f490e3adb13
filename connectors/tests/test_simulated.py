"""The simulated phone system: an endpoint has one call at a time, as a telephone has."""

import random
from collections.abc import AsyncIterator

import grpc
import pytest

from holdfast.call_events.v1.contact_event_pb2 import ContactEvent
from holdfast.ivr_routing.v1 import instruction_pb2 as pb
from holdfast_connectors.line import StepFailed
from holdfast_connectors.simulated.agent import Agent
from holdfast_connectors.simulated.line import SimulatedLine, World
from holdfast_connectors.simulated.scenario import Scenario
from holdfast_connectors.teller import Teller

NOBODY: str = "127.0.0.1:9"


class Told(Teller):
    """Keeps what is told."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        super().__init__(channel, "simulated")
        self.events: list[ContactEvent] = []

    def tell(self, event: ContactEvent) -> None:
        self.events.append(event)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A simulated phone system's insides, with one agent who picks up at once; nobody hears what it tells."""
    scenario, chance = Scenario(answer_seconds=0.01, ignore_share=0), random.Random(1)  # noqa: S311  # repeatable
    async with grpc.aio.insecure_channel(NOBODY) as channel:
        agents = {"ann": Agent("ann", channel, scenario, chance)}
        yield World(scenario, Told(channel), agents, lambda: 1_700_000_000_000_000)


def line(world: World, name: str) -> SimulatedLine:
    return SimulatedLine(world, name, random.Random(2))  # noqa: S311  # as above


async def test_facts_of_a_ring_carry_the_instruction_that_asked_for_it(world: World) -> None:
    caller = line(world, "one")
    caller.led_by("i1")
    rung = await caller.ring((ring("r1"),))
    caller.led_by("i2")
    await caller.bridge(pb.Bridge(), rung)
    assert caller.talk is not None
    caller.talk.cancel()
    assert isinstance(world.teller, Told)
    bodies = {str(event.WhichOneof("body")): event for event in world.teller.events}
    assert {kind: getattr(event, kind).instruction_id for kind, event in bodies.items()} == {
        "leg_created": "i1",
        "leg_ringing": "i1",
        "leg_answered": "i1",
        "bridged": "i1",
    }


def ring(reservation_id: str) -> pb.Ring:
    return pb.Ring(agent="ann", endpoint="SIM/ann", reservation_id=reservation_id)


async def test_an_agent_who_has_a_call_is_busy_for_another_until_it_is_over(world: World) -> None:
    first, second = line(world, "one"), line(world, "two")
    assert (await first.ring((ring("r1"),))).answered
    with pytest.raises(StepFailed, match="busy"):
        await second.ring((ring("r2"),))
    await first.hang_up(pb.HangUp())  # the caller goes before the two were bridged
    assert (await second.ring((ring("r3"),))).answered
    await second.hang_up(pb.HangUp())
