"""Every rule by an example that breaks it and no other, and the lives that break none."""

import pytest

from contact_life.anomaly import EVIDENCE_LIMIT, RULES
from contact_life.contact import Contact
from contact_life.fold import fold_contact
from contact_life.identity import contact_id
from contact_life.timeline_text import events_of

CONTACT = contact_id("acme", "pbx", "c1")


def fold(text: str) -> Contact:
    return fold_contact(CONTACT, events_of(text))


BROKEN = {
    "ended_before_it_began": """
        10:00:00  ContactArrived  native_id=c1
        10:00:19  FlowExited      flow=main
        10:00:20  FlowEntered     flow=main
    """,
    "end_without_beginning": """
        10:00:00  ContactArrived  native_id=c1
        10:00:20  Dequeued        queue=sales kind=ABANDONED
    """,
    "begun_twice": """
        10:00:00  ContactArrived  native_id=c1
        10:00:20  Enqueued        queue=sales visit_id=v1
        10:00:21  Enqueued        queue=sales visit_id=v1
    """,
    "ended_twice": """
        10:00:00  ContactArrived  native_id=c1
        10:00:20  Enqueued        queue=sales
        10:00:30  Dequeued        queue=sales kind=ABANDONED
        10:00:31  Dequeued        queue=sales kind=ABANDONED
    """,
    "never_ended": """
        10:00:00  ContactArrived  native_id=c1
        10:00:20  Enqueued        queue=sales
        10:00:30  ContactClosed
    """,
    "overlapping_visits_of_same_queue": """
        10:00:00  ContactArrived  native_id=c1
        10:00:20  Enqueued        queue=sales visit_id=v1
        10:00:21  Enqueued        queue=sales visit_id=v2
        10:00:40  Dequeued        visit_id=v1 kind=ANSWERED_ELSEWHERE
        10:00:40  Dequeued        visit_id=v2 kind=ABANDONED
    """,
    "bridged_without_answer": """
        10:00:00  ContactArrived  native_id=c1
        10:00:20  LegRinging      leg_id=a1 role=AGENT
        10:00:30  Bridged         leg_id=c1 peer_leg_id=a1 agent=eva
    """,
    "bridged_before_answer": """
        10:00:00  ContactArrived  native_id=c1
        10:00:30  Bridged         leg_id=c1 peer_leg_id=a1 agent=eva
        10:00:33  LegAnswered     leg_id=a1 role=AGENT
    """,
    "bridged_after_end": """
        10:00:00  ContactArrived  native_id=c1
        10:00:30  LegAnswered     leg_id=a1 role=AGENT
        10:00:40  LegEnded        leg_id=a1
        10:00:43  Bridged         leg_id=c1 peer_leg_id=a1 agent=eva
    """,
    "answered_without_arrival": """
        10:00:30  Bridged         leg_id=c1 peer_leg_id=a1 agent=eva
    """,
    "dequeued_answered_without_bridge": """
        10:00:00  ContactArrived  native_id=c1
        10:00:20  Enqueued        queue=sales
        10:00:30  Dequeued        queue=sales kind=ANSWERED
        10:00:40  ContactClosed
    """,
    "abandoned_yet_bridged": """
        10:00:00  ContactArrived  native_id=c1
        10:00:20  Enqueued        queue=sales visit_id=v1
        10:00:30  Dequeued        visit_id=v1 kind=ABANDONED
        10:00:30  Bridged         leg_id=c1 peer_leg_id=a1 agent=eva visit_id=v1
    """,
    "wrap_up_before_talk_ended": """
        10:00:00  ContactArrived  native_id=c1
        10:00:30  Bridged         leg_id=c1 peer_leg_id=a1 agent=eva
        10:00:35  WrapUpStarted
        10:00:36  WrapUpEnded
        10:00:40  LegEnded        leg_id=a1 role=AGENT
    """,
    "of_no_assignment": """
        10:00:00  ContactArrived  native_id=c1
        10:00:35  WrapUpEnded     agent=eva
    """,
    "time_out_of_range": """
        1989-12-31T23:59:59.999999Z  ContactArrived  native_id=c1
    """,
    "clock_went_back": """
        10:00:00  ContactArrived  native_id=c1 #1
        10:00:20  Enqueued        queue=sales #3
        10:00:21  StepAdvanced    queue=sales #2
    """,
    "event_after_closed": """
        10:00:00  ContactArrived  native_id=c1
        10:00:20  ContactClosed
        10:00:21  InputCollected  name=again
    """,
    "unknown_event_type": """
        10:00:00  ContactArrived  native_id=c1
        10:00:20  HologramShown
    """,
    "voided_unknown_event": """
        10:00:00  ContactArrived  native_id=c1
        10:00:20  EventVoided     event_id=99999999-9999-5999-8999-999999999999
    """,
}


