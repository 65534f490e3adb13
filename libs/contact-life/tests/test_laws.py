"""What holds for any events whatever: order, repetition and nonsense never matter, and no length is negative."""

import random
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contact_life.agent_ring import agent_rings
from contact_life.agent_spell import agent_spells
from contact_life.codec import AGENT_TYPES, CONTACT_TYPES
from contact_life.contact import Contact
from contact_life.fold import fold_contact
from contact_life.identity import agent_id, contact_id, event_id
from contact_life.observed import Observed
from contact_life.timeline_table import timeline_table

CONTACT = contact_id("acme", "pbx", "c1")
EVA = agent_id("acme", "eva")
START_US = 1_772_445_600_000_000

FEW = {
    "leg_id": ["", "c1", "a1", "b1"],
    "peer_leg_id": ["", "a1", "b1", "c1"],
    "agent": ["", "eva", "dan"],
    "queue": ["", "sales", "loans"],
    "visit_id": ["", "", "v1", "v2"],
    "assignment_id": ["", "", "s1", "s2"],
    "transfer_id": ["", "t1"],
    "ring_id": ["", "", "r1"],
    "spell_id": ["", "", "p1"],
    "flow": ["", "main"],
    "native_id": ["c1"],
    "to_contact_id": ["x", "y"],
    "conference": ["9"],
    "event_id": [event_id("law", str(number), "") for number in range(4)],
}
"""Values few enough that events meet each other. Enumerations run over all their numbers and one of a newer schema."""


def fields(event_type: str) -> st.SearchStrategy[dict[str, object]]:
    known = (CONTACT_TYPES | AGENT_TYPES)[event_type].DESCRIPTOR.fields
    chosen: dict[str, st.SearchStrategy[object]] = {}
    for field in known:
        if field.enum_type is not None:
            chosen[field.name] = st.sampled_from([*field.enum_type.values_by_number, 77])
        elif field.name in FEW:
            chosen[field.name] = st.sampled_from(FEW[field.name])
        elif field.name == "ring_ms":
            chosen[field.name] = st.integers(-5, 20_000)
    return st.fixed_dictionaries(chosen)


@st.composite
def told(draw: st.DrawFn, types: list[str]) -> Observed:
    """Draw an event of a few seconds, sources and ids, so that lives are crowded and odd."""
    name = draw(st.sampled_from(types))
    body: Any = (CONTACT_TYPES | AGENT_TYPES)[name](**draw(fields(name)))
    if name != "AgentEventVoided":
        body.observation.inferred = draw(st.sampled_from([False, False, False, True]))
    if name == "AgentStateChanged":
        body.previous_since.FromMicroseconds(START_US + draw(st.integers(-20, 20)) * 1_000_000)
    number = draw(st.integers(0, 10**9))
    when = draw(st.one_of(st.integers(0, 20), st.sampled_from([-(10**9), 10**9])))
    return Observed(
        position=number,
        event_id=event_id("law", str(number % 50), ""),
        type=name,
        event_time_us=START_US + when * 1_000_000,
        record_time_us=START_US + 30_000_000,
        source_id=draw(st.sampled_from(["pbx", "pbx", "desktop"])),
        source_seq=draw(st.one_of(st.none(), st.integers(0, 9))),
        body=body,
    )


def unique(events: list[Observed]) -> list[Observed]:
    """Return one event for each id, as a log holds them."""
    return list({event.event_id: event for event in events}.values())


def lives(types: list[str]) -> st.SearchStrategy[list[Observed]]:
    return st.lists(told(types), max_size=25).map(unique)


CONTACTS = sorted(CONTACT_TYPES)
TALK = ["Bridged", "LegAnswered", "LegEnded", "Enqueued", "Dequeued", "LegHeld", "LegResumed", "WrapUpEnded"]
ANY_LIFE = st.one_of(lives(CONTACTS), lives(TALK), lives(["FlowEntered", "FlowExited", "Enqueued", "Dequeued"]))


