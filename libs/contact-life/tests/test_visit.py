"""Queue visits: which events belong to which, and how long the wait was."""

import pytest

from contact_life.contact import Contact
from contact_life.fold import fold_contact
from contact_life.identity import contact_id, queue_visit_id
from contact_life.timeline_text import events_of
from contact_life.words import DequeueKind, WaitClock

CONTACT = contact_id("acme", "pbx", "c1")
SECOND = 1_000_000


def fold(text: str) -> Contact:
    return fold_contact(CONTACT, events_of(f"10:00:00 ContactArrived native_id=c1\n{text}"))


def rules(contact: Contact) -> list[str]:
    return [anomaly.rule for anomaly in contact.anomalies]


def test_a_visit_without_id_is_named_by_its_contact_queue_and_beginning() -> None:
    events = events_of("10:00:10 Enqueued queue=sales")
    [visit] = fold_contact(CONTACT, events).visits
    assert visit.visit_id == queue_visit_id(CONTACT, "sales", events[0].event_time_us)
    assert (visit.wait_us, visit.wait_clock, visit.dequeued_time_us) == (None, WaitClock.NONE, None)


def test_a_visit_is_in_the_queue_that_any_of_its_events_names() -> None:
    [visit] = fold("""
    10:00:10  Enqueued  visit_id=11111111-1111-5111-8111-111111111111
    10:00:12  Enqueued  visit_id=11111111-1111-5111-8111-111111111111 queue=sales
    """).visits
    assert visit.queue == "sales"


def test_the_wait_ends_at_the_bridge_where_nobody_told_that_the_queue_was_left() -> None:
    [visit] = fold("""
    10:00:10  Enqueued  queue=sales
    10:00:41  Bridged   leg_id=c1 peer_leg_id=a1 agent=eva
    """).visits
    assert (visit.wait_us, visit.wait_clock) == (31 * SECOND, WaitClock.BRIDGED)
    assert (visit.dequeue_kind, visit.dequeued_time_us) == (DequeueKind.ANSWERED, visit.bridged_time_us)


def test_the_wait_ends_where_the_queue_was_left_even_if_the_bridge_came_earlier() -> None:
    [visit] = fold("""
    10:00:10  Enqueued  queue=sales
    10:00:39  Bridged   leg_id=c1 peer_leg_id=a1 agent=eva
    10:00:41  Dequeued  kind=ANSWERED
    """).visits
    assert (visit.wait_us, visit.wait_clock) == (31 * SECOND, WaitClock.DEQUEUED)


def test_two_sources_instants_are_said_to_be_mixed() -> None:
    [visit] = fold("""
    10:00:10  Enqueued  queue=sales
    10:00:41  Bridged   leg_id=c1 peer_leg_id=a1 agent=eva @desktop
    """).visits
    assert (visit.wait_us, visit.wait_clock) == (31 * SECOND, WaitClock.MIXED_CLOCK)


def test_a_visit_of_no_wait_waits_nothing() -> None:
    contact = fold("""
    10:00:09  LegAnswered  leg_id=a1 role=AGENT agent=eva
    10:00:10  Enqueued     queue=sales
    10:00:10  Dequeued     queue=sales kind=ANSWERED
    10:00:10  Bridged      leg_id=c1 peer_leg_id=a1 agent=eva
    """)
    assert contact.visits[0].wait_us == 0
    assert contact.anomalies == ()


def test_a_service_that_begins_before_the_queue_does_answers_it_all_the_same() -> None:
    contact = fold("""
    10:00:09  LegAnswered  leg_id=a1 role=AGENT agent=eva
    10:00:09  Bridged      leg_id=c1 peer_leg_id=a1 agent=eva
    10:00:10  Enqueued     queue=sales
    10:00:10  Dequeued     queue=sales kind=ANSWERED
    """)
    assert contact.assignments[0].visit_id == contact.visits[0].visit_id
    assert contact.anomalies == ()


def test_an_inferred_end_is_no_length() -> None:
    [visit] = fold("""
    10:00:10  Enqueued  queue=sales
    11:00:10  Dequeued  queue=sales kind=ABANDONED observation.inferred=true
    """).visits
    assert (visit.wait_us, visit.inferred) == (None, True)
    assert visit.dequeued_time_us is not None


def test_a_told_end_stands_before_an_inferred_one() -> None:
    contact = fold("""
    10:00:10  Enqueued  queue=sales
    10:00:30  Dequeued  queue=sales kind=ABANDONED observation.inferred=true
    10:00:40  Dequeued  queue=sales kind=ABANDONED
    """)
    assert (contact.visits[0].wait_us, contact.anomalies) == (30 * SECOND, ())


