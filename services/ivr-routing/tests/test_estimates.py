"""What somebody is told who is about to join a queue: a wait and a place, found without looking at anybody."""

import sys
from datetime import timedelta
from types import FrameType
from typing import Any

from ivr_routing.core import commands as c
from ivr_routing.core.words import AgentState
from ivr_routing.loop.estimates import estimated_waits, queue_positions
from routing_testing import Centre

MINUTE_MS = 60_000
MOST = 1.3


def busy_centre(agents: int) -> Centre:
    """A centre in which nobody waits and nobody is available."""
    centre = Centre()
    centre.queue(expected_handle_ms=agents * MINUTE_MS)
    for number in range(agents):
        centre.agent(f"agent-{number}")
        centre.tell(c.SetAgentState(f"agent-{number}", AgentState.NOT_READY, "break"))
    return centre


def test_who_finds_an_agent_available_does_not_wait() -> None:
    centre = busy_centre(3)
    assert estimated_waits(centre.core, ["main", "unknown"]) == {"main": timedelta(minutes=1)}
    centre.tell(c.SetAgentState("agent-1", AgentState.AVAILABLE))
    assert estimated_waits(centre.core, ["main"]) == {"main": timedelta(0)}


def test_who_joins_is_placed_behind_all_who_wait() -> None:
    centre = busy_centre(1)
    for name in ("one", "two"):
        centre.call(name)
    assert queue_positions(centre.core, ["main", "unknown"]) == {"main": 3}
    assert estimated_waits(centre.core, ["main"]) == {"main": timedelta(minutes=3)}


def test_ten_thousand_busy_agents_are_estimated_as_fast_as_a_hundred() -> None:
    assert cost(busy_centre(10_000)) <= MOST * cost(busy_centre(100))


def cost(centre: Centre) -> int:
    """How many functions are called for an estimate, once the queue has its index."""
    estimated_waits(centre.core, ["main"])
    counted = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        estimated_waits(centre.core, ["main"])
    finally:
        sys.setprofile(None)
    return counted
