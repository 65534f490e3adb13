"""A reservation's life: every end, who is charged for it, and what becomes of caller and agent."""

import pytest

from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.errors import ReservationOver
from ivr_routing.core.words import AgentState, ExpiryKind, RescindCause, WrapUpKind
from routing_testing import SECOND, Centre, contact_id


@pytest.fixture
def centre() -> Centre:
    """Give a centre with one queue and one available agent."""
    made = Centre()
    made.queue()
    made.agent("ann")
    return made


def test_a_waiting_contact_is_held_for_the_available_agent(centre: Centre) -> None:
    centre.call("a")
    assert centre.held_by("a") == "ann"
    assert centre.state("ann") is AgentState.RESERVED


def test_from_accept_to_bridge_to_wrap_up_to_available() -> None:
    centre = Centre()
    centre.queue(wrap_up=WrapUpKind.TIMED, wrap_up_ms=5_000)
    centre.agent("ann")
    centre.call("a")
    centre.answer("a")
    assert centre.state("ann") is AgentState.ON_CONTACT
    centre.hang_up("a")
    assert centre.state("ann") is AgentState.WRAP_UP
    centre.wait(5)
    assert centre.state("ann") is AgentState.AVAILABLE
    assert [event.end for event in centre.told(e.ContactFinished)] == ["handled"]


def test_ringing_long_enough_unanswered_is_rona_and_makes_the_agent_not_ready(centre: Centre) -> None:
    centre.call("a")
    centre.ring("a")
    centre.wait(20)
    (expired,) = centre.told(e.ReservationExpired)
    assert (expired.kind, expired.rang_ms) == (ExpiryKind.RONA, 20_000)
    assert (centre.state("ann"), centre.core.agents["ann"].reason) == (AgentState.NOT_READY, "rona")


def test_what_never_rang_is_charged_to_nobody_and_the_idle_time_goes_on(centre: Centre) -> None:
    idle_us = centre.core.agents["ann"].idle_since_us
    centre.call("a")
    centre.wait(20)
    (expired,) = centre.told(e.ReservationExpired)
    assert expired.kind is ExpiryKind.OFFER_FAILED
    assert (centre.state("ann"), centre.core.agents["ann"].idle_since_us) == (AgentState.AVAILABLE, idle_us)


def test_after_an_offer_that_failed_at_one_endpoint_the_agents_next_one_is_rung(centre: Centre) -> None:
    centre.tell(c.SignIn("ann", ("desk", "mobile")))
    rung = []
    for name in "abc":
        centre.call(name)
        rung.append(centre.core.reservations[centre.reservation(name)].endpoint)
        centre.tell(c.OfferFailed(contact_id(name), centre.reservation(name), "endpoint_unknown"))
        centre.hang_up(name)
    assert rung == ["desk", "mobile", "desk"]


def test_a_desktop_that_was_silent_says_nothing_about_the_endpoint(centre: Centre) -> None:
    centre.tell(c.SignIn("ann", ("desk", "mobile")))
    centre.call("a")
    centre.tell(c.LoseHeartbeat("ann"))
    centre.tell(c.RegainHeartbeat("ann"))
    assert centre.core.agents["ann"].endpoint == "desk"


def test_ringing_shorter_than_min_ring_is_no_rona(centre: Centre) -> None:
    centre.call("a")
    centre.wait(13)
    centre.ring("a")
    centre.wait(7)
    assert [expired.kind for expired in centre.told(e.ReservationExpired)] == [ExpiryKind.OFFER_FAILED]


def test_an_endpoint_that_fails_again_and_again_makes_its_agent_unreachable_never_not_ready(centre: Centre) -> None:
    for name in "abc":
        centre.call(name)
        centre.tell(c.OfferFailed(contact_id(name), centre.reservation(name), "no_route"))
    assert centre.state("ann") is AgentState.UNREACHABLE
    centre.tell(c.SetAgentState("ann", AgentState.AVAILABLE))
    centre.wait(30)
    assert centre.held_by("a") == "ann"


def test_a_rejected_contact_goes_to_another_agent_and_not_back_at_once(centre: Centre) -> None:
    centre.call("a")
    centre.tell(c.RejectReservation("ann", centre.reservation("a"), "busy"))
    assert centre.held_by("a") == ""
    assert centre.state("ann") is AgentState.AVAILABLE
    centre.wait(29)
    assert centre.held_by("a") == ""
    centre.wait(1)
    assert centre.held_by("a") == "ann"


def test_who_rejected_comes_after_everybody_who_was_idle_meanwhile(centre: Centre) -> None:
    centre.wait(5)
    centre.agent("bob")
    centre.wait(5)
    centre.call("a")
    centre.tell(c.RejectReservation("ann", centre.reservation("a")))
    centre.hang_up("a")
    centre.wait(5)
    centre.call("b")
    assert centre.held_by("b") == "bob"


