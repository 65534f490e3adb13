"""The simulated phone system: an endpoint has one call at a time, as a telephone has."""

import random
from collections.abc import AsyncIterator

import grpc
import pytest

from holdfast.ivr_routing.v1 import instruction_pb2 as pb
from holdfast_connectors.line import StepFailed
from holdfast_connectors.simulated.agent import Agent
from holdfast_connectors.simulated.line import SimulatedLine, World
from holdfast_connectors.simulated.scenario import Scenario
from holdfast_connectors.teller import Teller

NOBODY: str = "127.0.0.1:9"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A simulated phone system's insides, with one agent who picks up at once; nobody hears what it tells."""
    scenario, chance = Scenario(answer_seconds=0.01, ignore_share=0), random.Random(1)  # noqa: S311  # repeatable
    async with grpc.aio.insecure_channel(NOBODY) as channel:
        agents = {"ann": Agent("ann", channel, scenario, chance)}
        yield World(scenario, Teller(channel, "simulated"), agents, lambda: 1_700_000_000_000_000)


def line(world: World, name: str) -> SimulatedLine:
    return SimulatedLine(world, name, random.Random(2))  # noqa: S311  # as above


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
