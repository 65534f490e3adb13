"""Explanations: recomputed from the log they find what was decided, and say of everybody else why not."""

import random

import pytest

from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core import snapshot
from ivr_routing.core.errors import UnknownContact
from ivr_routing.core.explain import explain
from ivr_routing.core.rules import AgentRules, QueueStep, SkillRequirement
from ivr_routing.core.state import Core
from ivr_routing.core.words import AgentState, MatchingStrategy
from routing_chance import HAPPENINGS, AnyCentre
from routing_testing import TENANT, Centre, contact_id, replayed


def test_everybody_who_was_considered_stands_with_the_reason() -> None:
    centre = Centre()
    centre.queue(steps=(QueueStep(0, (SkillRequirement("french", 3),)),))
    centre.agent("ann", skills=[("french", 3)])
    centre.wait(10)
    centre.agent("bob", skills=[("french", 5)])
    centre.agent("cid", skills=[("french", 2)])
    centre.agent("dan", skills=[("french", 4)])
    centre.tell(c.SetAgentState("dan", AgentState.NOT_READY, "break"))
    centre.tell(c.ConfigureAgent("eve", AgentRules(("main",), (SkillRequirement("french", 5),))))
    centre.call("a")
    found = explain(Core(TENANT), centre.log, contact_id("a"))
    assert (found.decision, found.chosen, found.next, found.step) == ("reserved", "ann", "bob", 1)
    assert [(each.agent, each.passed_over, each.rank) for each in found.candidates] == [
        ("ann", "", 1),
        ("bob", "IDLE_SHORTER", 2),
        ("cid", "SKILL_MISSING", 0),
        ("dan", "NOT_AVAILABLE", 0),
        ("eve", "NOT_AVAILABLE", 0),
    ]
    assert found.candidates[0].detail == "idle for 10.000 s"
    assert found.candidates[2].detail == "french: has 2, needs 3"
    assert "strategy longest_idle_since_available" in found.rules


def test_who_waits_is_told_why_nobody_comes() -> None:
    centre = Centre()
    centre.queue()
    centre.agent("ann")
    centre.call("a")
    centre.tell(c.RejectReservation("ann", centre.reservation("a")))
    found = explain(Core(TENANT), centre.log, contact_id("a"))
    assert found.decision == "waits"
    assert [(each.agent, each.passed_over) for each in found.candidates] == [("ann", "EXCLUDED")]
    assert found.candidates[0].detail == "did not take it; offered again in 30.000 s"


def test_a_customer_who_was_not_reached_is_told_to_wait_for_the_next_attempt() -> None:
    centre = Centre()
    centre.queue(callback_pause_ms=60_000)
    centre.agent("ann")
    centre.call("a")
    centre.tell(c.KeepPlace(contact_id("a"), contact_id("callback")))
    centre.hang_up("a")
    centre.wait(5)
    centre.accept("a")
    centre.tell(c.BridgeFailed(contact_id("a"), centre.reservation("a"), "customer_no_answer"))
    centre.wait(40)  # by now the agent herself is no reason any more
    (ann,) = explain(Core(TENANT), centre.log, contact_id("a"), centre.now_us).candidates
    assert (ann.passed_over, ann.detail) == (
        "EXCLUDED",
        "the customer was not reached; called again in 20.000 s",
    )


def test_an_instant_asks_for_the_decision_in_force_then() -> None:
    centre = Centre()
    centre.queue()
    centre.call("a")
    before_us = centre.now_us
    centre.wait(5)
    centre.agent("ann")
    assert explain(Core(TENANT), centre.log, contact_id("a"), before_us).decision == "waits"
    assert explain(Core(TENANT), centre.log, contact_id("a")).decision == "reserved"
    with pytest.raises(UnknownContact):
        explain(Core(TENANT), centre.log, contact_id("b"))


def test_who_left_is_told_by_which_rule() -> None:
    centre = Centre()
    centre.queue(max_wait_ms=5_000)
    centre.call("a")
    centre.wait(5)
    found = explain(Core(TENANT), centre.log, contact_id("a"))
    assert (found.decision, found.rules) == ("left", ("left as timeout, then flow",))


def test_the_most_skilled_are_ranked_by_skill() -> None:
    centre = Centre()
    centre.queue(strategy=MatchingStrategy.MOST_SKILLED)
    centre.agent("ann", skills=[("french", 3)])
    centre.agent("bob", skills=[("french", 5)])
    centre.call("a", skills=(SkillRequirement("french", 1),))
    found = explain(Core(TENANT), centre.log, contact_id("a"))
    assert (found.chosen, found.next) == ("bob", "ann")
    assert found.candidates[1].passed_over == "LESS_SKILLED"


def test_looking_at_everybody_finds_whom_the_indexes_found(chance: random.Random) -> None:
    for _ in range(25):
        centre = AnyCentre()
        for _ in range(60):
            centre.happen((chance.randrange(len(HAPPENINGS)), chance.randrange(20), chance.randrange(20)))
        kept = snapshot.dump(replayed(centre.log[: len(centre.log) // 2]))
        for place, (when, event) in enumerate(centre.log):
            if not isinstance(event, e.ReservationCreated):
                continue
            until = centre.log[: place + 1]
            found = explain(Core(TENANT), until, event.contact_id, when)
            assert (found.decision, found.chosen, found.decided_by) == ("reserved", event.agent, place)
            assert found.candidates[0].agent == event.agent
            if place >= len(centre.log) // 2:
                tail = until[len(centre.log) // 2 :]
                again = explain(snapshot.load(TENANT, kept), tail, event.contact_id, when)
                assert again.candidates == found.candidates
