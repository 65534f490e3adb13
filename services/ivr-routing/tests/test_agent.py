"""Agents: states, wishes, wrap-up, heartbeats. What is not their doing is never charged to them."""

from itertools import pairwise
from typing import Any

import pytest

from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.errors import AgentSignedOutAlready, StateNotAllowed, UnknownAgent
from ivr_routing.core.words import AgentState, ExpiryKind, WrapUpKind
from routing_testing import Centre, contact_id


def staffed(**rules: Any) -> Centre:
    """Return a centre with one available agent."""
    centre = Centre()
    centre.queue(**rules)
    centre.agent("ann")
    return centre


def talking(**rules: Any) -> Centre:
    """Return a centre whose agent talks to a caller."""
    centre = staffed(**rules)
    centre.call("a")
    centre.answer("a")
    return centre


def spells(centre: Centre, agent: str = "ann") -> list[AgentState]:
    return [event.state for event in centre.told(e.AgentSpellBegan) if event.agent == agent]


def test_an_agent_who_signs_in_is_not_ready_until_they_say_otherwise() -> None:
    centre = staffed()
    centre.tell(c.SignOut("ann"))
    centre.tell(c.SignIn("ann", ("sip:1",)))
    assert (centre.state("ann"), centre.core.agents["ann"].reason) == (AgentState.NOT_READY, "signed_in")


def test_wrap_up_is_none_or_timed_or_ends_by_the_agent_alone() -> None:
    for kind, after in (
        (WrapUpKind.NONE, AgentState.AVAILABLE),
        (WrapUpKind.TIMED, AgentState.AVAILABLE),
        (WrapUpKind.MANDATORY, AgentState.WRAP_UP),
    ):
        centre = talking(wrap_up=kind, wrap_up_ms=5_000)
        centre.hang_up("a")
        centre.wait(3_600)
        assert centre.state("ann") is after
        centre.tell(c.CompleteWrapUp("ann"))
        assert centre.state("ann") is AgentState.AVAILABLE
        assert centre.tell(c.CompleteWrapUp("ann")) == ()


def test_optional_wrap_up_is_asked_for_during_the_contact() -> None:
    centre = talking(wrap_up=WrapUpKind.OPTIONAL, wrap_up_ms=9_000)
    centre.tell(c.SetAgentState("ann", AgentState.WRAP_UP))
    centre.hang_up("a")
    assert centre.state("ann") is AgentState.WRAP_UP
    centre.wait(9)
    assert centre.state("ann") is AgentState.AVAILABLE
    centre.call("b")
    centre.answer("b")
    centre.hang_up("b")
    assert centre.state("ann") is AgentState.AVAILABLE
    with pytest.raises(StateNotAllowed):
        centre.tell(c.SetAgentState("ann", AgentState.WRAP_UP))


def test_a_break_wished_for_while_busy_begins_afterwards() -> None:
    centre = talking(wrap_up=WrapUpKind.TIMED, wrap_up_ms=5_000)
    centre.tell(c.SetAgentState("ann", AgentState.NOT_READY, "lunch"))
    assert centre.state("ann") is AgentState.ON_CONTACT
    centre.hang_up("a")
    centre.wait(5)
    assert (centre.state("ann"), centre.core.agents["ann"].reason) == (AgentState.NOT_READY, "lunch")


def test_a_break_wished_for_while_reserved_does_not_lose_the_caller() -> None:
    centre = staffed()
    centre.call("a")
    centre.tell(c.SetAgentState("ann", AgentState.NOT_READY, "lunch"))
    centre.answer("a")
    assert centre.state("ann") is AgentState.ON_CONTACT
    centre.hang_up("a")
    assert centre.state("ann") is AgentState.NOT_READY


def test_a_wish_can_be_taken_back() -> None:
    centre = talking()
    centre.tell(c.SetAgentState("ann", AgentState.NOT_READY, "lunch"))
    centre.tell(c.SetAgentState("ann", AgentState.AVAILABLE))
    centre.hang_up("a")
    assert centre.state("ann") is AgentState.AVAILABLE


def test_signing_out_waits_for_the_end_of_a_talk_but_not_for_a_ring() -> None:
    centre = talking()
    centre.tell(c.SignOut("ann"))
    assert centre.state("ann") is AgentState.ON_CONTACT
    centre.hang_up("a")
    assert centre.state("ann") is AgentState.OFFLINE
    centre.agent("ann")
    centre.agent("bob")
    centre.call("b")
    assert centre.held_by("b") == "ann"
    centre.tell(c.SignOut("ann"))
    assert (centre.state("ann"), centre.held_by("b")) == (AgentState.OFFLINE, "bob")


def test_signing_in_again_takes_the_wish_to_leave_back() -> None:
    centre = talking()
    centre.tell(c.SignOut("ann"))
    centre.tell(c.SignIn("ann", ("sip:ann",), AgentState.AVAILABLE))
    centre.hang_up("a")
    assert centre.state("ann") is AgentState.AVAILABLE