def test_another_contact_may_be_offered_to_who_rejected_the_first(centre: Centre) -> None:
    centre.call("a")
    centre.tell(c.RejectReservation("ann", centre.reservation("a")))
    centre.call("b")
    assert (centre.held_by("a"), centre.held_by("b")) == ("", "ann")


def test_a_caller_who_leaves_while_it_rings_rescinds_and_nobody_is_charged(centre: Centre) -> None:
    centre.call("a")
    centre.ring("a")
    centre.wait(15)
    centre.hang_up("a")
    (rescinded,) = centre.told(e.ReservationRescinded)
    assert rescinded.cause is RescindCause.CALLER_GONE
    assert centre.state("ann") is AgentState.AVAILABLE
    assert [event.end for event in centre.told(e.ContactFinished)] == ["abandoned_ringing"]


def test_between_accepted_and_bridged_the_caller_can_vanish(centre: Centre) -> None:
    centre.call("a")
    centre.accept("a")
    centre.hang_up("a")
    assert len(centre.told(e.ReservationRescinded)) == 1
    assert centre.state("ann") is AgentState.AVAILABLE


def test_accepted_and_never_bridged_fails_and_the_caller_waits_before_others() -> None:
    centre = Centre()
    centre.queue(return_priority=3)
    centre.agent("ann")
    centre.call("a")
    centre.accept("a")
    happened = centre.wait(10)
    assert any(isinstance(event, e.ReservationBridgeFailed) for event in happened)
    visit = centre.core.contacts[contact_id("a")].visit
    assert visit is not None
    assert visit.priority == 3


def test_accepting_at_the_deadline_is_too_late(centre: Centre) -> None:
    centre.call("a")
    reservation = centre.reservation("a")
    centre.now_us += 20 * SECOND
    with pytest.raises(ReservationOver):
        centre.tell(c.AcceptReservation("ann", reservation))


def test_accepting_twice_is_accepting_once(centre: Centre) -> None:
    centre.call("a")
    reservation = centre.reservation("a")
    assert centre.tell(c.AcceptReservation("ann", reservation))
    assert centre.tell(c.AcceptReservation("ann", reservation)) == ()
    centre.bridge("a")
    assert centre.tell(c.AcceptReservation("ann", reservation)) == ()


def test_nobody_accepts_for_another_agent(centre: Centre) -> None:
    centre.agent("bob")
    centre.call("a")
    with pytest.raises(ReservationOver):
        centre.tell(c.AcceptReservation("bob", centre.reservation("a")))


def test_what_the_phone_system_bridged_is_so_though_the_reservation_had_expired(centre: Centre) -> None:
    centre.call("a")
    reservation = centre.reservation("a")
    centre.wait(20)
    centre.call("b")
    assert centre.held_by("b") == "ann"
    centre.tell(c.CallBridged(contact_id("a"), "ann", reservation, centre.now_us))
    assert centre.state("ann") is AgentState.ON_CONTACT
    assert centre.core.agents["ann"].contact_id == contact_id("a")
    assert [event.cause for event in centre.told(e.ReservationCancelled)] == ["agent_busy"]
    assert centre.held_by("b") == ""


def test_the_end_of_a_talk_told_before_its_beginning_counts_once(centre: Centre) -> None:
    centre.call("a")
    reservation = centre.reservation("a")
    centre.tell(c.TalkEnded(contact_id("a"), "ann", reservation))
    assert centre.state("ann") is AgentState.AVAILABLE
    assert centre.tell(c.CallBridged(contact_id("a"), "ann", reservation)) == ()
    assert len(centre.told(e.ReservationBridged)) == 1


def test_ring_all_holds_the_contact_for_several_and_the_first_has_it() -> None:
    centre = Centre()
    centre.queue(ring_all_limit=2)
    for name in ("ann", "bob", "cid"):
        centre.agent(name)
    centre.call("a")
    held = centre.core.contacts[contact_id("a")].reservations
    assert [centre.core.reservations[each].agent for each in held] == ["ann", "bob"]
    centre.tell(c.AcceptReservation("bob", held[1]))
    assert [event.agent for event in centre.told(e.ReservationRescinded)] == ["ann"]
    assert centre.state("ann") is AgentState.AVAILABLE


def test_losing_the_heartbeat_while_reserved_is_not_charged_and_the_caller_goes_on(centre: Centre) -> None:
    centre.agent("bob")
    centre.call("a")
    centre.ring("a")
    centre.wait(10)
    centre.tell(c.LoseHeartbeat("ann"))
    (expired,) = centre.told(e.ReservationExpired)
    assert expired.kind is ExpiryKind.OFFER_FAILED
    assert (centre.state("ann"), centre.held_by("a")) == (AgentState.UNREACHABLE, "bob")
    centre.tell(c.RegainHeartbeat("ann"))
    assert centre.state("ann") is AgentState.AVAILABLE
