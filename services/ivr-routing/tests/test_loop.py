"""The loop as phone systems and desktops see it: one real process, its public doors, facts by its real feed."""

from typing import Any

import pytest

from holdfast.call_events.v1 import leg_pb2, source_pb2, talk_pb2
from holdfast.ivr_routing.v1 import agent_service_pb2 as agents
from holdfast_testing import eventually
from routing_service import Centre, steps

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_call_goes_from_arrival_through_flow_queue_and_reservation_to_the_end_of_wrap_up(
    centre: Centre,
) -> None:
    await centre.open("ann")
    watch = centre.doors.agents.WatchReservations(agents.WatchReservationsRequest(agent=centre.agent("ann")))
    started = await centre.call(caller_ref="0b0e7b2e-3f3a-4d8e-9d55-0d9a3f0f6a11", language="en")
    assert steps(started.instruction.do) == ["collect"]

    ring = await centre.press(started.instruction, "1")

    assert (steps(ring.do), steps(ring.then), steps(ring.otherwise)) == (
        ["play", "queue_music", "ring"],
        ["bridge"],
        ["queue_music"],
    )
    offered = (await _news(watch)).offered
    assert offered.contact_id == started.contact_id
    assert dict(offered.context.attributes)["topic"] == "1"
    assert list(offered.context.path) == ["choose", "sales"]
    accept = agents.AcceptReservationRequest(reservation_id=offered.reservation_id, agent=centre.agent("ann"))
    await centre.doors.agents.AcceptReservation(accept)
    bridged = talk_pb2.Bridged(
        leg_id="c", peer_leg_id="a", agent=centre.agent("ann"), reservation_id=offered.reservation_id
    )
    await centre.facts.tell(started.contact_id, bridged)
    await eventually(lambda: _is(centre, "ann", source_pb2.AGENT_STATE_ON_CONTACT))
    ended = leg_pb2.LegEnded(leg_id="c", role=leg_pb2.LEG_ROLE_CALLER)
    await centre.facts.tell(started.contact_id, ended, ended)
    await eventually(lambda: _is(centre, "ann", source_pb2.AGENT_STATE_WRAP_UP))
    done = await centre.doors.agents.CompleteWrapUp(agents.CompleteWrapUpRequest(agent=centre.agent("ann")))
    assert done.state == source_pb2.AGENT_STATE_AVAILABLE
    watch.cancel()


async def _is(centre: Centre, name: str, state: int) -> bool:
    return await centre.state(name) == state


async def _news(watch: Any) -> Any:
    """The next of a watch that is more than a sign of life."""
    while True:
        news = await watch.read()
        if news.WhichOneof("news"):
            return news
