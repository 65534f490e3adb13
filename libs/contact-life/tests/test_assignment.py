"""Assignments: who served the contact, and how long by the clock of the agent's leg."""

import pytest

from contact_life.assignment import Assignment
from contact_life.contact import Contact
from contact_life.fold import fold_contact
from contact_life.identity import assignment_id, contact_id
from contact_life.timeline_text import events_of

CONTACT = contact_id("acme", "pbx", "c1")
SECOND = 1_000_000


def fold(text: str) -> Contact:
    return fold_contact(CONTACT, events_of(f"10:00:00 ContactArrived native_id=c1\n{text}"))


def rules(contact: Contact) -> list[str]:
    return [anomaly.rule for anomaly in contact.anomalies]


def lengths(spell: Assignment) -> tuple[float | None, ...]:
    """Return talk, hold, wrap-up and handle in seconds."""
    told = (spell.talk_us, spell.hold_us, spell.wrap_up_us, spell.handle_us)
    return tuple(None if length is None else length / SECOND for length in told)


BEGUN = """
10:00:10  LegAnswered  leg_id=a1 role=AGENT agent=eva
10:00:11  Bridged      leg_id=c1 peer_leg_id=a1 agent=eva
"""


def test_a_spell_is_named_by_contact_agent_and_the_answer_of_the_leg() -> None:
    events = events_of(BEGUN)
    [spell] = fold_contact(CONTACT, events).assignments
    assert spell.assignment_id == assignment_id(CONTACT, "eva", events[0].event_time_us)
    assert (spell.started_time_us, spell.bridged_time_us) == (events[0].time_us, events[1].time_us)
    assert lengths(spell) == (None, None, 0, None)
    assert spell.ended_time_us is None


def test_a_spell_begins_at_the_bridge_where_nobody_told_the_answer() -> None:
    contact = fold("""
    10:00:11  Bridged   leg_id=c1 peer_leg_id=a1 agent=eva
    10:01:11  LegEnded  leg_id=a1 role=AGENT
    """)
    assert lengths(contact.assignments[0]) == (60, 0, 0, 60)
    assert contact.anomalies == ()


def test_an_answered_leg_that_was_never_bridged_is_no_assignment() -> None:
    contact = fold("""
    10:00:10  LegAnswered  leg_id=a1 role=AGENT agent=eva
    10:00:12  LegEnded     leg_id=a1
    """)
    assert (contact.assignments, contact.anomalies) == ((), ())


def test_an_unknown_agent_served_all_the_same() -> None:
    contact = fold("""
    10:00:11  Bridged   leg_id=c1 peer_leg_id=a1
    10:01:11  LegEnded  leg_id=a1 role=AGENT
    """)
    assert [(spell.agent, spell.handle_us) for spell in contact.assignments] == [("", 60 * SECOND)]
    assert contact.anomalies == ()


def test_a_service_of_no_length_is_an_assignment() -> None:
    contact = fold("""
    10:00:10  LegAnswered  leg_id=a1 role=AGENT agent=eva
    10:00:10  LegEnded     leg_id=a1
    10:00:11  Bridged      leg_id=c1 peer_leg_id=a1 agent=eva
    """)
    assert lengths(contact.assignments[0]) == (0, 0, 0, 0)
    assert contact.anomalies == ()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("10:01:10 LegEnded leg_id=a1", (60, 0, 0, 60)),
        ("10:00:20 LegHeld leg_id=c1\n10:00:30 LegResumed leg_id=c1\n10:01:10 LegEnded leg_id=a1", (50, 10, 0, 60)),
        ("10:00:20 LegHeld leg_id=c1\n10:01:10 LegEnded leg_id=a1", (10, 50, 0, 60)),
        (
            "10:00:20 LegHeld leg_id=c1\n10:00:40 Bridged leg_id=c1 peer_leg_id=a1\n10:01:10 LegEnded leg_id=a1",
            (40, 20, 0, 60),
        ),
        (
            """
            10:00:20 LegHeld leg_id=c1
            10:00:25 ConsultStarted leg_id=b1
            10:00:35 LegResumed leg_id=c1
            10:00:40 ConsultEnded leg_id=b1
            10:01:10 LegEnded leg_id=a1
            """,
            (40, 20, 0, 60),
        ),
        ("10:01:10 LegEnded leg_id=a1\n10:01:20 WrapUpEnded", (60, 0, 10, 70)),
        ("10:01:10 LegEnded leg_id=a1\n10:01:15 WrapUpStarted\n10:01:20 WrapUpEnded", (60, 0, 5, 65)),
        ("10:01:05 WrapUpStarted\n10:01:10 LegEnded leg_id=a1\n10:01:20 WrapUpEnded", (60, 0, 10, 70)),
        ("10:01:05 WrapUpStarted\n10:01:20 WrapUpEnded", (55, 0, 15, 70)),
        ("10:01:10 LegEnded leg_id=a1\n10:01:15 WrapUpStarted", (60, 0, None, None)),
        ("10:01:10 LegEnded leg_id=a1 observation.inferred=true", (None, None, 0, None)),
        ("10:01:10 LegEnded leg_id=a1\n11:01:20 WrapUpEnded observation.inferred=true", (60, 0, None, None)),
        ("10:01:10 Unbridged leg_id=c1 peer_leg_id=a1", (None, None, 0, None)),
        ("10:01:10 Unbridged leg_id=c1 peer_leg_id=a1\n10:01:10 ContactClosed", (60, 0, 0, 60)),
    ],
)
def test_lengths_are_those_of_the_agents_leg(rows: str, expected: tuple[float | None, ...]) -> None:
    assert lengths(fold(BEGUN + rows).assignments[0]) == expected