def test_ends_without_id_belong_to_the_latest_visit_begun_before() -> None:
    contact = fold("""
    10:00:10  Enqueued  queue=sales
    10:00:40  Dequeued  kind=OVERFLOW
    10:00:40  Enqueued  queue=loans
    10:01:00  Dequeued  kind=ABANDONED
    """)
    waits = [(visit.queue, visit.ordinal, visit.dequeue_kind, visit.wait_us) for visit in contact.visits]
    assert waits == [("sales", 1, DequeueKind.OVERFLOW, 30 * SECOND), ("loans", 2, DequeueKind.ABANDONED, 20 * SECOND)]
    assert contact.anomalies == ()


def test_ends_that_name_their_queue_belong_to_a_visit_of_that_queue() -> None:
    contact = fold("""
    10:00:10  Enqueued  queue=sales
    10:00:20  Enqueued  queue=loans
    10:00:40  Dequeued  queue=sales kind=ANSWERED_ELSEWHERE
    10:00:50  Dequeued  queue=loans kind=ABANDONED
    """)
    assert [visit.wait_us for visit in contact.visits] == [30 * SECOND, 30 * SECOND]


def test_ends_that_name_their_visit_belong_to_it_however_clocks_go() -> None:
    contact = fold("""
    10:00:10  Enqueued  queue=sales visit_id=v1
    10:00:05  Dequeued  queue=sales visit_id=v1 kind=ABANDONED
    """)
    assert (len(contact.visits), contact.visits[0].wait_us) == (1, None)
    assert rules(contact) == ["ended_before_it_began"]


@pytest.mark.parametrize("reckoned", ["10:00:09", "10:00:11"])
def test_a_beginning_without_id_in_the_moment_of_one_with_id_is_the_same_and_its_own_end_tells_the_wait(
    reckoned: str,
) -> None:
    contact = fold(f"""
    10:00:10    Enqueued  queue=sales visit_id=v1
    {reckoned}  Enqueued  queue=sales
    10:00:40    Dequeued  queue=sales kind=ABANDONED
    """)
    [visit] = contact.visits
    assert visit.visit_id == "v1"
    assert visit.wait_us == (31 if reckoned == "10:00:09" else 29) * SECOND


@pytest.mark.parametrize("begun", ["10:00:13  Enqueued  queue=sales", "10:00:11  Enqueued  queue=loans"])
def test_a_beginning_later_or_elsewhere_is_another_visit(begun: str) -> None:
    assert len(fold(f"10:00:10 Enqueued queue=sales visit_id=v1\n{begun}").visits) == 2


def test_an_end_a_little_before_the_only_beginning_is_a_clock_that_went_back() -> None:
    contact = fold("""
    10:00:05  Dequeued  queue=sales kind=ANSWERED
    10:00:05  Bridged   leg_id=c1 peer_leg_id=a1 agent=eva
    10:00:06  Enqueued  queue=sales
    """)
    assert (len(contact.visits), contact.visits[0].wait_us) == (1, None)
    assert rules(contact) == ["ended_before_it_began"]
    assert contact.assignments[0].queue == "sales"


def test_an_end_hours_before_a_beginning_is_another_visit() -> None:
    contact = fold("""
    10:00:05  Dequeued  queue=sales kind=ABANDONED
    13:00:06  Enqueued  queue=sales
    """)
    assert [(visit.enqueued_time_us is None, visit.wait_us) for visit in contact.visits] == [
        (True, None),
        (False, None),
    ]
    assert rules(contact) == ["end_without_beginning"]


def test_the_step_reached_last_counts() -> None:
    [visit] = fold("""
    10:00:10  Enqueued      queue=sales
    10:00:40  StepAdvanced  queue=sales step=2
    10:01:10  StepAdvanced  queue=sales step=3
    10:01:10  EstimateTold  queue=sales wait_ms=60000
    """).visits
    assert (visit.step, len(visit.events)) == (3, 4)


def test_a_bridge_that_names_its_visit_answers_that_one() -> None:
    contact = fold("""
    10:00:10  Enqueued  queue=sales visit_id=v1
    10:00:20  Enqueued  queue=loans visit_id=v2
    10:00:30  Bridged   leg_id=c1 peer_leg_id=a1 agent=eva visit_id=v1
    10:00:30  Dequeued  visit_id=v2 kind=ANSWERED_ELSEWHERE
    """)
    assert [visit.bridged_time_us is not None for visit in contact.visits] == [True, False]
    assert contact.assignments[0].queue == "sales"


@pytest.mark.parametrize("kind", ["ABANDONED", "OVERFLOW", "REMOVED", "TRANSFERRED"])
def test_a_bridge_without_visit_does_not_answer_one_that_ended_in_another_way(kind: str) -> None:
    contact = fold(f"""
    10:00:10  Enqueued  queue=sales
    10:00:30  Dequeued  queue=sales kind={kind}
    10:00:31  Bridged   leg_id=c1 peer_leg_id=a1 agent=eva
    """)
    assert (contact.visits[0].bridged_time_us, contact.assignments[0].visit_id) == (None, "")
