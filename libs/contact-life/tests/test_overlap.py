"""Agents in two services at once."""

from contact_life.fold import fold_contact
from contact_life.identity import contact_id
from contact_life.overlap import overlapping_assignments, overlapping_services
from contact_life.timeline_text import events_of


def overlaps(*services: tuple[int, int, str]) -> list[tuple[str, str, int, int]]:
    return [
        (found.earlier_assignment_id, found.later_assignment_id, found.from_time_us, found.until_time_us)
        for found in overlapping_services("eva", services)
    ]


def test_a_service_that_begins_within_another_overlaps_it() -> None:
    assert overlaps((0, 10, "a"), (9, 20, "b")) == [("a", "b", 9, 10)]
    assert overlaps((9, 20, "b"), (0, 10, "a")) == [("a", "b", 9, 10)]


def test_services_that_touch_and_services_of_no_length_do_not() -> None:
    assert overlaps((0, 10, "a"), (10, 20, "b"), (15, 15, "c")) == []


def test_the_earlier_one_that_ends_last_is_named() -> None:
    assert overlaps((0, 100, "a"), (10, 20, "b"), (30, 40, "c")) == [("a", "b", 10, 20), ("a", "c", 30, 40)]


def test_an_agents_contacts_are_looked_at_together_and_unknown_agents_not_at_all() -> None:
    spells = [
        spell
        for native, agent in (("c1", "eva"), ("c2", "eva"), ("c3", "dan"), ("c4", ""), ("c5", ""))
        for spell in fold_contact(
            contact_id("acme", "pbx", native),
            events_of(f"""
    10:00:11  Bridged   leg_id={native} peer_leg_id=a agent={agent}
    10:01:11  LegEnded  leg_id=a role=AGENT
    """),
        ).assignments
    ]
    assert [(found.agent, found.until_time_us - found.from_time_us) for found in overlapping_assignments(spells)] == [
        ("eva", 60_000_000)
    ]
