"""Facts of what routing decided: equal to a plain recount however they come, beside the facts of contacts."""

import random
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from decided_events import any_centre, events_of
from event_log.operating import raise_incarnation
from ivr_routing.core import events as e
from ivr_routing.core.words import AgentState, ExpiryKind, RescindCause
from live_facts import ROUTING_SCHEMA, Scene, decide, routed
from metrics.rebuild.refused import DecisionsUnknown
from routing_testing import SECOND, TENANT, Centre, contact_id
from told_contacts import chance_of, contacts, in_time

Rows = dict[str, dict[str, Any]]


_OUTCOMES = {
    e.ReservationBridged: "bridged",
    e.ReservationRejected: "rejected",
    e.ReservationRescinded: "rescinded",
    e.ReservationCancelled: "cancelled",
    e.ReservationBridgeFailed: "bridge_failed",
}


def recounted(centre: Centre) -> Rows:
    """Recount the reservations of a centre from its log, one event after the other."""
    rows: Rows = {}
    for now_us, event in centre.log:
        held = rows.get(getattr(event, "reservation_id", ""), {})
        if isinstance(event, e.ReservationCreated):
            rows[event.reservation_id] = {
                "contact_id": event.contact_id, "queue": event.queue, "agent": event.agent, "created": now_us,
                "accepted": None, "ended": None, "outcome": "", "rang": None,
            }  # fmt: skip
        elif isinstance(event, e.ReservationAccepted):
            held["accepted"] = now_us
        elif isinstance(event, e.ReservationExpired):
            word = {ExpiryKind.RONA: "rona", ExpiryKind.OFFER_FAILED: "offer_failed"}[event.kind]
            held |= {"outcome": word, "ended": now_us, "rang": event.rang_ms * 1_000}
        elif type(event) in _OUTCOMES:
            held |= {"outcome": _OUTCOMES[type(event)], "ended": now_us}
        if isinstance(event, e.ReservationRescinded):
            held["cause"] = RescindCause(event.cause).name.lower()
    return rows


async def stored(scene: Scene, tenant: str = TENANT) -> Rows:
    rows = await scene.database.fetch(
        "select reservation_id, contact_id, queue, agent, created_time as created, accepted_time as accepted,"
        " ended_time as ended, outcome, rang_us as rang, case when outcome = 'rescinded' then cause end as cause"
        " from metrics.reservation where tenant = $1",
        tenant,
    )
    found = [{name: value for name, value in row.items() if name != "cause" or value is not None} for row in rows]
    return {row.pop("reservation_id"): row for row in found}


async def test_reservations_equal_a_recount_in_whatever_parts_they_come(
    fresh_database: str, chance: random.Random
) -> None:
    centres = {f"tenant-{seed}": any_centre(seed, 150) for seed in range(30)}
    told = [event for tenant, centre in centres.items() for event in events_of(centre, tenant)]
    async with routed(fresh_database) as (scene, decisions):
        await decide(decisions, told, chance)
        await scene.caught_up(decisions)
        rows = {tenant: await stored(scene, tenant) for tenant in centres}
        assert rows == {tenant: recounted(centre) for tenant, centre in centres.items()}
        assert len({row["outcome"] for found in rows.values() for row in found.values()}) > 6


async def test_spells_of_our_own_agents_end_where_the_next_begins(fresh_database: str) -> None:
    centre = any_centre(5, 800)
    expected, next_time = set(), dict[str, int]()
    for now_us, event in reversed(centre.log):
        if isinstance(event, e.AgentSpellBegan):
            if next_time.get(event.agent) != now_us:  # one of no length is nothing to anybody
                expected.add((event.spell_id, event.state.name.lower(), now_us, next_time.get(event.agent)))
            next_time[event.agent] = now_us
    async with routed(fresh_database) as (scene, decisions):
        await decide(decisions, events_of(centre), random.Random(5))  # noqa: S311
        await scene.caught_up(decisions)
        rows = await scene.database.fetch(
            "select spell_id, state, started_time, ended_time from metrics.agent_spell"
            " where started_time is distinct from ended_time"
        )
        assert {tuple(row) for row in rows} == expected


async def test_a_rebuild_folds_both_logs_and_equals_the_live_facts(fresh_database: str) -> None:
    centre = any_centre(7, 1_000)
    async with routed(fresh_database) as (scene, decisions):
        await scene.tell(in_time(contacts(chance_of(1), 60, 0.01)))
        await decide(decisions, events_of(centre), random.Random(7))  # noqa: S311
        await scene.caught_up()
        await scene.caught_up(decisions)
        before = await scene.shown()
        told = [step async for step in scene.facts.rebuild(swap=True, accept_differences=False)]
        assert (told[-1].stage, told[-1].differences) == ("done", 0)
        await scene.caught_up(decisions)
        assert await scene.shown() == before
        await scene.database.execute("update facts_2.reservation set outcome = 'rona' where outcome = 'bridged'")
        again = [step async for step in scene.facts.rebuild(swap=True, accept_differences=False)]
        assert again[-1].differences
        assert again[-1].examples[0].startswith("reservation ")


async def test_a_rebuild_that_is_not_told_where_routings_log_is_says_so_instead_of_losing_decisions(
    fresh_database: str,
) -> None:
    async with routed(fresh_database) as (scene, decisions):
        await decide(decisions, events_of(any_centre(3, 100)), random.Random(3))  # noqa: S311
        await scene.caught_up(decisions)
        alone = replace(scene.facts, decisions=None)
        with pytest.raises(DecisionsUnknown):
            [step async for step in alone.rebuild(swap=True, accept_differences=False)]
        told = [step async for step in scene.facts.rebuild(swap=True, accept_differences=False)]
        assert told[-1].differences == 0


async def test_a_log_of_routing_that_lost_events_is_folded_anew(fresh_database: str) -> None:
    centre = any_centre(9, 300)
    async with routed(fresh_database) as (scene, decisions):
        await decide(decisions, events_of(centre), random.Random(9))  # noqa: S311
        await scene.caught_up(decisions)
        await scene.database.execute("delete from facts_1.reservation")
        connection = await asyncpg.connect(fresh_database)
        try:
            await raise_incarnation(connection, ROUTING_SCHEMA, reason="a restore")
        finally:
            await connection.close()
        await scene.until_live("facts_2")
        await scene.caught_up(decisions)
        assert await stored(scene) == recounted(centre)


async def test_a_ring_that_a_reservation_stands_for_counts_once(fresh_database: str) -> None:
    centre = Centre()
    centre.queue("main", min_ring_ms=8_000, reservation_ms=20_000)
    centre.agent("ann")
    centre.call("one")
    centre.ring("one")
    centre.wait(21)
    async with routed(fresh_database) as (scene, decisions):
        await decide(decisions, events_of(centre), random.Random(1))  # noqa: S311
        await scene.caught_up(decisions)
        rows = await scene.database.fetch(
            "select agent, contact_id, outcome, ring_us from metrics.agent_ring where tenant = $1 and outcome <> ''",
            TENANT,
        )
        assert ("ann", contact_id("one"), "no_answer", 20 * SECOND) in {tuple(row) for row in rows}
        assert centre.state("ann") in {AgentState.AVAILABLE, AgentState.RESERVED, AgentState.NOT_READY}
