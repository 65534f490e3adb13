"""Queues: who comes first, whom they may be given, and how a visit ends by rule."""

import pytest

from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from ivr_routing.core.errors import NotWaiting, RulesInvalid, UnknownQueue, VersionConflict
from ivr_routing.core.rules import AgentRules, QueueExit, QueueRules, QueueStep, SkillRequirement
from ivr_routing.core.words import AgentState, DequeueKind, MatchingStrategy
from routing_testing import Centre, contact_id

FRENCH = (SkillRequirement("french", 4),)


def step_of(centre: Centre, name: str) -> int:
    visit = centre.core.contacts[contact_id(name)].visit
    return visit.step if visit is not None else 0


def free(centre: Centre, agent: str) -> None:
    """Let an agent come back from a break: they look for a contact."""
    centre.tell(c.SetAgentState(agent, AgentState.AVAILABLE))


def test_who_came_first_is_served_first() -> None:
    centre = Centre()
    centre.queue()
    for name in "abc":
        centre.call(name)
        centre.wait(1)
    centre.agent("ann")
    assert centre.held_by("a") == "ann"


def test_higher_priority_comes_before_longer_waiting() -> None:
    centre = Centre()
    centre.queue()
    centre.call("a")
    centre.wait(100)
    centre.call("b", priority=1)
    centre.agent("ann")
    assert centre.held_by("b") == "ann"


@pytest.mark.parametrize(("waited", "first"), [(15, "b"), (25, "a")])
def test_with_ageing_waiting_makes_up_for_priority(waited: int, first: str) -> None:
    centre = Centre()
    centre.queue(ageing_ms=10_000)
    centre.call("a")
    centre.wait(waited)
    centre.call("b", priority=2)
    centre.agent("ann")
    assert centre.held_by(first) == "ann"


def test_an_agent_of_two_queues_takes_the_more_urgent_contact_of_both() -> None:
    centre = Centre()
    centre.queue("one")
    centre.queue("two")
    centre.call("a", "one")
    centre.wait(1)
    centre.call("b", "two", priority=1)
    centre.agent("ann", "one", "two")
    assert centre.held_by("b") == "ann"


@pytest.mark.parametrize(("waited", "first"), [(15, "b"), (25, "a")])
def test_ageing_counts_between_queues_as_well(waited: int, first: str) -> None:
    centre = Centre()
    centre.queue("one", ageing_ms=10_000)
    centre.queue("two", ageing_ms=10_000)
    centre.call("a", "one")
    centre.wait(waited)
    centre.call("b", "two", priority=2)
    centre.agent("ann", "one", "two")
    assert centre.held_by(first) == "ann"


def test_who_is_rung_for_while_the_queue_is_retired_goes_when_nobody_answers() -> None:
    centre = Centre()
    centre.queue(on_closed=QueueExit(then="voicemail"))
    centre.agent("ann")
    centre.call("a")
    centre.tell(c.RetireQueue("main"))
    assert centre.told(e.QueueVisitClosed) == []
    centre.wait(20)
    assert [left.then for left in centre.told(e.QueueVisitClosed)] == ["voicemail"]


def test_a_priority_that_is_raised_counts_at_once() -> None:
    centre = Centre()
    centre.queue()
    centre.call("a")
    centre.call("b")
    centre.tell(c.SetPriority(contact_id("b"), 5))
    centre.agent("ann")
    assert centre.held_by("b") == "ann"


@pytest.mark.parametrize(
    ("strategy", "chosen"),
    [
        (MatchingStrategy.LONGEST_IDLE_SINCE_AVAILABLE, "bob"),
        (MatchingStrategy.LONGEST_IDLE_SINCE_CONTACT, "ann"),
    ],
)
def test_longest_idle_says_which_idle(strategy: MatchingStrategy, chosen: str) -> None:
    centre = Centre()
    centre.queue(strategy=strategy)
    centre.agent("ann")
    centre.agent("bob")
    for name in "ab":  # ann, then bob
        centre.call(name)
        centre.answer(name)
        centre.wait(10)
        centre.hang_up(name)
    centre.tell(c.SetAgentState("ann", AgentState.NOT_READY, "break"))
    centre.wait(10)
    free(centre, "ann")
    centre.call("c")
    assert centre.held_by("c") == chosen


def test_most_skilled_takes_the_best_and_among_equals_the_longest_idle() -> None:
    centre = Centre()
    centre.queue(strategy=MatchingStrategy.MOST_SKILLED)
    centre.agent("ann", skills=[("french", 4)])
    centre.agent("bob", skills=[("french", 5)])
    centre.agent("cid", skills=[("french", 5)])
    centre.call("a", skills=FRENCH)
    centre.call("b", skills=FRENCH)
    centre.call("c", skills=FRENCH)
    assert [centre.held_by(name) for name in "abc"] == ["bob", "cid", "ann"]


