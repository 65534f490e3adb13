"""Offers and agents' states that both tell, phone system and routing: what the queue names counts, and only that."""

import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contact_life.identity import agent_stream_id
from decided_events import events_of
from event_log.model import Event, Stream
from event_log.postgres import PostgresLog
from holdfast.call_events.v1 import agent_pb2, source_pb2
from ivr_routing.core.words import CountedSource
from live_facts import Scene, decide, routed
from metrics_serving import serving
from routing_testing import BEGIN_US, SECOND, TENANT, Centre, contact_id
from told_contacts import Told
from told_contacts import events_of as told_by

PHONE, ROUTING = CountedSource.PHONE_SYSTEM, CountedSource.ROUTING
TIMES = {"reservation_ms": 20_000, "rona_limit": 9}


def a_centre(main: CountedSource, second: CountedSource = ROUTING) -> Centre:
    """Return a centre where ann of one queue and bob of the other let a contact ring for 20 s each."""
    centre = Centre()
    for queue, agent, counts in (("main", "ann", main), ("second", "bob", second)):
        centre.queue(queue, counts=counts, **TIMES)
        centre.agent(agent, queue)
        centre.call(f"for {agent}", queue)
        centre.ring(f"for {agent}")
    centre.wait(21)
    return centre


def told_of(agent: str, queue: str, rang_for: str) -> list[Event]:
    """Return what a phone system tells of the same agent: available a minute, and of the ring that they refused it."""
    names: dict[str, Any] = {"agent": agent, "contact_id": contact_id(rang_for), "queue": queue}
    began = BEGIN_US + 30 * SECOND
    stream_id = UUID(agent_stream_id(TENANT, agent, BEGIN_US))
    told = [
        Told(BEGIN_US, agent_pb2.AgentStateChanged(agent=agent, state=source_pb2.AGENT_STATE_AVAILABLE)),
        Told(began, agent_pb2.AgentRingStarted(ring_id=str(UUID(int=1)), **names)),
        Told(
            began + SECOND,
            agent_pb2.AgentRingEnded(ring_id=str(UUID(int=1)), outcome=agent_pb2.RING_OUTCOME_REJECTED, **names),
        ),
        Told(BEGIN_US + 60 * SECOND, agent_pb2.AgentStateChanged(agent=agent, state=source_pb2.AGENT_STATE_OFFLINE)),
    ]
    return [replace(event, stream=Stream("agent", stream_id)) for event in told_by(stream_id, told, TENANT)]


@dataclass(frozen=True)
class Both:
    """Facts that follow what both told, and what is to be decided yet."""

    scene: Scene
    decisions: PostgresLog
    centre: Centre
    decided: list[Event]

    async def tell(self) -> None:
        """Let facts have what was decided since."""
        events = events_of(self.centre)
        await decide(self.decisions, events[len(self.decided) :], random.Random(1))  # noqa: S311  # parts of any size
        self.decided[:] = events
        await self.scene.caught_up(self.decisions)

    async def rings(self) -> Mapping[str, list[str]]:
        """Return how the rings of each agent ended."""
        return await self._shown("agent_ring", "outcome")

    async def states(self) -> Mapping[str, list[str]]:
        """Return who told the states of each agent."""
        return await self._shown("agent_spell", "source_id")

    async def _shown(self, view: str, column: str) -> Mapping[str, list[str]]:
        rows = await self.scene.database.fetch(
            f"select agent, array_agg(distinct {column}) found from metrics.{view} group by agent"  # noqa: S608
        )
        return {row["agent"]: row["found"] for row in rows}


async def of(centre: Centre, address: str) -> AsyncIterator[Both]:
    async with routed(address) as (scene, decisions):
        await scene.tell([*told_of("ann", "main", "for ann"), *told_of("bob", "second", "for bob")])
        await scene.caught_up()
        both = Both(scene, decisions, centre, [])
        await both.tell()
        yield both


@pytest.fixture
async def mixed(fresh_database: str) -> AsyncIterator[Both]:
    """Give what both told where the one queue names the phone system and the other routing."""
    async for both in of(a_centre(PHONE), fresh_database):
        yield both


async def test_each_queue_names_what_counts_for_its_offers_and_its_agents(mixed: Both) -> None:
    assert await mixed.rings() == {"ann": ["rejected"], "bob": ["no_answer"]}
    assert await mixed.states() == {"ann": ["pbx"], "bob": ["ivr-routing"]}


async def test_the_name_that_a_queue_was_given_last_counts(mixed: Both) -> None:
    mixed.centre.queue("main", counts=ROUTING, **TIMES)
    mixed.centre.queue("second", counts=PHONE, **TIMES)
    await mixed.tell()
    assert await mixed.rings() == {"ann": ["no_answer"], "bob": ["rejected"]}
    assert await mixed.states() == {"ann": ["ivr-routing"], "bob": ["pbx"]}


async def test_an_agent_who_serves_a_queue_of_routing_too_has_routings_states(mixed: Both) -> None:
    mixed.centre.agent("ann", "main", "second")
    await mixed.tell()
    assert (await mixed.states())["ann"] == ["ivr-routing"]


async def test_a_ring_counts_by_its_own_queue_though_the_agent_was_offered_the_contact_in_another_too(
    fresh_database: str,
) -> None:
    centre = a_centre(PHONE)
    async with routed(fresh_database) as (scene, decisions):
        await scene.tell(told_of("bob", "main", "for bob"))
        await scene.caught_up()
        both = Both(scene, decisions, centre, [])
        await both.tell()
        assert await both.rings() == {"bob": ["no_answer", "rejected"]}


@pytest.mark.parametrize(
    ("figure", "expected"),
    [("rona_rate", {"ann": 0, "bob": 1}), ("available_duration", {"ann": 60, "bob": 70})],
)
async def test_figures_of_what_counts_computed_again_are_the_same(
    mixed: Both, tmp_path: Path, figure: str, expected: dict[str, float]
) -> None:
    begin, end = (datetime.fromtimestamp(BEGIN_US // SECOND + later, UTC).isoformat()[:19] for later in (0, 90))
    asked = {"from_": f"{begin}Z", "to": f"{end}Z"}
    scene, found = mixed.scene, {}
    async with serving(scene.address, tmp_path / "issuer", scene.log, mixed.decisions) as metrics:
        token = metrics.token(tenant=TENANT)
        for agent in expected:
            answer = await metrics.get(f"/v1/figures/{figure}:explain", token, agent=agent, **asked)
            explained = answer.json()
            assert explained["recomputed"] == explained["figure"], (agent, explained["not_recomputed"])
            found[agent] = explained["figure"]["value"]
    assert found == expected
