"""Whole contacts, written as timelines: what the fold makes of them."""

import pytest

from contact_life.contact import Contact
from contact_life.fold import fold_contact
from contact_life.identity import contact_id
from contact_life.timeline_text import events_of
from contact_life.words import ContactEnd, DequeueKind, Phase, WaitClock

CONTACT = contact_id("acme", "pbx", "c1")
SECOND = 1_000_000


def fold(text: str) -> Contact:
    return fold_contact(CONTACT, events_of(text))


SERVED = """
10:00:00  ContactArrived  native_id=c1 direction=INBOUND service_number=+972800
10:00:00  FlowEntered     flow=main version=3
10:00:02  NodeVisited     flow=main version=3 node=language
10:00:10  FlowExited      flow=main version=3 queue=sales
10:00:10  Enqueued        queue=sales priority=2
10:00:39  LegAnswered     leg_id=a1 role=AGENT agent=eva
10:00:40  Dequeued        queue=sales kind=ANSWERED
10:00:40  Bridged         leg_id=c1 peer_leg_id=a1 agent=eva
10:03:20  LegEnded        leg_id=a1 role=AGENT end_cause.protocol=q850 end_cause.code=16 release_side=CALLER
10:03:20  LegEnded        leg_id=c1 role=CALLER
10:03:21  WrapUpStarted   agent=eva
10:03:50  DispositionSet  disposition=sold
10:03:51  WrapUpEnded     agent=eva cause=agent
10:04:00  ContactClosed
"""


def test_a_served_contact_is_handled_with_its_wait_and_handle_time() -> None:
    contact = fold(SERVED)
    assert (contact.phase, contact.end, contact.closed) == (Phase.ENDED, ContactEnd.HANDLED, True)
    [visit] = contact.visits
    assert (visit.queue, visit.dequeue_kind, visit.priority) == ("sales", DequeueKind.ANSWERED, 2)
    assert (visit.wait_us, visit.wait_clock) == (30 * SECOND, WaitClock.DEQUEUED)
    [spell] = contact.assignments
    assert (spell.agent, spell.queue, spell.visit_id, spell.disposition) == ("eva", "sales", visit.visit_id, "sold")
    assert (spell.talk_us, spell.hold_us, spell.wrap_up_us) == (161 * SECOND, 0, 30 * SECOND)
    assert spell.handle_us == 191 * SECOND
    [flow] = contact.flows
    assert (flow.length_us, flow.nodes, flow.version) == (10 * SECOND, ("language",), "3")
    assert flow.queue == "sales"
    assert contact.ended_time_us == max(leg.ended_time_us or 0 for leg in contact.legs)
    assert contact.anomalies == ()


PREFIX_PHASES = [
    ("ContactArrived", Phase.ARRIVED),
    ("FlowEntered", Phase.IN_IVR),
    ("NodeVisited", Phase.IN_IVR),
    ("FlowExited", Phase.ENDED),  # had nothing followed, the caller had hung up
    ("Enqueued", Phase.QUEUED),
    ("LegAnswered", Phase.QUEUED),
    ("Dequeued", Phase.ARRIVED),
    ("Bridged", Phase.BRIDGED),
    ("LegEnded", Phase.ENDED),
    ("LegEnded", Phase.ENDED),
    ("WrapUpStarted", Phase.WRAP_UP),
    ("DispositionSet", Phase.WRAP_UP),
    ("WrapUpEnded", Phase.ENDED),
    ("ContactClosed", Phase.ENDED),
]


def test_every_prefix_of_a_life_folds_to_its_phase() -> None:
    events = events_of(SERVED)
    phases = [(events[n].type, fold_contact(CONTACT, events[: n + 1]).phase) for n in range(len(events))]
    assert phases == PREFIX_PHASES


def test_no_events_are_a_contact_that_has_not_arrived() -> None:
    contact = fold_contact(CONTACT, [])
    assert (contact.phase, contact.end, contact.anomalies, contact.source_id) == ("arrived", "", (), "")


def test_who_hangs_up_while_waiting_has_abandoned_the_queue() -> None:
    contact = fold("""
    10:00:00  ContactArrived  native_id=c1
    10:00:10  Enqueued        queue=sales
    10:00:40  Dequeued        queue=sales kind=ABANDONED
    """)
    assert (contact.phase, contact.end) == (Phase.ENDED, ContactEnd.ABANDONED_QUEUE)
    assert contact.visits[0].wait_us == 30 * SECOND
    assert contact.ended_time_us == contact.visits[0].dequeued_time_us


