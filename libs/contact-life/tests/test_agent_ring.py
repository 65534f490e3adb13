"""Rings of agents' endpoints: how long, and whether they count."""

import pytest

from contact_life.agent_ring import AgentRing, agent_rings, ring_verdict
from contact_life.identity import agent_id, agent_ring_id
from contact_life.timeline_text import events_of
from contact_life.words import RingOutcome, RingVerdict

EVA = agent_id("acme", "eva")
SECOND = 1_000_000


def rings(text: str, gone: dict[str, int] | None = None) -> tuple[AgentRing, ...]:
    return agent_rings(EVA, events_of(text), gone)


def verdicts(text: str, gone: dict[str, int] | None = None) -> list[tuple[int | None, str]]:
    return [(ring.ring_us, ring.verdict) for ring in rings(text, gone)]


def test_a_ring_runs_from_its_start_to_its_end() -> None:
    [ring] = rings("""
    10:00:00  AgentRingStarted  agent=eva contact_id=c queue=sales endpoint=PJSIP/7 visit_id=v
    10:00:09  AgentRingEnded    agent=eva contact_id=c outcome=NO_ANSWER
    """)
    assert (ring.ring_us, ring.verdict, ring.queue, ring.visit_id) == (9 * SECOND, RingVerdict.RONA, "sales", "v")
    assert ring.ring_id == agent_ring_id(EVA, "c", ring.started_time_us or 0)


def test_a_told_length_stands_for_an_untold_start() -> None:
    [ring] = rings("10:00:09  AgentRingEnded  agent=eva contact_id=c outcome=NO_ANSWER ring_ms=8000")
    assert (ring.ring_us, ring.verdict) == (8 * SECOND, RingVerdict.RONA)
    assert (ring.started_time_us or 0) + 8 * SECOND == ring.ended_time_us


@pytest.mark.parametrize(
    ("outcome", "ring_us", "verdict"),
    [
        (RingOutcome.ANSWERED, 0, "accepted"),
        (RingOutcome.NO_ANSWER, 8_000_000, "rona"),
        (RingOutcome.NO_ANSWER, 7_999_999, "offer_failed"),
        (RingOutcome.NO_ANSWER, None, "offer_failed"),
        (RingOutcome.FAILED, 30_000_000, "offer_failed"),
        (RingOutcome.REJECTED, 1, "rejected"),
        (RingOutcome.CALLER_GONE, 30_000_000, "rescinded"),
        (RingOutcome.UNSPECIFIED, 30_000_000, "offer_failed"),
        (99, 30_000_000, "offer_failed"),
    ],
)
def test_only_a_ring_long_enough_that_nobody_answered_is_rona(outcome: int, ring_us: int | None, verdict: str) -> None:
    assert ring_verdict(outcome, ring_us) == verdict


def test_a_caller_who_has_left_cannot_be_missed() -> None:
    text = "10:00:09  AgentRingEnded  agent=eva contact_id=c outcome=NO_ANSWER ring_ms=8000"
    [ended] = events_of(text)
    assert verdicts(text, {"c": ended.time_us}) == [(8 * SECOND, RingVerdict.RESCINDED)]
    assert verdicts(text, {"c": ended.time_us + 1}) == [(8 * SECOND, RingVerdict.RONA)]


def test_an_end_without_id_belongs_to_the_latest_ring_for_the_contact() -> None:
    told = rings("""
    10:00:00  AgentRingStarted  agent=eva contact_id=c
    10:00:01  AgentRingEnded    agent=eva contact_id=c outcome=NO_ANSWER
    10:00:05  AgentRingStarted  agent=eva contact_id=c
    10:00:06  AgentRingStarted  agent=eva contact_id=d
    10:00:15  AgentRingEnded    agent=eva contact_id=c outcome=ANSWERED
    """)
    assert [(ring.contact_id, ring.ring_us, ring.verdict) for ring in told] == [
        ("c", SECOND, "offer_failed"),
        ("c", 10 * SECOND, "accepted"),
        ("d", None, "open"),
    ]


def test_an_end_belongs_to_the_ring_before_it_not_to_the_one_that_begins_at_the_same_instant() -> None:
    assert verdicts("""
    10:00:00  AgentRingStarted  agent=eva contact_id=c
    10:00:10  AgentRingEnded    agent=eva contact_id=c outcome=NO_ANSWER
    10:00:10  AgentRingStarted  agent=eva contact_id=c
    """) == [(10 * SECOND, "rona"), (None, "open")]


def test_an_end_before_its_start_has_no_length() -> None:
    assert verdicts("""
    10:00:10  AgentRingStarted  agent=eva contact_id=c ring_id=r
    10:00:01  AgentRingEnded    agent=eva contact_id=c ring_id=r outcome=NO_ANSWER
    """) == [(None, "offer_failed")]


def test_a_negative_length_is_none() -> None:
    assert verdicts("10:00:09 AgentRingEnded agent=eva contact_id=c outcome=NO_ANSWER ring_ms=-5") == [
        (0, "offer_failed")
    ]


def test_a_voided_ring_is_none() -> None:
    wrong = "11111111-1111-5111-8111-111111111111"
    assert not rings(f"""
    10:00:09  AgentRingEnded    agent=eva contact_id=c outcome=NO_ANSWER ring_ms=9000 id={wrong}
    10:00:10  AgentEventVoided  agent=eva event_id={wrong}
    """)