@given(ANY_LIFE, st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(life: list[Observed], chance: random.Random) -> None:
    again = [*life, *chance.choices(life, k=5)] if life else []
    chance.shuffle(again)
    assert fold_contact(CONTACT, again) == fold_contact(CONTACT, life)


@given(ANY_LIFE, st.randoms(use_true_random=False))
def test_places_in_the_log_do_not_matter(life: list[Observed], chance: random.Random) -> None:
    elsewhere = [replace(event, position=chance.randrange(10**9)) for event in life]
    assert _without_positions(fold_contact(CONTACT, elsewhere)) == _without_positions(fold_contact(CONTACT, life))


def _without_positions(contact: Contact) -> tuple[object, ...]:
    visits = [(visit.visit_id, visit.wait_us, visit.dequeue_kind, visit.ordinal) for visit in contact.visits]
    spells = [(spell.assignment_id, spell.handle_us, spell.visit_id) for spell in contact.assignments]
    legs = [(leg.leg_id, leg.role, leg.ended_time_us) for leg in contact.legs]
    return contact.phase, contact.end, contact.ended_time_us, visits, spells, legs, contact.anomalies, contact.links


@given(ANY_LIFE)
def test_every_prefix_folds_and_no_length_is_negative(life: list[Observed]) -> None:
    for until in range(len(life) + 1):
        contact = fold_contact(CONTACT, life[:until])
        lengths = [visit.wait_us for visit in contact.visits] + [flow.length_us for flow in contact.flows]
        for spell in contact.assignments:
            lengths += [spell.talk_us, spell.hold_us, spell.wrap_up_us, spell.handle_us]
        assert all(length is None or length >= 0 for length in lengths)


@given(ANY_LIFE)
def test_parts_are_numbered_in_turn_and_share_nothing(life: list[Observed]) -> None:
    contact = fold_contact(CONTACT, life)
    for parts in (contact.visits, contact.assignments, contact.flows, contact.transfers):
        assert [part.ordinal for part in parts] == list(range(1, len(parts) + 1))
        events = [event.event_id for part in parts for event in part.events]
        assert len(events) == len(set(events))
    assert len({visit.visit_id for visit in contact.visits}) == len(contact.visits)
    assert len({spell.assignment_id for spell in contact.assignments}) == len(contact.assignments)


@given(ANY_LIFE)
def test_an_end_is_told_exactly_when_its_instant_is(life: list[Observed]) -> None:
    contact = fold_contact(CONTACT, life)
    assert (contact.end == "") == (contact.ended_time_us is None)
    assert contact.phase != "ended" or contact.end


@given(ANY_LIFE)
def test_any_contact_can_be_shown(life: list[Observed]) -> None:
    assert len(timeline_table(fold_contact(CONTACT, life)).splitlines()) == len(life) + 1


@given(ANY_LIFE, st.sampled_from(FEW["event_id"]))
def test_voiding_what_nobody_told_changes_nothing_but_what_is_said_of_it(life: list[Observed], unknown: str) -> None:
    life = [event for event in life if event.type != "EventVoided" and event.event_id != unknown]
    body = CONTACT_TYPES["EventVoided"](event_id=unknown)
    when = max((event.event_time_us for event in life), default=START_US)
    void = Observed(1, event_id("law", "void", ""), "EventVoided", when, START_US + 30_000_000, "pbx", None, body)
    plain, voided = fold_contact(CONTACT, life), fold_contact(CONTACT, [*life, void])
    assert (plain.visits, plain.assignments, plain.legs) == (voided.visits, voided.assignments, voided.legs)
    assert {"voided_unknown_event"} == {found.rule for found in voided.anomalies} - {
        found.rule for found in plain.anomalies
    }


AGENTS = ["AgentLoggedIn", "AgentLoggedOut", "AgentStateChanged", "AgentRingStarted", "AgentRingEnded"]


@given(lives([*AGENTS, "AgentEventVoided"]), st.randoms(use_true_random=False))
def test_agents_fold_whatever_the_order_and_never_to_negative_lengths(
    life: list[Observed], chance: random.Random
) -> None:
    shuffled = [*life, *life[:3]]
    chance.shuffle(shuffled)
    spells, rings = agent_spells(EVA, life), agent_rings(EVA, life)
    assert (agent_spells(EVA, shuffled), agent_rings(EVA, shuffled)) == (spells, rings)
    assert all(spell.length_us is None or spell.length_us >= 0 for spell in spells)
    assert all(ring.ring_us is None or ring.ring_us >= 0 for ring in rings)


@given(lives(AGENTS))
def test_a_lane_is_in_one_state_at_a_time(life: list[Observed]) -> None:
    spells = agent_spells(EVA, life)
    for queue in {spell.queue for spell in spells}:
        lane = [spell for spell in spells if spell.queue == queue]
        for one, following in pairwise(lane):
            assert one.ended_time_us is not None
            assert one.ended_time_us <= following.started_time_us


LONG = {
    "many queues": {"Enqueued": "queue", "Dequeued": "queue"},
    "many flows": {"FlowEntered": "flow", "FlowExited": "flow"},
    "many transfers": {"TransferStarted": "agent", "TransferCompleted": "agent"},
    "many agents and queues": {"Bridged": "agent", "Enqueued": "queue"},
    "a crowded conference": {"ConferenceJoined": "leg_id"},
}


@pytest.mark.parametrize("types", LONG.values(), ids=LONG.keys())
def test_the_longest_stream_folds_in_seconds_whatever_it_holds(types: dict[str, str]) -> None:
    life, names = [], list(types)
    for number in range(10_000):
        name = names[number * 7 % len(names)]
        body: Any = CONTACT_TYPES[name](**{types[name]: f"{number % 4_999}"})
        when = START_US + number * 1_000_000
        life.append(Observed(number, f"{number:032x}", name, when, when, "pbx", None, body))
    begun = time.process_time()
    fold_contact(CONTACT, life)
    assert time.process_time() - begun < 5
