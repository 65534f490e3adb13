"""What a decision costs is counted in calls, not in time: it must not grow with agents or with who waits."""

import sys
from types import FrameType
from typing import Any

from ivr_routing.core import commands as c
from ivr_routing.core.rules import QueueStep, SkillRequirement
from ivr_routing.core.words import WrapUpKind
from routing_testing import Centre, contact_id

CONTACTS = 200
MOST = 1.3
"""Times that a decision may cost more with a hundred times as many; a heap's log n stands in here too."""


def centre_of(agents: int, waiting: int = 0) -> Centre:
    """Return a centre of queues with twenty agents each; a crowd waits in one that nobody serves."""
    centre = Centre()
    queues = max(5, agents // 20)
    for number in range(queues):
        steps = (QueueStep(0, (SkillRequirement("first", 2),)), QueueStep(20_000))
        centre.queue(f"q{number}", steps=steps, ageing_ms=10_000, wrap_up=WrapUpKind.TIMED, wrap_up_ms=1_000)
    centre.queue("crowd")
    for number in range(agents):
        serves = [f"q{(number + step) % queues}" for step in range(3)]
        centre.agent(f"agent-{number}", *serves, skills=[("first", 2 + number % 4)])
    for number in range(waiting):
        centre.call(f"waiting-{number}", "crowd", priority=number % 3)
    return centre


def calls_of(centre: Centre) -> float:
    """Return how many functions are called for each contact that comes, is served and goes."""
    counted = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        for number in range(CONTACTS):
            serve(centre, f"counted-{number}", f"q{number % 5}")
    finally:
        sys.setprofile(None)
    return counted / CONTACTS


def serve(centre: Centre, name: str, queue: str) -> None:
    centre.call(name, queue)
    centre.ring(name)
    centre.answer(name)
    centre.hang_up(name)
    centre.wait(0.5)


def test_ten_thousand_agents_cost_as_much_as_a_hundred() -> None:
    assert calls_of(centre_of(10_000)) <= MOST * calls_of(centre_of(100))


def test_five_thousand_waiting_cost_as_much_as_none() -> None:
    assert calls_of(centre_of(100, waiting=5_000)) <= MOST * calls_of(centre_of(100))


def test_the_last_of_many_is_told_its_place_without_counting_everybody() -> None:
    def cost(waiting: int) -> float:
        centre = centre_of(100, waiting)
        counted = 0

        def count(_frame: FrameType, event: str, _argument: Any) -> None:
            nonlocal counted
            counted += event in ("call", "c_call")

        sys.setprofile(count)
        try:
            (made,) = centre.tell(c.TellEstimate(contact_id("waiting-0")))
        finally:
            sys.setprofile(None)
        assert made is not None
        return counted

    assert cost(4_000) <= MOST * 2 * cost(40)