@pytest.mark.parametrize("rule", [rule.name for rule in RULES])
def test_each_rule_is_broken_by_its_example_alone(rule: str) -> None:
    [anomaly] = fold(BROKEN[rule]).anomalies
    assert anomaly.rule == rule
    assert anomaly.detail
    assert anomaly.event_ids


def test_every_rule_says_what_it_is_and_needs() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.sentence.endswith(".") and rule.needs for rule in RULES)


FINE = {
    "an answer whose bridge may still be told, as the caller is there": """
        10:00:00  ContactArrived  native_id=c1
        10:00:00  LegCreated      leg_id=c1 role=CALLER
        10:00:10  Enqueued        queue=sales
        10:00:40  Dequeued        queue=sales kind=ANSWERED
    """,
    "a service that begins 2 s before its queue is left": """
        10:00:00  ContactArrived  native_id=c1
        10:00:10  Enqueued        queue=sales
        10:00:38  LegAnswered     leg_id=a1 role=AGENT agent=eva
        10:00:40  Dequeued        queue=sales kind=ANSWERED
        10:00:40  Bridged         leg_id=c1 peer_leg_id=a1 agent=eva
    """,
    "two sources that tell one end a second apart": """
        10:00:00  ContactArrived  native_id=c1
        10:00:10  LegCreated      leg_id=c1 role=CALLER
        10:00:38  LegEnded        leg_id=c1
        10:00:39  LegEnded        leg_id=c1 @cdr
    """,
    "a record of the same end, enriched": """
        10:00:00  ContactArrived  native_id=c1
        10:00:38  LegEnded        leg_id=c1
        10:00:38  LegEnded        leg_id=c1 end_cause.protocol=q850 end_cause.code=16
    """,
    "late facts after the closure": """
        10:00:00  ContactArrived  native_id=c1
        10:00:38  ContactClosed
        10:20:00  ContactClosed
        11:00:00  SurveyAnswered  rating=5 best_rating=5
        11:00:00  NoteAdded       text=called
        11:00:00  ContactLinked   to_contact_id=x
    """,
    "a transfer of which only the completion was told": """
        10:00:00  ContactArrived     native_id=c1
        10:00:38  TransferCompleted  agent=eva target.queue=loans kind=COLD
    """,
    "the same step back, seen by two sources": """
        10:00:00  ContactArrived  native_id=c1 #7
        10:00:10  Enqueued        queue=sales @desktop #1
    """,
    "a call that nobody in the centre answered": """
        10:00:00  ContactArrived  native_id=c1
        10:00:01  LegCreated      leg_id=a1 role=AGENT agent=eva
        10:00:01  LegRinging      leg_id=a1
        10:00:12  LegEnded        leg_id=a1
        10:00:12  LegEnded        leg_id=c1
        10:00:12  ContactClosed
    """,
}


@pytest.mark.parametrize("life", FINE.values(), ids=FINE.keys())
def test_lives_that_are_odd_and_fine_break_no_rule(life: str) -> None:
    assert fold(life).anomalies == ()


def test_an_anomaly_names_a_bounded_number_of_events_and_says_how_many() -> None:
    rows = "\n".join(f"1901-01-01T00:00:{second:02} NodeVisited node=n" for second in range(50))
    [anomaly] = fold("10:00:00 ContactArrived native_id=c1\n" + rows).anomalies
    assert len(anomaly.event_ids) == EVIDENCE_LIMIT
    assert anomaly.detail.startswith("50 ")


def test_details_carry_nothing_that_was_told_in_words() -> None:
    secret = "972541234567"
    text = "\n".join(BROKEN.values()).replace("eva", secret).replace("sales", secret).replace("main", secret)
    assert not [anomaly for anomaly in fold(text).anomalies if secret in anomaly.detail]