def test_who_lets_it_ring_less_than_the_limit_is_offered_the_next_contact() -> None:
    centre = staffed(rona_limit=2)
    for name in "ab":
        centre.call(name)
        assert centre.held_by(name) == "ann"
        centre.ring(name)
        centre.wait(20)
        centre.hang_up(name)
    assert [event.kind for event in centre.told(e.ReservationExpired)] == [ExpiryKind.RONA] * 2
    assert centre.state("ann") is AgentState.NOT_READY


def test_an_answer_makes_up_for_what_was_let_ring() -> None:
    centre = staffed(rona_limit=2)
    centre.call("a")
    centre.ring("a")
    centre.wait(20)
    centre.hang_up("a")
    centre.call("b")
    centre.answer("b")
    assert centre.core.agents["ann"].rona_count == 0


def test_a_lost_heartbeat_is_unreachable_and_comes_back_to_what_it_was() -> None:
    for state, reason in ((AgentState.AVAILABLE, ""), (AgentState.NOT_READY, "lunch")):
        centre = staffed()
        centre.tell(c.SetAgentState("ann", state, reason))
        centre.tell(c.LoseHeartbeat("ann"))
        assert centre.state("ann") is AgentState.UNREACHABLE
        centre.call("a")
        assert centre.held_by("a") == ""
        centre.tell(c.RegainHeartbeat("ann"))
        assert (centre.core.agents["ann"].reason, centre.held_by("a")) == (reason, "" if reason else "ann")


def test_a_heartbeat_lost_during_a_talk_does_not_end_it() -> None:
    centre = talking()
    centre.tell(c.LoseHeartbeat("ann"))
    assert centre.state("ann") is AgentState.ON_CONTACT
    centre.hang_up("a")
    assert centre.state("ann") is AgentState.UNREACHABLE
    centre.tell(c.SetAgentState("ann", AgentState.AVAILABLE))
    assert centre.state("ann") is AgentState.AVAILABLE


def test_a_party_that_leaves_does_not_end_the_callers_call() -> None:
    centre = talking()
    centre.tell(c.TalkEnded(contact_id("a"), "ann"))
    assert centre.state("ann") is AgentState.AVAILABLE
    assert contact_id("a") in centre.core.contacts
    centre.hang_up("a")
    assert [event.end for event in centre.told(e.ContactFinished)] == ["handled"]


def test_two_agents_may_share_a_caller_and_each_is_free_when_they_leave() -> None:
    centre = talking()
    centre.agent("bob")
    centre.tell(c.CallBridged(contact_id("a"), "bob"))
    assert centre.state("ann") is centre.state("bob") is AgentState.ON_CONTACT
    centre.tell(c.TalkEnded(contact_id("a"), "ann"))
    assert (centre.state("ann"), centre.state("bob")) == (AgentState.AVAILABLE, AgentState.ON_CONTACT)
    centre.hang_up("a")
    assert centre.state("bob") is AgentState.AVAILABLE


def test_a_call_taken_during_a_break_ends_in_the_break() -> None:
    centre = staffed()
    centre.tell(c.SetAgentState("ann", AgentState.NOT_READY, "lunch"))
    centre.call("a")
    centre.tell(c.CallBridged(contact_id("a"), "ann"))
    centre.hang_up("a")
    assert (centre.state("ann"), centre.core.agents["ann"].reason) == (AgentState.NOT_READY, "lunch")


def test_a_caller_served_by_somebody_unknown_waits_no_longer() -> None:
    centre = staffed()
    centre.call("a")
    centre.tell(c.CallBridged(contact_id("a"), "stranger"))
    assert centre.core.contacts[contact_id("a")].visit is None
    assert centre.state("ann") is AgentState.AVAILABLE


def test_the_default_route_beats_a_decision_made_meanwhile() -> None:
    centre = staffed()
    centre.call("a")
    centre.accept("a")
    centre.tell(c.DefaultRouteFollowed(contact_id("a")))
    assert centre.state("ann") is AgentState.AVAILABLE
    assert centre.core.contacts[contact_id("a")].visit is None
    assert centre.tell(c.DefaultRouteFollowed(contact_id("a"))) == ()


def test_unknown_and_absent_agents_are_refused() -> None:
    centre = staffed()
    with pytest.raises(UnknownAgent):
        centre.tell(c.SignIn("nobody"))
    centre.tell(c.SignOut("ann"))
    with pytest.raises(AgentSignedOutAlready):
        centre.tell(c.SetAgentState("ann", AgentState.AVAILABLE))
    with pytest.raises(StateNotAllowed):
        centre.tell(c.SetAgentState("ann", AgentState.ON_CONTACT))


def test_spells_follow_each_other_without_a_gap() -> None:
    centre = talking(wrap_up=WrapUpKind.TIMED, wrap_up_ms=1_000)
    centre.hang_up("a")
    centre.wait(1)
    assert spells(centre) == [
        AgentState.AVAILABLE,
        AgentState.RESERVED,
        AgentState.ON_CONTACT,
        AgentState.WRAP_UP,
        AgentState.AVAILABLE,
    ]
    begun = [(when, event) for when, event in centre.log if isinstance(event, e.AgentSpellBegan)]
    for (when, before), (_, after) in pairwise(begun):
        assert (after.previous_state, after.previous_since_us) == (before.state, when)
