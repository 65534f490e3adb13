"""Spells and rings of agents, as the views show them, against the full rules."""

from collections.abc import Sequence

import pytest

from contact_life.agent_ring import agent_rings
from contact_life.agent_spell import AgentSpell, agent_spells
from contact_life.identity import agent_id
from contact_life.words import AgentState, RingOutcome, word
from event_log.model import Event
from live_facts import Scene, a_scene, following
from metrics.refolding import observed_of
from told_agents import TENANT, agents
from told_contacts import chance_of

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
async def test_rings_are_what_the_full_rules_tell_of_each_day(
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
        for (agent, _), told in days.items()
        for ring in agent_rings(agent_id(TENANT, agent), observed_of(told))
    }


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