def test_a_caller_on_hold_is_a_phase() -> None:
    assert fold(BEGUN + "10:00:20 LegHeld leg_id=c1").phase == "on_hold"
    assert fold(BEGUN + "10:00:20 LegHeld leg_id=c1\n10:00:21 LegResumed leg_id=c1").phase == "bridged"


WARM_TRANSFER = (
    BEGUN
    + """
10:01:00  LegHeld            leg_id=c1
10:01:00  ConsultStarted     leg_id=b1 target=dan
10:01:10  LegAnswered        leg_id=b1 role=CONSULT_TARGET agent=dan
10:01:10  Bridged            leg_id=a1 peer_leg_id=b1
10:01:40  ConsultEnded       leg_id=b1
"""
)


def test_a_party_that_was_only_consulted_has_no_assignment() -> None:
    contact = fold(
        WARM_TRANSFER
        + """
    10:01:40  LegEnded    leg_id=b1
    10:01:40  LegResumed  leg_id=c1
    10:02:10  LegEnded    leg_id=a1
    """
    )
    assert [(spell.agent, lengths(spell)) for spell in contact.assignments] == [("eva", (80, 40, 0, 120))]
    assert contact.anomalies == ()


def test_a_consulted_party_that_takes_over_has_served_since_their_answer() -> None:
    contact = fold(
        WARM_TRANSFER
        + """
    10:01:40  TransferStarted    agent=eva kind=WARM target.agent=dan
    10:01:40  Bridged            leg_id=c1 peer_leg_id=b1
    10:01:40  TransferCompleted  agent=eva
    10:01:40  LegEnded           leg_id=a1
    10:03:10  LegEnded           leg_id=b1
    """
    )
    served = [(spell.agent, spell.ordinal, lengths(spell)) for spell in contact.assignments]
    assert served == [("eva", 1, (50, 40, 0, 90)), ("dan", 2, (120, 0, 0, 120))]
    assert contact.anomalies == ()


def test_a_conference_with_the_caller_makes_an_assignment() -> None:
    contact = fold(
        WARM_TRANSFER
        + """
    10:01:40  ConferenceJoined  leg_id=c1 conference=9
    10:01:40  ConferenceJoined  leg_id=a1 conference=9
    10:01:40  ConferenceJoined  leg_id=b1 conference=9
    10:01:40  LegResumed        leg_id=c1
    10:02:10  LegEnded          leg_id=a1
    10:03:10  LegEnded          leg_id=b1
    10:03:10  LegEnded          leg_id=c1 role=CALLER
    """
    )
    assert [(spell.agent, lengths(spell)) for spell in contact.assignments] == [
        ("eva", (80, 40, 0, 120)),
        ("dan", (120, 0, 0, 120)),
    ]


def test_a_supervisor_or_a_mailbox_that_hears_the_caller_has_no_assignment() -> None:
    contact = fold("""
    10:00:10  LegCreated  leg_id=m1 role=VOICEMAIL
    10:00:11  Bridged     leg_id=c1 peer_leg_id=m1
    10:00:12  LegCreated  leg_id=s1 role=SUPERVISOR
    10:00:13  Bridged     leg_id=c1 peer_leg_id=s1
    """)
    assert contact.assignments == ()


def test_bridges_without_legs_go_on_with_the_agents_spell_until_it_ends() -> None:
    contact = fold("""
    10:00:11  Bridged   agent=eva
    10:00:20  Bridged   agent=eva
    10:01:11  LegEnded  leg_id=x role=AGENT agent=eva
    10:01:12  Bridged   agent=eva
    10:02:12  LegEnded  leg_id=y role=AGENT agent=eva
    """)
    assert [lengths(spell) for spell in contact.assignments] == [(60, 0, 0, 60), (60, 0, 0, 60)]


