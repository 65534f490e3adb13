"""Rings and states of agents, first contacts and callbacks, over rows in a real Postgres."""

import asyncio
from typing import Any

import pytest

from fact_rows import TENANT, database_of, empty, insert, prepare
from metrics.evidence.evidence import DAY_US, Subject, Terms
from metrics.figure import catalogue
from metrics.figure.definition import Figure, figure
from metrics.interval.calendar import Granularity
from metrics.interval.interval import Interval, instant_us, zone_named
from metrics.report.grouped import Groups, columns_of, grouped
from metrics.report.question import Question, Scope
from metrics.report.snapshot import snapshot

MINUTE = 60_000_000
SECOND = 1_000_000
NINE_US = instant_us("2026-01-05T09:00Z", zone_named("UTC"))


@pytest.fixture(scope="module")
def prepared(database: str) -> str:
    asyncio.run(prepare(database))
    return database


@pytest.fixture
async def address(prepared: str) -> str:
    await empty(prepared)
    return prepared


async def _groups(address: str, question: Question) -> Groups:
    definitions = catalogue.chosen((), question.subject)
    async with database_of(address) as database, snapshot(database) as connection:
        return await grouped(connection, question, columns_of(definitions, {}))


def _asked(subject: Subject, *, hours: int = 1, granularity: Granularity = Granularity.WHOLE, **more: Any) -> Question:
    interval = Interval(NINE_US, NINE_US + hours * 60 * MINUTE, zone_named("UTC"), granularity)
    now_us = more.pop("now_us", NINE_US + DAY_US)
    return Question(subject, Scope(TENANT, **more), interval, Terms(now_us=now_us))


async def _of(address: str, question: Question) -> dict[str, Figure]:
    groups = await _groups(address, question)
    found = catalogue.chosen((), question.subject)
    return {definition.name: figure(definition, groups.total) for definition in found}


def spell(state: str, start: float, spell_id: str, queue: str = "", agent: str = "ann") -> dict[str, Any]:
    started = NINE_US + int(start * MINUTE)
    return {"agent": agent, "spell_id": spell_id, "state": state, "queue": queue, "started_time": started}


SHIFT = [
    spell("available", -30, "s1"),
    spell("on_contact", 10, "s2"),
    spell("wrap_up", 25, "s3"),
    spell("available", 30, "s4"),
    spell("not_ready", 45, "s5"),
    spell("unreachable", 51, "s6"),
    spell("offline", 55, "s7"),
]
"""From 9:00: 10 minutes available, 15 on a contact, 5 in wrap-up, 15 available, 6 not ready, 4 unreachable, gone."""


async def test_time_in_states_is_clipped_to_the_interval(address: str) -> None:
    await insert(address, "agent_spell", SHIFT)
    found = await _of(address, _asked(Subject.AGENT))
    assert found["occupancy"].value == pytest.approx(20 / 45)
    assert found["staffed_duration"].value == 55 * 60
    assert found["shrinkage"].value == pytest.approx(10 / 55)
    assert (found["available_duration"].value, found["not_ready_duration"].value) == (25 * 60, 6 * 60)
    assert found["unreachable_duration"].value == 4 * 60