def test_who_hangs_up_while_an_agent_rings_has_abandoned_ringing() -> None:
    contact = fold("""
    10:00:00  ContactArrived  native_id=c1
    10:00:10  Enqueued        queue=sales
    10:00:30  LegRinging      leg_id=a1 role=AGENT agent=eva
    10:00:40  Dequeued        queue=sales kind=ABANDONED
    10:00:41  LegEnded        leg_id=a1
    """)
    assert contact.end is ContactEnd.ABANDONED_RINGING
    assert contact.visits[0].ringing


def test_an_agent_who_rang_in_vain_earlier_does_not_make_it_ringing() -> None:
    contact = fold("""
    10:00:00  ContactArrived  native_id=c1
    10:00:10  Enqueued        queue=sales
    10:00:12  LegRinging      leg_id=a1 role=AGENT agent=eva
    10:00:27  LegEnded        leg_id=a1
    10:00:40  Dequeued        queue=sales kind=ABANDONED
    """)
    assert contact.end is ContactEnd.ABANDONED_QUEUE


def test_a_ringing_agent_is_an_offer_while_the_caller_waits() -> None:
    contact = fold("""
    10:00:00  ContactArrived  native_id=c1
    10:00:10  Enqueued        queue=sales
    10:00:30  LegRinging      leg_id=a1 role=AGENT agent=eva
    """)
    assert (contact.phase, contact.end) == (Phase.OFFERED, ContactEnd.OPEN)


@pytest.mark.parametrize(
    ("rows", "end"),
    [
        ("10:00:00 FlowEntered flow=f\n10:00:09 FlowExited flow=f\n10:00:09 ContactClosed", "abandoned_ivr"),
        ("10:00:00 FlowEntered flow=f\n10:00:09 LegEnded leg_id=c1 role=CALLER", "abandoned_ivr"),
        ("10:00:00 FlowEntered flow=f\n10:00:09 FlowExited flow=f", "abandoned_ivr"),
        ("10:00:00 FlowEntered flow=f\n10:00:09 FlowExited\n10:00:09 LegRinging leg_id=a role=AGENT", ""),
        ("10:00:00 FlowEntered flow=f\n10:00:09 FlowExited\n10:00:09 CallbackRequested", ""),
        ("10:00:00 LegCreated leg_id=c1\n10:00:01 FlowEntered flow=f\n10:00:09 FlowExited", ""),
        ("10:00:00 FlowEntered flow=f\n10:00:05 SelfServed outcome=balance\n10:00:09 FlowExited flow=f", "contained"),
        ("10:00:00 Enqueued queue=q\n10:00:00 Dequeued queue=q kind=CLOSED", "refused_closed"),
        ("10:00:00 Enqueued queue=q\n10:00:00 Dequeued queue=q kind=FULL", "refused_full"),
        (
            "10:00:00 Enqueued queue=q\n10:00:50 Dequeued kind=VOICEMAIL\n10:01:00 VoicemailLeft length_ms=5000",
            "voicemail",
        ),
        ("10:00:00 Enqueued queue=q\n10:00:50 Dequeued kind=CALLBACK\n10:01:00 CallbackRequested", ""),
        (
            """
            10:00:00 Enqueued queue=q
            10:00:50 Dequeued kind=CALLBACK
            10:01:00 CallbackRequested
            11:00:00 CallbackFailed cause=busy
            """,
            "callback_failed",
        ),
        ("10:00:00 Enqueued queue=q\n10:00:50 LegEnded leg_id=c1 role=CALLER", "abandoned_queue"),
        ("10:00:00 Enqueued queue=q\n10:00:50 Dequeued queue=q kind=OVERFLOW", ""),
        ("10:00:00 Enqueued queue=q\n10:00:50 Dequeued queue=q kind=OVERFLOW\n10:00:51 ContactClosed", "unknown"),
        ("10:00:05 LegRinging leg_id=a role=AGENT\n10:00:15 LegEnded leg_id=c1 role=CALLER", "abandoned_ringing"),
        ("10:00:05 ContactClosed", "unknown"),
    ],
)
def test_contacts_end_in_the_ways_of_the_vocabulary(rows: str, end: str) -> None:
    assert fold(f"10:00:00 ContactArrived native_id=c1\n{rows}").end == end


def test_a_line_that_failed_with_nobody_meaning_it_is_dropped() -> None:
    contact = fold("""
    10:00:00  ContactArrived  native_id=c1
    10:00:05  LegAnswered     leg_id=a1 role=AGENT agent=eva
    10:00:05  Bridged         leg_id=c1 peer_leg_id=a1 agent=eva
    10:01:00  LegEnded        leg_id=a1 ended_how=MEDIA_TIMEOUT
    10:01:01  LegEnded        leg_id=c1 ended_how=SENT_BYE release_side=PLATFORM
    """)
    assert contact.end is ContactEnd.DROPPED