def test_requirements_relax_step_by_step() -> None:
    centre = Centre()
    centre.queue(steps=(QueueStep(0), QueueStep(10_000, lowered_by=2), QueueStep(20_000, lowered_by=4)))
    centre.agent("able", skills=[("french", 4)])
    centre.tell(c.SetAgentState("able", AgentState.NOT_READY))
    centre.agent("fair", skills=[("french", 2)])
    centre.agent("none")
    centre.tell(c.SetAgentState("fair", AgentState.NOT_READY))
    centre.call("a", skills=FRENCH)
    assert centre.held_by("a") == ""
    centre.wait(10)
    free(centre, "fair")
    assert (step_of(centre, "a"), centre.held_by("a")) == (2, "fair")
    centre.answer("a")
    centre.call("b", skills=FRENCH)
    centre.wait(20)
    assert centre.held_by("b") == "none"


def test_groups_widen() -> None:
    centre = Centre()
    centre.queue(steps=(QueueStep(0, groups=("inner",)), QueueStep(30_000, groups=("inner", "outer"))))
    centre.agent("inside", groups=["inner"])
    centre.tell(c.SetAgentState("inside", AgentState.NOT_READY))
    centre.agent("outside", groups=["outer"])
    centre.call("a")
    centre.wait(29)
    assert centre.held_by("a") == ""
    centre.wait(1)
    assert centre.held_by("a") == "outside"


def test_the_preferred_agent_is_waited_for_a_while_and_not_at_all_when_away() -> None:
    centre = Centre()
    centre.queue(steps=(QueueStep(0, preferred_agent_only=True), QueueStep(15_000)))
    centre.agent("ann")
    centre.agent("bob")
    centre.tell(c.SetAgentState("bob", AgentState.NOT_READY))
    centre.call("a", preferred_agent="bob")
    centre.wait(14)
    assert centre.held_by("a") == ""
    centre.wait(1)
    assert centre.held_by("a") == "ann"
    centre.tell(c.SignOut("bob"))
    centre.call("b", preferred_agent="bob")
    assert [event.cause for event in centre.told(e.QueueVisitStepAdvanced)] == ["waited", "unstaffed"]


@pytest.mark.parametrize("leaves", [c.SignOut("bob"), c.LoseHeartbeat("bob"), c.ConfigureAgent("bob", AgentRules())])
def test_a_caller_waits_no_longer_for_the_preferred_agent_who_leaves_meanwhile(leaves: c.Command) -> None:
    centre = Centre()
    centre.queue(steps=(QueueStep(0, preferred_agent_only=True), QueueStep(60_000)))
    centre.agent("ann")
    centre.agent("bob")
    centre.tell(c.SetAgentState("bob", AgentState.NOT_READY))
    centre.call("a", preferred_agent="bob")
    centre.wait(5)
    assert centre.held_by("a") == ""
    centre.tell(leaves)
    assert centre.held_by("a") == "ann"


def test_a_step_that_nobody_fits_is_passed_when_it_begins() -> None:
    centre = Centre()
    steps = (QueueStep(0, groups=("first",)), QueueStep(10_000, groups=("nobody",)), QueueStep(60_000))
    centre.queue(steps=steps)
    centre.agent("ann", groups=["first"])
    centre.tell(c.SetAgentState("ann", AgentState.NOT_READY))
    centre.agent("bob")
    centre.call("a")
    assert centre.held_by("a") == ""
    centre.wait(10)
    assert centre.held_by("a") == "bob"


def test_the_preferred_agent_who_said_no_is_passed_over_for_others() -> None:
    centre = Centre()
    centre.queue()
    centre.agent("ann")
    centre.agent("bob")
    centre.call("a", preferred_agent="bob")
    centre.tell(c.RejectReservation("bob", centre.reservation("a")))
    assert centre.held_by("a") == "ann"


def test_the_preferred_agent_comes_before_who_has_been_idle_longer() -> None:
    centre = Centre()
    centre.queue()
    centre.agent("ann")
    centre.wait(10)
    centre.agent("bob")
    centre.call("a", preferred_agent="bob")
    assert centre.held_by("a") == "bob"


def test_a_full_queue_lets_go_to_another_and_the_time_waited_goes_along() -> None:
    centre = Centre()
    centre.queue("second")
    centre.queue(max_size=1, on_full=QueueExit("second"))
    centre.queue("first", max_wait_ms=7_000, on_max_wait=QueueExit("main"))
    came_us = centre.now_us
    centre.call("a", "first")
    centre.call("b", "first")
    centre.wait(7)
    _, _, left = centre.told(e.QueueVisitClosed)
    assert (left.kind, left.to_queue) == (DequeueKind.OVERFLOW, "second")
    visit = centre.core.contacts[contact_id("b")].visit
    assert visit is not None
    assert (visit.queue, visit.waiting_since_us) == ("second", came_us)