def test_a_reconnect_gap_is_not_handle_time() -> None:
    contact = fold(
        BEGUN
        + """
    10:01:00  LegEnded     leg_id=c1 role=CALLER ended_how=MEDIA_TIMEOUT
    10:01:10  LegCreated   leg_id=c2 role=REDIAL
    10:01:30  LegAnswered  leg_id=c2 role=REDIAL
    10:01:30  Bridged      leg_id=c2 peer_leg_id=a1
    10:02:00  LegEnded     leg_id=c2
    10:02:00  LegEnded     leg_id=a1
    """
    )
    assert [lengths(spell) for spell in contact.assignments] == [(80, 0, 0, 80)]
    assert (contact.end, contact.anomalies) == ("handled", ())


def test_an_assignment_goes_on_with_the_agents_next_device() -> None:
    contact = fold("""
    10:00:10  LegAnswered  leg_id=a1 role=AGENT agent=eva assignment_id=s1
    10:00:11  Bridged      leg_id=c1 peer_leg_id=a1 assignment_id=s1
    10:01:00  LegEnded     leg_id=a1 ended_how=MEDIA_TIMEOUT
    10:01:30  LegAnswered  leg_id=a2 role=AGENT agent=eva assignment_id=s1
    10:01:30  Bridged      leg_id=c1 peer_leg_id=a2 assignment_id=s1
    10:02:00  LegEnded     leg_id=a2
    """)
    [spell] = contact.assignments
    assert (spell.leg_ids, lengths(spell)) == (("a1", "a2"), (80, 0, 0, 80))


def test_what_stood_for_the_agent_then_stays_with_the_assignment() -> None:
    [spell] = fold("""
    10:00:10  LegAnswered  leg_id=a1 role=AGENT agent=eva agent_snapshot.team=north agent_snapshot.site=haifa
    10:00:11  Bridged      leg_id=c1 peer_leg_id=a1 agent=eva queue=sales
    """).assignments
    assert (spell.team, spell.site, spell.queue) == ("north", "haifa", "sales")


def test_an_answer_told_by_another_clock_than_the_end_is_said_to_be_mixed() -> None:
    contact = fold("""
    10:00:10  LegAnswered  leg_id=a1 role=AGENT agent=eva @desktop
    10:00:11  Bridged      leg_id=c1 peer_leg_id=a1 agent=eva
    10:01:10  LegEnded     leg_id=a1
    """)
    assert [(spell.mixed_clock, spell.handle_us) for spell in contact.assignments] == [(True, 60 * SECOND)]


def test_an_end_before_the_answer_gives_no_length() -> None:
    contact = fold("""
    10:00:10  LegAnswered  leg_id=a1 role=AGENT agent=eva
    10:00:11  Bridged      leg_id=c1 peer_leg_id=a1 agent=eva
    09:59:10  LegEnded     leg_id=a1
    """)
    assert lengths(contact.assignments[0]) == (None, None, 0, None)
    assert rules(contact) == ["ended_before_it_began", "ended_before_it_began", "bridged_after_end"]


def test_two_agents_wrap_up_without_ids_by_their_names() -> None:
    contact = fold("""
    10:00:10  Bridged        leg_id=c1 peer_leg_id=a1 agent=eva
    10:01:10  LegEnded       leg_id=a1
    10:01:10  WrapUpStarted  agent=eva
    10:01:20  Bridged        leg_id=c1 peer_leg_id=b1 agent=dan
    10:01:40  WrapUpEnded    agent=eva
    10:02:20  LegEnded       leg_id=b1
    10:02:30  WrapUpEnded    agent=dan
    """)
    assert [lengths(spell) for spell in contact.assignments] == [(60, 0, 30, 90), (60, 0, 10, 70)]


@pytest.mark.parametrize("bridged", ["10:00:09", "10:00:11"])
def test_a_bridge_and_an_end_that_name_only_the_agent_are_of_the_spell_answered_in_that_moment(bridged: str) -> None:
    contact = fold(f"""
    10:00:10    LegAnswered  leg_id=a1 role=AGENT agent=eva assignment_id=s1
    10:00:10    Bridged      leg_id=c1 peer_leg_id=a1 agent=eva assignment_id=s1
    {bridged}   Bridged      leg_id=c1 agent=eva
    10:01:10    LegEnded     role=AGENT agent=eva
    """)
    [spell] = contact.assignments
    assert (spell.assignment_id, spell.leg_ids, lengths(spell)) == ("s1", ("a1",), (60, 0, 0, 60))
    assert spell.events[-1].type == "LegEnded"


def test_an_end_without_leg_belongs_to_the_agents_latest_leg_that_has_not_ended() -> None:
    contact = fold("""
    10:00:10  LegAnswered  leg_id=a1 role=AGENT agent=eva
    10:00:10  Bridged      leg_id=c1 peer_leg_id=a1 agent=eva
    10:00:20  LegAnswered  leg_id=a2 role=AGENT agent=ben
    10:00:20  Bridged      leg_id=c1 peer_leg_id=a2 agent=ben
    10:00:50  LegEnded     role=AGENT agent=eva
    """)
    assert [lengths(spell)[0] for spell in contact.assignments] == [40, None]
    assert contact.anomalies == ()
