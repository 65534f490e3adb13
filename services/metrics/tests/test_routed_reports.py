"""Figures that rest on what routing decided: offers, time of our own agents, ways through flows, estimates."""

from dataclasses import replace
from statistics import mean

import pytest

from fact_rows import TENANT, database_of, insert, prepare
from metrics.evidence.evidence import Credit, Subject, Terms
from metrics.figure import catalogue
from metrics.figure.definition import Figure, figure
from metrics.interval.calendar import Granularity
from metrics.interval.interval import Interval, zone_named
from metrics.report.flow_report import FlowReport, flow_report
from metrics.report.grouped import columns_of, grouped
from metrics.report.question import Question, Scope
from metrics.report.snapshot import snapshot

SECOND = 1_000_000
START = 1_800_000_000 * SECOND
HOUR = 3_600 * SECOND
ASKED = Question(
    subject=Subject.QUEUE,
    scope=Scope(TENANT),
    interval=Interval(START, START + HOUR, zone_named("UTC"), Granularity.WHOLE, 1, Credit.ENQUEUE),
    terms=Terms(now_us=START + HOUR),
)


@pytest.fixture
async def facts(fresh_database: str) -> str:
    await prepare(fresh_database)
    return fresh_database


async def figures(address: str, subject: Subject, *names: str) -> list[Figure]:
    definitions = [catalogue.definition(name, subject) for name in names]
    question = replace(ASKED, subject=subject)
    async with database_of(address) as database, snapshot(database) as connection:
        found = await grouped(connection, question, columns_of(definitions, {}))
    return [figure(definition, found.total, 1) for definition in definitions]


def reservation(number: int, agent: str, outcome: str, rang: int = 0, accepted: bool = False) -> dict[str, object]:  # noqa: FBT001, FBT002
    created = START + number * 60 * SECOND
    return {
        "contact_id": f"c{number}",
        "reservation_id": f"r{number}",
        "visit_id": f"v{number}",
        "queue": "main",
        "agent": agent,
        "created_time": created,
        "ringing_time": created + SECOND,
        "accepted_time": created + 5 * SECOND if accepted else None,
        "ended_time": created + 20 * SECOND,
        "outcome": outcome,
        "rang_us": rang * SECOND or None,
    }


async def test_an_offer_that_nobody_took_counts_where_it_rang_and_a_lost_race_never(facts: str) -> None:
    told = [
        reservation(1, "ann", "bridged", accepted=True),
        reservation(2, "ann", "rescinded", accepted=True),
        reservation(3, "ann", "rejected"),
        reservation(4, "ann", "rona", 15),
        reservation(5, "ann", "offer_failed", 3),
        reservation(6, "ann", "rescinded"),
        reservation(7, "ann", "cancelled"),
    ]
    await insert(facts, "reservation", told)
    rings = [{"agent": "ann", "ring_id": "x4", "stream_id": "s", "contact_id": "c4", "queue": "main",
              "outcome": "no_answer", "ended_time": START + 250 * SECOND, "ring_us": 15 * SECOND},
             {"agent": "ann", "ring_id": "x9", "stream_id": "s", "contact_id": "c9", "queue": "main",
              "outcome": "answered", "ended_time": START + 300 * SECOND, "ring_us": 5 * SECOND}]  # fmt: skip
    await insert(facts, "agent_ring", rings)
    rate, rona, failed = await figures(facts, Subject.AGENT, "rona_rate", "rona", "offer_failed")
    assert (rate.reading.numerator, rate.reading.n) == (1, 5)  # taken twice, rejected, rona; and a ring of another call
    assert (rona.value, failed.value) == (1, 1)