async def test_parts_of_the_time_in_states_add_up_to_the_whole(address: str) -> None:
    await insert(address, "agent_spell", SHIFT)
    groups = await _groups(address, _asked(Subject.AGENT, granularity=Granularity.QUARTER_HOUR))
    assert [row.sums["staffed_us"] // MINUTE for row in groups.rows] == [15, 15, 15, 10]
    assert groups.total["staffed_us"] == 55 * MINUTE


async def test_states_of_several_queues_count_once_on_the_wall_clock(address: str) -> None:
    lanes = [
        spell("available", 0, "a1", "sales"),
        spell("available", 0, "a2", "loans"),
        spell("not_ready", 20, "a3", "sales"),
        spell("not_ready", 40, "a4", "loans"),
        spell("offline", 60, "a5"),
    ]
    await insert(address, "agent_spell", lanes)
    found = await _of(address, _asked(Subject.AGENT))
    assert found["staffed_duration"].value == 60 * 60
    assert found["shrinkage"].value == pytest.approx(20 / 60), "away is who is away in every queue"
    assert found["occupancy"].value == 0.0


async def test_a_spell_that_lasts_reaches_until_what_is_known(address: str) -> None:
    await insert(address, "agent_spell", [spell("available", 0, "s1")])
    found = await _of(address, _asked(Subject.AGENT, now_us=NINE_US + 20 * MINUTE))
    assert found["staffed_duration"].value == 20 * 60


async def test_without_a_source_of_states_time_is_undefined(address: str) -> None:
    found = await _of(address, _asked(Subject.AGENT))
    assert [found[name].value for name in ("occupancy", "staffed_duration", "shrinkage")] == [None, None, None]


async def test_a_source_that_never_tells_contacts_makes_no_occupancy_of_an_agent_who_had_some(address: str) -> None:
    await insert(address, "agent_spell", [spell("available", 0, "s1"), spell("offline", 60, "s2")])
    times = {"started_time": NINE_US + MINUTE, "bridged_time": NINE_US + MINUTE, "ended_time": NINE_US + 5 * MINUTE}
    await insert(address, "assignment", [{"contact_id": "c", "assignment_id": "a", "agent": "ann", **times}])
    found = await _of(address, _asked(Subject.AGENT))
    assert found["occupancy"].value is None
    assert found["staffed_duration"].value == 3600


def ring(number: int, outcome: str, rang_s: float | None, visit: str = "v0", agent: str = "ann") -> dict[str, Any]:
    ended = NINE_US + number * MINUTE
    return {
        "agent": agent,
        "ring_id": f"r{number}",
        "contact_id": "c0",
        "visit_id": visit,
        "queue": "sales",
        "ended_time": ended,
        "started_time": None if rang_s is None else ended - int(rang_s * SECOND),
        "ring_us": None if rang_s is None else int(rang_s * SECOND),
        "outcome": outcome,
    }


async def test_only_a_ring_that_could_be_heard_and_was_not_overtaken_is_rona(address: str) -> None:
    rings = [
        ring(1, "answered", 4),
        ring(2, "answered", 12),
        ring(3, "rejected", 3),
        ring(4, "no_answer", 8),
        ring(5, "no_answer", 30),
        ring(6, "no_answer", 7.9),
        ring(7, "no_answer", None),
        ring(8, "failed", 0),
        ring(9, "caller_gone", 20),
        ring(10, "no_answer", 20, "v-lost"),
        ring(11, "no_answer", 20, "v-gone"),
    ]
    await insert(address, "agent_ring", rings)
    times = {"enqueued_time": NINE_US, "contact_id": "c0", "queue": "sales"}
    lost = {"visit_id": "v-lost", "outcome": "answered", "bridged_time": NINE_US + 10 * MINUTE + SECOND}
    gone = {"visit_id": "v-gone", "outcome": "abandoned", "dequeued_time": NINE_US + 11 * MINUTE - SECOND}
    still = {"visit_id": "v0", "outcome": "answered", "dequeued_time": NINE_US + 50 * MINUTE}
    await insert(address, "queue_visit", [{**times, **visit} for visit in (lost, gone, still)])
    for subject in (Subject.AGENT, Subject.QUEUE):
        found = await _of(address, _asked(subject))
        assert (found["rona"].value, found["offer_failed"].value) == (2, 3)
        assert found["rona_rate"].value == pytest.approx(2 / 5)


async def test_a_reader_of_one_team_sees_no_rings_and_states_since_these_name_no_team(address: str) -> None:
    await insert(address, "agent_ring", [ring(1, "no_answer", 20)])
    await insert(address, "agent_spell", SHIFT)
    found = await _of(address, _asked(Subject.AGENT, team="red"))
    assert (found["rona_rate"].value, found["staffed_duration"].value) == (None, None)


def coming(number: int, day: float, customer: str = "x", reason: str = "bill", **more: Any) -> dict[str, Any]:
    at = NINE_US + int(day * DAY_US)
    return {
        "contact_id": f"c{number:02}",
        "customer_ref": customer,
        "reason": reason,
        "direction": "inbound",
        "arrived_time": at,
        "first_time": at,
        "contact_end": "handled",
        **more,
    }


async def _firsts(address: str, contacts: list[dict[str, Any]], now_day: float) -> dict[str, Figure]:
    await insert(address, "contact", contacts)
    visits = [
        {"contact_id": one["contact_id"], "visit_id": "v", "queue": "sales", "enqueued_time": one["arrived_time"]}
        for one in contacts
    ]
    await insert(address, "queue_visit", visits)
    return await _of(address, _asked(Subject.QUEUE, hours=24 * 2, now_us=NINE_US + int(now_day * DAY_US)))


async def test_a_first_contact_is_repeated_by_the_same_person_for_the_same_reason_within_seven_days(
    address: str,
) -> None:
    contacts = [
        coming(1, 0.1, "x"),
        coming(2, 6.9, "x"),
        coming(3, 0.2, "y"),
        coming(4, 7.3, "y"),
        coming(5, 0.3, "z", "bill"),
        coming(6, 1.0, "z", "loan"),
        coming(7, 0.4, "w", contact_end="abandoned_queue"),
        coming(8, 0.5, "", "bill"),
    ]
    found = await _firsts(address, contacts, now_day=30)
    assert found["repeat_rate"].reading.numerator == 1
    assert found["repeat_rate"].reading.n == 5, "x, y, z twice, w"
    assert found["fcr"].value == pytest.approx(3 / 5), "w was not served"
    assert found["fcr.coverage"].value == pytest.approx(5 / 6)
    assert not found["fcr"].provisional


async def test_a_contact_after_another_within_seven_days_is_no_first_one(address: str) -> None:
    found = await _firsts(address, [coming(1, -3), coming(2, 0.1), coming(3, 9.5, "y")], now_day=30)
    assert found["fcr"].reading.n == 0


async def test_fcr_is_provisional_until_seven_days_have_passed(address: str) -> None:
    assert (await _firsts(address, [coming(1, 0.1)], now_day=7.0))["fcr"].provisional
    assert not (await _of(address, _asked(Subject.QUEUE, hours=48, now_us=NINE_US + int(7.2 * DAY_US))))[
        "fcr"
    ].provisional


async def test_reconnects_and_the_centres_own_calls_are_no_repeats(address: str) -> None:
    contacts = [coming(1, 0.1), coming(2, 0.2), coming(3, 0.3, direction="callback")]
    await insert(address, "contact_link", [{"contact_id": "c02", "to_contact_id": "c01", "linked": True}])
    found = await _firsts(address, contacts, now_day=30)
    assert (found["repeat_rate"].value, found["repeat_rate"].reading.n) == (0.0, 1)


async def test_a_callback_is_kept_when_it_reached_the_customer_within_the_promise(address: str) -> None:
    asked = {"callback_requested_time": NINE_US, "callback_queue": "sales"}
    contacts = [
        {"contact_id": "c1", **asked, "callback_promised_time": NINE_US + 60, "callback_completed_time": NINE_US + 60},
        {"contact_id": "c2", **asked, "callback_promised_time": NINE_US + 60, "callback_completed_time": NINE_US + 61},
        {"contact_id": "c3", **asked, "callback_completed_time": NINE_US + 99},
        {"contact_id": "c4", **asked, "callback_failed_time": NINE_US + 99},
        {"contact_id": "c5", **asked},
    ]
    await insert(address, "contact", contacts)
    found = await _of(address, _asked(Subject.QUEUE))
    assert [found[f"callback.{name}"].reading.numerator for name in ("taken", "kept", "failed")] == [5, 2, 1]
    assert found["callback.kept"].provisional
