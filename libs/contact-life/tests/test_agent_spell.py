"""Spells of agents in their states."""

from contact_life.agent_spell import agent_spells
from contact_life.identity import agent_id, agent_spell_id
from contact_life.timeline_text import events_of
from contact_life.words import AgentState, word

EVA = agent_id("acme", "eva")
SECOND = 1_000_000


def spells(text: str) -> list[tuple[str, str, str, float | None]]:
    """Return queue, state, reason and length in seconds of each spell."""
    return [
        (
            spell.queue,
            word(AgentState, spell.state),
            spell.reason,
            None if spell.length_us is None else spell.length_us / SECOND,
        )
        for spell in agent_spells(EVA, events_of(text))
    ]


def test_who_signs_in_is_available_until_another_state_is_told() -> None:
    assert spells("""
    10:00:00  AgentLoggedIn      agent=eva
    10:05:00  AgentStateChanged  agent=eva state=NOT_READY reason=lunch
    10:35:00  AgentStateChanged  agent=eva state=AVAILABLE
    11:00:00  AgentLoggedOut     agent=eva
    """) == [("", "available", "", 300), ("", "not_ready", "lunch", 1800), ("", "available", "", 1500)]


def test_a_spell_that_lasts_has_no_length() -> None:
    [spell] = agent_spells(EVA, events_of("10:00:00  AgentLoggedIn  agent=eva queue=sales"))
    assert (spell.ended_time_us, spell.length_us, spell.assumed, spell.agent) == (None, None, True, "eva")
    assert spell.spell_id == agent_spell_id(EVA, "available", spell.started_time_us)


def test_queues_are_lanes_of_their_own() -> None:
    assert spells("""
    10:00:00  AgentLoggedIn      agent=eva queue=sales
    10:00:00  AgentLoggedIn      agent=eva queue=loans
    10:05:00  AgentStateChanged  agent=eva queue=sales state=NOT_READY
    10:10:00  AgentLoggedOut     agent=eva queue=loans
    10:20:00  AgentLoggedOut     agent=eva
    """) == [("loans", "available", "", 600), ("sales", "available", "", 300), ("sales", "not_ready", "", 900)]


def test_going_offline_ends_every_lane() -> None:
    assert spells("""
    10:00:00  AgentLoggedIn      agent=eva queue=sales
    10:05:00  AgentStateChanged  agent=eva state=OFFLINE
    """) == [("sales", "available", "", 300), ("", "offline", "", None)]


def test_signing_in_again_changes_nothing() -> None:
    assert spells("""
    10:00:00  AgentLoggedIn      agent=eva
    10:01:00  AgentStateChanged  agent=eva state=NOT_READY
    10:02:00  AgentLoggedIn      agent=eva
    10:03:00  AgentLoggedOut     agent=eva
    """) == [("", "available", "", 60), ("", "not_ready", "", 120)]


def test_signing_out_and_in_again_within_one_second_stays_signed_in() -> None:
    assert spells("""
    10:00:00  AgentLoggedIn   agent=eva
    10:01:00  AgentLoggedOut  agent=eva
    10:01:00  AgentLoggedIn   agent=eva
    """) == [("", "available", "", 60), ("", "available", "", None)]


def test_a_state_told_again_goes_on() -> None:
    assert spells("""
    10:00:00  AgentStateChanged  agent=eva state=NOT_READY reason=lunch
    10:01:00  AgentStateChanged  agent=eva state=NOT_READY reason=lunch
    10:02:00  AgentStateChanged  agent=eva state=NOT_READY reason=coaching
    """) == [("", "not_ready", "lunch", 120), ("", "not_ready", "coaching", None)]


def test_the_state_before_is_told_where_its_own_beginning_was_lost() -> None:
    assert spells("""
    10:10:00  AgentStateChanged  agent=eva state=AVAILABLE previous_state=WRAP_UP previous_since=2026-03-02T10:09:00
    """) == [("", "wrap_up", "", 60), ("", "available", "", None)]
    assert spells("""
    10:00:00  AgentStateChanged  agent=eva state=AVAILABLE
    10:10:00  AgentStateChanged  agent=eva state=AVAILABLE previous_state=WRAP_UP previous_since=2026-03-02T10:09:00
    """) == [("", "available", "", 540), ("", "wrap_up", "", 60), ("", "available", "", None)]


def test_an_inferred_sign_out_ends_the_spell_and_gives_no_length() -> None:
    [spell] = agent_spells(
        EVA,
        events_of("""
    10:00:00  AgentLoggedIn   agent=eva
    18:00:00  AgentLoggedOut  agent=eva observation.inferred=true
    """),
    )
    assert (spell.inferred, spell.length_us) == (True, None)
    assert spell.ended_time_us is not None


def test_a_told_spell_id_is_kept_and_a_sign_out_of_nobody_is_nothing() -> None:
    [spell] = agent_spells(
        EVA,
        events_of("""
    09:00:00  AgentLoggedOut     agent=eva
    10:00:00  AgentStateChanged  agent=eva state=AVAILABLE spell_id=s1
    """),
    )
    assert spell.spell_id == "s1"


def test_a_voided_change_is_none() -> None:
    wrong = "11111111-1111-5111-8111-111111111111"
    assert spells(f"""
    10:00:00  AgentLoggedIn      agent=eva
    10:01:00  AgentStateChanged  agent=eva state=NOT_READY id={wrong}
    10:01:30  AgentEventVoided   agent=eva event_id={wrong}
    10:02:00  AgentLoggedOut     agent=eva
    """) == [("", "available", "", 120)]