async def test_time_of_an_agent_whom_routing_knows_is_taken_from_routing_alone(facts: str) -> None:
    states = [("available", 0), ("reserved", 600), ("on_contact", 610), ("wrap_up", 1_210), ("available", 1_810)]
    await insert(
        facts,
        "routed_spell",
        [
            {"stream_id": "s", "spell_id": f"p{at}", "agent": "ann", "state": state, "position": at,
             "started_time": START + at * SECOND}
            for state, at in [*states, ("offline", 2_410)]
        ],
    )  # fmt: skip
    told = {"stream_id": "s", "started_time": START, "told_by": "state"}
    await insert(facts, "agent_spell", [
        {**told, "agent": "ann", "spell_id": "other", "state": "not_ready"},
        {**told, "agent": "bob", "spell_id": "his", "state": "available"},
    ])  # fmt: skip
    occupancy, staffed = await figures(facts, Subject.AGENT, "occupancy", "staffed_duration")
    assert staffed.reading.numerator == 2_410 + 3_600
    assert occupancy.reading.numerator == 1_200
    assert occupancy.reading.denominator == 1_200 + 1_200 + 3_600


async def test_an_estimate_is_judged_by_the_wait_that_came_of_it(facts: str) -> None:
    waits = {1: (30, 40), 2: (60, 20), 3: (10, None)}
    await insert(facts, "estimate", [
        {"contact_id": f"c{n}", "position": n, "visit_id": f"v{n}", "queue": "main",
         "estimated_wait_us": estimated * SECOND, "made_time": START + n}
        for n, (estimated, _) in waits.items()
    ])  # fmt: skip
    await insert(facts, "queue_visit", [
        {"contact_id": f"c{n}", "visit_id": f"v{n}", "queue": "main", "outcome": "answered", "enqueued_time": START,
         "bridged_time": START + n + waited * SECOND}
        for n, (_, waited) in waits.items() if waited
    ])  # fmt: skip
    error, bias = await figures(facts, Subject.QUEUE, "estimate_error", "estimate_error.bias")
    assert (error.value, bias.value) == (mean([10, 40]), mean([10, -40]))
    assert error.reading.n == 2


async def flows(address: str, subject: Subject) -> FlowReport:
    definitions = catalogue.chosen(["misroute_rate", "containment_rate"], Subject.FLOW)
    async with database_of(address) as database, snapshot(database) as connection:
        return await flow_report(connection, replace(ASKED, subject=subject), definitions)


async def test_misroutes_are_told_by_version_and_by_the_nodes_that_led_there(facts: str) -> None:
    paths = {1: ("hello", "menu > sales"), 2: ("hello", "menu > sales"), 3: ("hello", "menu > billing")}
    await insert(facts, "contact", [
        {"contact_id": f"c{n}", "flow": "welcome", "flow_version": "7", "flow_entered_time": START,
         "flow_exited_time": START + n, "contact_end": "handled"} for n in paths
    ])  # fmt: skip
    await insert(facts, "flow_step", [
        {"contact_id": f"c{n}", "position": 10 * n + step, "flow": "welcome", "flow_version": "7", "nodes": nodes,
         "step_time": START}
        for n, steps in paths.items() for step, nodes in enumerate(steps)
    ])  # fmt: skip
    await insert(facts, "assignment", [
        {"contact_id": f"c{n}", "assignment_id": f"a{n}", "agent": "ann", "queue": "sales", "started_time": START + n,
         "bridged_time": START + n} for n in paths
    ])  # fmt: skip
    wrong = {"contact_id": "c1", "transfer_id": "t1", "assignment_id": "a1", "agent": "ann", "reason": "misroute"}
    await insert(facts, "transfer", [{**wrong, "started_time": START + SECOND}])
    (version,) = (await flows(facts, Subject.FLOW)).rows
    assert (version.flow, version.version, version.node_path) == ("welcome", "7", "")
    assert [found.value for found in version.figures if found.name == "misroute_rate"] == [pytest.approx(1 / 3)]
    rates = {
        row.node_path: found.value
        for row in (await flows(facts, Subject.FLOW_PATH)).rows
        for found in row.figures
        if found.name == "misroute_rate"
    }
    assert rates == {"hello > menu > sales": 0.5, "hello > menu > billing": 0.0}
