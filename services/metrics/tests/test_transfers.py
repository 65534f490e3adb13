"""Figures of transfers, over rows in a real Postgres."""

from collections.abc import Sequence
from typing import Any

import pytest

from fact_rows import TENANT, database_of, insert, prepare
from metrics.evidence.evidence import DAY_US, Subject, Terms
from metrics.figure import catalogue
from metrics.figure.definition import Figure, figure
from metrics.interval.interval import Interval, instant_us, zone_named
from metrics.report.grouped import columns_of, grouped
from metrics.report.question import Question, Scope
from metrics.report.snapshot import snapshot

SECOND = 1_000_000
NINE_US = instant_us("2026-01-05T09:00Z", zone_named("UTC"))
FIGURES = ("transfer_rate", "transfer_rate.escalation", "transfers_out", "misroute_rate@1", "misroute_rate@2")


@pytest.fixture
async def address(fresh_database: str) -> str:
    await prepare(fresh_database)
    return fresh_database


async def figures(address: str, subject: Subject, *subjects: str, more: Sequence[str] = ()) -> dict[str, Figure]:
    """Return figures of some subjects (none: all) over a day, by reference."""
    found = catalogue.chosen((*FIGURES, *more), subject)
    day = Interval(NINE_US, NINE_US + DAY_US, zone_named("UTC"))
    question = Question(subject, Scope(TENANT, subjects or None), day, Terms(now_us=NINE_US + DAY_US))
    async with database_of(address) as database, snapshot(database) as connection:
        groups = await grouped(connection, question, columns_of(found, {}))
    return {definition.reference: figure(definition, groups.total) for definition in found}


async def spells(address: str, *told: tuple[str, str, int], agent: str = "ann") -> None:
    """Write spells as (contact, queue, seconds after nine at which it was bridged), each with its visit."""
    named = [
        (contact, f"{contact}{queue}{second}", queue, NINE_US + second * SECOND) for contact, queue, second in told
    ]
    await insert(address, "queue_visit", [
        {"contact_id": contact, "visit_id": f"v{name}", "queue": queue, "outcome": "answered", "enqueued_time": when}
        for contact, name, queue, when in named
    ])  # fmt: skip
    await insert(address, "assignment", [
        {"contact_id": contact, "assignment_id": name, "visit_id": f"v{name}", "queue": queue, "agent": agent,
         "team": "red", "started_time": when, "bridged_time": when}
        for contact, name, queue, when in named
    ])  # fmt: skip


def transfer(contact: str, second: int, **more: Any) -> dict[str, Any]:
    """Return a transfer by ann that began so many seconds after nine and reached its target a second later."""
    began = NINE_US + second * SECOND
    times = {"started_time": began, "completed_time": began + SECOND}
    return {"contact_id": contact, "transfer_id": f"{contact}{second}", "agent": "ann", **times, **more}


async def test_a_contact_is_misrouted_once_if_told_so_or_soon_passed_to_another_department(address: str) -> None:
    await spells(address, *((f"c{number}", "sales", 0) for number in range(1, 8)))
    await spells(address, ("c1", "sales", 300), ("c4", "sales", 300))
    await insert(address, "transfer", [
        transfer("c1", 200, reason="misroute"),
        transfer("c1", 310, reason="misroute"),
        transfer("c2", 60, to_department="loans"),
        transfer("c3", 10, to_queue="loans"),
        transfer("c4", 200, to_department="north"),
        transfer("c4", 310, to_department="north"),
        transfer("c5", 61, to_department="loans"),
        transfer("c6", 10, to_department="sales"),
        transfer("c7", 10, to_department="red"),
    ])  # fmt: skip
    for subject in (Subject.QUEUE, Subject.AGENT):
        rate = (await figures(address, subject))["misroute_rate@2"].reading
        assert (rate.numerator, rate.n) == (2, 7), subject


async def test_both_versions_of_the_misroute_rate_are_read_side_by_side(address: str) -> None:
    await spells(address, ("c1", "sales", 0), ("c2", "sales", 0), ("c2", "sales", 300))
    await insert(address, "transfer", [transfer("c1", 10, to_queue="loans")])
    found = await figures(address, Subject.QUEUE)
    assert found["misroute_rate@1"].value == pytest.approx(1 / 3), "assignments, to any other queue"
    assert found["misroute_rate@2"].value == 0.0
    assert found["misroute_rate@2"].reading.n == 2, "contacts"


async def test_a_transfer_that_names_no_spell_leads_out_of_the_agents_latest_one(address: str) -> None:
    await spells(address, ("c1", "sales", 0), ("c1", "loans", 300))
    await insert(address, "transfer", [transfer("c1", 200)])
    agent = await figures(address, Subject.AGENT, "ann")
    assert (agent["transfers_out@1"].value, agent["transfer_rate@1"].value) == (1, 0.5)
    sales, loans = [await figures(address, Subject.QUEUE, queue) for queue in ("sales", "loans")]
    assert (sales["transfers_out@1"].value, loans["transfers_out@1"].value) == (1, 0)


async def test_transfers_in_and_out_stand_apart(address: str) -> None:
    await spells(address, ("c1", "sales", 0))
    failed = transfer("c1", 9, failed_time=NINE_US + 10 * SECOND, completed_time=None)
    await insert(address, "transfer", [transfer("c1", 5, reason="escalation", to_queue="loans", to_agent="bob")])
    await insert(address, "transfer", [failed])
    sales, loans = [await figures(address, Subject.QUEUE, name, more=["transfers_in"]) for name in ("sales", "loans")]
    bob = await figures(address, Subject.AGENT, "bob", more=["transfers_in"])
    assert (sales["transfers_out@1"].value, sales["transfers_in@1"].value) == (1, 0)
    assert (loans["transfers_out@1"].value, loans["transfers_in@1"].value) == (0, 1)
    assert (bob["transfers_in@1"].value, sales["transfer_rate.escalation@1"].value) == (1, 1.0)