def test_the_longest_wait_ends_a_visit_but_not_while_it_rings() -> None:
    centre = Centre()
    centre.queue(max_wait_ms=30_000, on_max_wait=QueueExit(then="voicemail"))
    centre.call("a")
    centre.wait(20)
    centre.agent("ann")
    centre.wait(10)
    assert centre.held_by("a") == "ann"
    assert centre.told(e.QueueVisitClosed) == []
    centre.wait(10)
    (left,) = centre.told(e.QueueVisitClosed)
    assert (left.kind, left.then) == (DequeueKind.TIMEOUT, "voicemail")


def test_overflow_in_a_circle_ends() -> None:
    centre = Centre()
    centre.queue("one")
    centre.queue("two", max_wait_ms=1_000, on_max_wait=QueueExit("one"))
    centre.queue("one", max_wait_ms=1_000, on_max_wait=QueueExit("two"))
    centre.call("a", "one")
    centre.wait(60)
    assert centre.core.contacts[contact_id("a")].visit is None
    assert centre.told(e.QueueVisitClosed)[-1].then == "flow"


def test_a_closed_queue_takes_nobody_and_keeps_who_waits_unless_told_otherwise() -> None:
    centre = Centre()
    centre.queue(on_closed=QueueExit(then="hang_up"))
    centre.call("a")
    centre.tell(c.OpenQueue("main", open=False))
    centre.call("b")
    assert centre.core.contacts[contact_id("a")].visit is not None
    assert [(left.contact_id, left.kind) for left in centre.told(e.QueueVisitClosed)] == [
        (contact_id("b"), DequeueKind.CLOSED)
    ]


def test_closing_clears_the_queue_where_its_rules_say_so() -> None:
    centre = Centre()
    centre.queue(clear_on_close=True)
    centre.call("a")
    centre.tell(c.OpenQueue("main", open=False))
    assert [left.kind for left in centre.told(e.QueueVisitClosed)] == [DequeueKind.CLOSED]


def test_the_last_agent_whose_endpoint_fails_again_and_again_lets_callers_go_too() -> None:
    centre = Centre()
    centre.queue(on_unstaffed=QueueExit(then="voicemail"), offer_failed_limit=1)
    centre.agent("ann")
    centre.call("a")
    centre.call("b")
    centre.wait(20)
    assert centre.state("ann") is AgentState.UNREACHABLE
    assert [left.then for left in centre.told(e.QueueVisitClosed)] == ["voicemail", "voicemail"]


def test_the_last_agent_leaving_lets_callers_go_where_the_rules_say_so() -> None:
    centre = Centre()
    centre.queue(on_unstaffed=QueueExit(then="callback"))
    centre.agent("ann")
    centre.tell(c.SetAgentState("ann", AgentState.NOT_READY))
    centre.call("a")
    centre.tell(c.SignOut("ann"))
    assert [left.then for left in centre.told(e.QueueVisitClosed)] == ["callback"]


def test_place_and_wait_are_told_by_how_fast_the_queue_is_answered() -> None:
    centre = Centre()
    centre.queue(expected_handle_ms=120_000)
    centre.agent("ann")
    centre.agent("bob")
    for name in "abcde":
        centre.call(name)
    (before,) = centre.tell(c.TellEstimate(contact_id("e")))
    assert isinstance(before, e.EstimateMade)
    assert (before.queue_position, before.wait_ms, before.basis) == (3, 180_000, "expected")
    for name in "abc":
        centre.answer(name)
        centre.wait(30)
        centre.hang_up(name)
    (measured,) = centre.tell(c.TellEstimate(contact_id("e")))
    assert isinstance(measured, e.EstimateMade)
    assert measured.basis == "departures"
    assert measured.queue_position == 1
    centre.call("f")
    (behind,) = centre.tell(c.TellEstimate(contact_id("f")))
    assert isinstance(behind, e.EstimateMade)
    assert (behind.queue_position, behind.wait_ms) == (2, 2 * measured.wait_ms)
    centre.answer("d")
    with pytest.raises(NotWaiting):
        centre.tell(c.TellEstimate(contact_id("d")))


def test_a_callback_keeps_its_place_though_the_caller_hangs_up() -> None:
    centre = Centre()
    centre.queue()
    for name in "ab":
        centre.call(name)
        centre.wait(1)
    centre.tell(c.KeepPlace(contact_id("a"), contact_id("callback")))
    centre.hang_up("a")
    centre.wait(5)
    centre.agent("ann")
    assert centre.held_by("a") == "ann"
    centre.answer("a")
    centre.hang_up("a")
    (reached,) = centre.told(e.CallbackPlaceEnded)
    assert (reached.outcome, reached.attempt) == ("reached", 1)
    assert [event.end for event in centre.told(e.ContactFinished)] == ["handled"]


