"""Spells and rings of agents, as the views show them, against the full rules."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid5

import pytest

from contact_life.agent_ring import AgentRing, agent_rings
from contact_life.agent_spell import AgentSpell, agent_spells
from contact_life.identity import agent_id
from contact_life.overnight import LONGEST_RING_US, over_midnight
from contact_life.words import AgentState, RingOutcome, word
from event_log.model import Event
from holdfast.call_events.v1 import agent_pb2
from live_facts import Scene, a_scene, following
from metrics.evidence.evidence import DAY_US
from metrics.follow.refolding import observed_of
from told_agents import TENANT, agents, event_of
from told_contacts import SECOND, START_US, chance_of

Span = tuple[str, str, str, int, int | None]


def by_agent(events: Sequence[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for event in events:
        (observed,) = observed_of([event])
        assert observed.body is not None
        found.setdefault(observed.body.agent, []).append(event)
    return found


def spans(spells: Sequence[AgentSpell]) -> set[Span]:
    """Return when an agent was in which state, neighbouring spells of one state joined, empty ones left out."""
    told = [
        (spell.queue, word(AgentState, spell.state), spell.started_time_us, spell.ended_time_us) for spell in spells
    ]
    return joined(spells[0].agent if spells else "", told)


def joined(agent: str, told: Sequence[tuple[str, str, int, int | None]]) -> set[Span]:
    found: list[tuple[str, str, int, int | None]] = []
    for queue, state, start, end in sorted(told, key=lambda span: (span[0], span[2], span[3] or 1 << 62)):
        if end is not None and end <= start:
            continue
        last = found[-1] if found else None
        if last is not None and last[:2] == (queue, state) and last[3] == start:
            found[-1] = (queue, state, last[2], end)
        else:
            found.append((queue, state, start, end))
    return {(agent, *span) for span in found}


async def shown_spans(scene: Scene) -> set[Span]:
    rows = await scene.database.fetch("select agent, queue, state, started_time, ended_time from metrics.agent_spell")
    agents_told = {row["agent"] for row in rows}
    return {
        span
        for agent in agents_told
        for span in joined(agent, [tuple(row)[1:] for row in rows if row["agent"] == agent])
    }


def told_apart(events: Sequence[Event]) -> list[Event]:
    """Return the events without those at an instant at which something of the agent was told already."""
    seen: set[tuple[str, int]] = set()
    found = []
    for agent, told in by_agent(events).items():
        for event in told:
            if (agent, event.event_time_us) not in seen:
                seen.add((agent, event.event_time_us))
                found.append(event)
    return found


@pytest.mark.parametrize("seed", range(4))
async def test_spells_end_as_the_full_rules_tell(fresh_database: str, seed: int) -> None:
    events = told_apart(agents(chance_of(seed), 8, odd=0.0))
    async with a_scene(fresh_database) as scene, following(scene):
        for start in range(0, len(events), 50):
            await scene.tell(events[start : start + 50])
        await scene.caught_up()
        by_rules = [
            agent_spells(agent_id(TENANT, agent), observed_of(told)) for agent, told in by_agent(events).items()
        ]
        assert await shown_spans(scene) == {span for spells in by_rules for span in spans(spells)}


@pytest.mark.parametrize(("seed", "odd"), [(1, 0.0), (2, 0.1), (3, 0.3)])
@pytest.mark.parametrize("turn", [1, -1])
async def test_rings_are_what_the_full_rules_tell_of_the_days(
    fresh_database: str, seed: int, odd: float, turn: int
) -> None:
    events = agents(chance_of(seed), 8, odd=odd)[::turn]
    async with a_scene(fresh_database) as scene, following(scene):
        for start in range(0, len(events), 50):
            await scene.tell(events[start : start + 50])
        await scene.caught_up()
        rows = await scene.database.fetch(
            "select agent, ring_id, contact_id, outcome, started_time, ended_time, ring_us from metrics.agent_ring"
        )
        assert {tuple(row) for row in rows} == rings_of(events)


def rings_of(events: Sequence[Event]) -> set[tuple[object, ...]]:
    days: dict[tuple[str, object], list[Event]] = {}
    for agent, told in by_agent(events).items():
        for event in told:
            days.setdefault((agent, event.stream), []).append(event)
    rings: dict[str, list[tuple[AgentRing, ...]]] = {}
    for (agent, _), told in days.items():
        rings.setdefault(agent, []).append(agent_rings(agent_id(TENANT, agent), observed_of(told)))
    return {
        (
            agent,
            ring.ring_id,
            ring.contact_id,
            word(RingOutcome, ring.outcome) if ring.outcome else "",
            ring.started_time_us,
            ring.ended_time_us,
            ring.ring_us,
        )
        for agent, found in rings.items()
        for ring in over_midnight(found)
    }


@pytest.mark.parametrize("turn", [1, -1])
async def test_rings_over_midnight_are_one_ring_each_however_they_are_told(fresh_database: str, turn: int) -> None:
    midnight = START_US + DAY_US
    moments = [(-10, 5, ""), (-3000, 200, ""), (-90, 95, "named"), (-4000, 10, ""), (30, 60, "")]
    told = [
        (midnight + (at_s if begins else ends_s) * SECOND, begins, f"contact {number}", ring_id)
        for number, (at_s, ends_s, ring_id) in enumerate(moments)
        for begins in (True, False)
    ]
    events = [rung("ann", *one) for one in told][::turn]
    async with a_scene(fresh_database) as scene, following(scene):
        for event in events:
            await scene.tell([event])
        await scene.caught_up()
        rows = await scene.database.fetch("select started_time, ended_time, ring_us from metrics.agent_ring")
    whole = {tuple(row) for row in rows if None not in tuple(row)}
    assert whole == {
        (midnight + at_s * SECOND, midnight + ends_s * SECOND, (ends_s - at_s) * SECOND)
        for at_s, ends_s, _ in moments
        if ends_s - at_s <= LONGEST_RING_US // SECOND
    }
    assert {tuple(row) for row in rows} - whole == {
        (midnight - 4000 * SECOND, None, None),
        (None, midnight + 10 * SECOND, None),
    }, "nothing rings for so long: its end is of another ring"


def rung(agent: str, at_us: int, begins: bool, contact: str, ring_id: str) -> Event:  # noqa: FBT001  # a table's column
    body: Any = agent_pb2.AgentRingStarted() if begins else agent_pb2.AgentRingEnded(outcome=2)  # type: ignore[arg-type]
    body.agent, body.ring_id, body.contact_id = agent, ring_id, str(uuid5(UUID(int=1), contact))
    return event_of(agent, body, at_us, f"{contact} {begins}")


async def test_rebuilt_agents_equal_the_live_ones(fresh_database: str) -> None:
    events = agents(chance_of(5), 6, odd=0.3)
    async with a_scene(fresh_database) as scene, following(scene):
        for start in range(0, len(events), 20):
            await scene.tell(events[start : start + 20])
        await scene.caught_up()
        told = [progress async for progress in scene.facts.rebuild(swap=False, accept_differences=False)]
        assert (told[-1].differences, told[-1].examples) == (0, ())


async def test_a_readers_tenant_and_agent_reach_the_table_of_spells(fresh_database: str) -> None:
    async with a_scene(fresh_database) as scene:
        rows = await scene.database.fetch(
            "explain (costs off) select * from metrics.agent_spell where tenant = 't' and agent = 'ann'"
        )
    plan = "\n".join(row[0] for row in rows)
    assert "CTE" not in plan
    assert "(tenant = 't'::text) AND (agent = 'ann'::text)" in plan, plan