def test_who_is_sent_to_another_queue_and_leaves_it_has_abandoned_it() -> None:
    contact = fold("""
    10:00:00  ContactArrived     native_id=c1
    10:00:05  LegAnswered        leg_id=a1 role=AGENT agent=eva
    10:00:05  Bridged            leg_id=c1 peer_leg_id=a1 agent=eva
    10:01:00  TransferStarted    agent=eva kind=COLD reason=MISROUTE target.queue=loans
    10:01:00  TransferCompleted  agent=eva
    10:01:00  Enqueued           queue=loans
    10:01:00  LegEnded           leg_id=a1
    10:01:00  WrapUpStarted      agent=eva
    10:01:40  Dequeued           queue=loans kind=ABANDONED
    """)
    assert (contact.phase, contact.end) == (Phase.WRAP_UP, ContactEnd.ABANDONED_QUEUE)
    [transfer] = contact.transfers
    assert (transfer.agent, transfer.target_queue, transfer.under_way) == ("eva", "loans", False)


def test_the_transferor_may_wrap_up_while_the_caller_waits_again() -> None:
    contact = fold("""
    10:00:00  ContactArrived     native_id=c1
    10:00:05  LegAnswered        leg_id=a1 role=AGENT agent=eva
    10:00:05  Bridged            leg_id=c1 peer_leg_id=a1 agent=eva
    10:01:00  TransferStarted    agent=eva target.queue=loans
    10:01:00  Enqueued           queue=loans
    10:01:00  LegEnded           leg_id=a1
    10:01:00  WrapUpStarted      agent=eva
    """)
    assert (contact.phase, contact.end) == (Phase.QUEUED, ContactEnd.OPEN)


def test_what_is_said_of_a_contact_comes_from_the_event_that_says_it_last() -> None:
    contact = fold("""
    10:00:00  ContactArrived      native_id=c1 caller.caller_ref=r1 language=he resumes_contact_id=old
    10:00:01  CustomerIdentified  customer_ref=k7 method=pin
    10:00:02  ContactReasonSet    reason=card
    10:00:03  ContactReasonSet    reason=loan
    10:00:04  ContactLinked       to_contact_id=x reason=CONSULT
    10:00:05  ContactLinked       to_contact_id=y reason=RECONNECT
    10:00:06  ContactUnlinked     to_contact_id=y
    """)
    assert (contact.caller_ref, contact.customer_ref, contact.reason) == ("r1", "k7", "loan")
    assert (contact.language, contact.resumes_contact_id, contact.linked_to) == ("he", "old", "x")


WRONG = "a1111111-1111-5111-8111-111111111111"


@pytest.mark.parametrize("written", [WRONG, WRONG.upper(), WRONG.replace("-", "")])
def test_a_voided_event_leaves_the_state_and_stays_visible(written: str) -> None:
    contact = fold(f"""
    10:00:00  ContactArrived  native_id=c1
    10:00:10  Enqueued        queue=sales id={WRONG}
    10:00:11  Enqueued        queue=loans
    10:05:00  EventVoided     event_id={written} reason=mistyped
    """)
    assert [visit.queue for visit in contact.visits] == ["loans"]
    assert [event.type for event in contact.timeline if event.event_id in contact.voided] == ["Enqueued"]
    assert contact.anomalies == ()


def test_a_void_that_is_voided_has_no_effect() -> None:
    first, second = "11111111-1111-5111-8111-111111111111", "22222222-2222-5222-8222-222222222222"
    contact = fold(f"""
    10:00:10  Enqueued     queue=sales id={first}
    10:05:00  EventVoided  event_id={first} id={second}
    10:06:00  EventVoided  event_id={second}
    """)
    assert [visit.queue for visit in contact.visits] == ["sales"]


def test_an_unbelievable_clock_is_replaced_by_ours() -> None:
    contact = fold("""
    1901-01-01T00:00:00Z  ContactArrived  native_id=c1 recorded=10:00:00
    2262-01-01T00:00:00Z  Enqueued        queue=sales recorded=10:00:30
    10:01:00              Dequeued        queue=sales kind=ABANDONED
    """)
    assert contact.visits[0].wait_us == 30 * SECOND
    [anomaly] = contact.anomalies
    assert (anomaly.rule, len(anomaly.event_ids)) == ("time_out_of_range", 2)