def test_a_kept_place_outlasts_the_longest_wait_the_closing_and_the_last_agents_leaving() -> None:
    centre = Centre()
    centre.queue(max_wait_ms=30_000, clear_on_close=True, on_unstaffed=QueueExit(then="voicemail"))
    centre.agent("ann")
    centre.tell(c.SetAgentState("ann", AgentState.NOT_READY))
    centre.call("a")
    centre.tell(c.KeepPlace(contact_id("a"), contact_id("callback")))
    centre.hang_up("a")
    centre.wait(40)
    free(centre, "ann")
    centre.tell(c.OpenQueue("main", open=False))
    centre.tell(c.SignOut("ann"))  # while it rings: the place is kept though the queue is closed and its time is up
    assert centre.told(e.QueueVisitClosed) == []
    centre.tell(c.SignIn("ann", ("sip:ann",), AgentState.AVAILABLE))
    assert centre.held_by("a") == "ann"


def test_a_customer_who_is_not_reached_is_called_again_after_a_pause_but_not_for_ever() -> None:
    centre = Centre()
    centre.queue(callback_attempts=2, callback_pause_ms=60_000)
    centre.agent("ann")
    centre.call("a")
    centre.tell(c.KeepPlace(contact_id("a"), contact_id("callback")))
    centre.hang_up("a")
    centre.call("b")
    centre.answer("b")  # who keeps a place holds nobody up meanwhile
    centre.hang_up("b")
    for pause in (5, 60):
        assert centre.held_by("a") == ""
        centre.wait(pause)
        centre.accept("a")
        centre.tell(c.BridgeFailed(contact_id("a"), centre.reservation("a"), "customer_no_answer"))
        assert centre.state("ann") is AgentState.AVAILABLE
    failed = centre.told(e.CallbackAttemptFailed)
    assert [(each.attempt, each.cause, bool(each.again_us)) for each in failed] == [
        (1, "customer_no_answer", True),
        (2, "customer_no_answer", False),
    ]
    assert [ended.outcome for ended in centre.told(e.CallbackPlaceEnded)] == ["failed"]
    assert [event.end for event in centre.told(e.ContactFinished)] == ["handled", "callback_failed"]


def test_a_queue_is_configured_against_what_was_read() -> None:
    centre = Centre()
    centre.queue()
    with pytest.raises(VersionConflict):
        centre.tell(c.ConfigureQueue("main", QueueRules(max_size=2), expected_version=0))
    assert centre.tell(c.ConfigureQueue("main", QueueRules(max_size=2), expected_version=1))
    assert centre.tell(c.ConfigureQueue("main", QueueRules(max_size=2))) == ()


@pytest.mark.parametrize(
    "rules",
    [
        QueueRules(steps=(QueueStep(5),)),
        QueueRules(steps=(QueueStep(0), QueueStep(0))),
        QueueRules(steps=(QueueStep(0, preferred_agent_only=True),)),
        QueueRules(steps=(QueueStep(0, (SkillRequirement("french", 6),)),)),
        QueueRules(max_wait_ms=-1),
        QueueRules(rona_limit=0),
        QueueRules(ring_all_limit=51),
    ],
)
def test_rules_that_cannot_work_are_refused(rules: QueueRules) -> None:
    with pytest.raises(RulesInvalid):
        Centre().tell(c.ConfigureQueue("main", rules))


def test_changed_rules_count_at_the_next_decision_for_those_who_wait_too() -> None:
    centre = Centre()
    centre.queue(steps=(QueueStep(0, FRENCH),))
    centre.agent("ann")
    centre.call("a")
    assert centre.held_by("a") == ""
    centre.queue()
    assert centre.held_by("a") == "ann"


def test_an_agent_given_another_queue_serves_it_at_once() -> None:
    centre = Centre()
    centre.queue()
    centre.queue("other")
    centre.agent("ann", "other")
    centre.call("a")
    centre.tell(c.ConfigureAgent("ann", AgentRules(("main",))))
    assert centre.held_by("a") == "ann"


def test_nobody_waits_in_a_queue_that_is_not_there() -> None:
    centre = Centre()
    centre.queue()
    centre.tell(c.RetireQueue("main"))
    for queue in ("main", "nowhere"):
        with pytest.raises(UnknownQueue):
            centre.call("a", queue)


def test_asking_twice_for_the_same_queue_is_asking_once_and_another_queue_is_a_transfer() -> None:
    centre = Centre()
    centre.queue()
    centre.queue("other")
    centre.call("a")
    assert centre.call("a") == ()
    centre.call("a", "other")
    assert [left.kind for left in centre.told(e.QueueVisitClosed)] == [DequeueKind.TRANSFERRED]
