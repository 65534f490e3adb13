"""Figures of an agent's rings and states, explained and computed again from the agent's own streams."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from contact_life.codec import encode
from contact_life.identity import agent_stream_id
from event_log.memory import MemoryLog
from event_log.model import Append, NewEvent, Stream, StreamAppend
from fact_rows import TENANT, advance, insert, prepare
from holdfast.call_events.v1 import agent_pb2, observation_pb2, queueing_pb2
from metrics.fact.agents import recounted_agent
from metrics.fact.recount import recounted
from metrics.follow.refolding import observed_of
from metrics.interval.interval import instant_us, zone_named
from metrics_serving import Metrics, serving

SECOND = 1_000_000
MINUTE = 60 * SECOND
START_US = instant_us("1999-01-04T06:00Z", zone_named("UTC"))
DAYS: dict[str, Any] = {"from_": "1999-01-04T08:00Z", "to": "1999-01-05T12:00Z"}
AGENTS = ("ann", "bob", "cid")
CONTACT = str(uuid5(NAMESPACE_URL, "the contact rung for"))


@dataclass(frozen=True)
class Filled:
    """A database of facts about agents and the log that they were folded from."""

    address: str
    log: MemoryLog


@pytest.fixture(scope="module")
def filled(database: str) -> Filled:
    return asyncio.run(_fill(database))


@pytest.fixture
async def metrics(filled: Filled, tmp_path: Path) -> AsyncIterator[Metrics]:
    async with serving(filled.address, tmp_path / "issuer", filled.log) as served:
        yield served


async def _fill(address: str) -> Filled:
    log = MemoryLog()
    await prepare(address)
    for agent in AGENTS:
        chance = random.Random(agent)  # noqa: S311  # to be repeated, not to be secret
        days: dict[str, list[tuple[int, Any]]] = {}
        for told_us, body in [*_shift(agent, chance), *_rung(agent, chance)]:
            days.setdefault(agent_stream_id(TENANT, agent, told_us), []).append((told_us, body))
        for stream_id, told in days.items():
            stood = await _append(log, Stream("agent", UUID(stream_id)), told)
            rows = recounted_agent(TENANT, stream_id, stood)
            for fact in ("agent_spell", "agent_ring"):
                await insert(address, fact, rows[fact])
    visited = [
        (START_US, queueing_pb2.Enqueued(visit_id=_visit(), queue="sales")),
        (
            START_US + 18 * 60 * MINUTE,
            queueing_pb2.Dequeued(visit_id=_visit(), kind=queueing_pb2.DEQUEUE_KIND_ABANDONED),
        ),
    ]
    stood = await _append(log, Stream("contact", UUID(CONTACT)), visited)
    await insert(address, "queue_visit", recounted(TENANT, CONTACT, stood)["queue_visit"])
    await advance(address, await log.head())
    return Filled(address, log)


def _visit() -> str:
    return str(uuid5(NAMESPACE_URL, "the visit rung for"))


def _shift(agent: str, chance: random.Random) -> list[tuple[int, Any]]:
    """Tell two days of changes, of all queues and of some, with sign-ins and sign-outs between."""
    told: list[tuple[int, Any]] = []
    for day in range(2):
        now = START_US + day * 1440 * MINUTE
        told.append((now, agent_pb2.AgentLoggedIn(agent=agent, endpoint="e1", team="red")))
        for _ in range(25):
            now += chance.randint(1, 30) * MINUTE
            queue = chance.choice(("", "", "sales", "loans"))
            state: Any = chance.randint(1, 8)
            told.append((now, agent_pb2.AgentStateChanged(agent=agent, state=state, queue=queue)))
        told.append((now + MINUTE, agent_pb2.AgentLoggedOut(agent=agent, queue=chance.choice(("", "sales")))))
    return told


def _rung(agent: str, chance: random.Random) -> list[tuple[int, Any]]:
    """Tell rings of every outcome and length, for a contact whose visit ends meanwhile."""
    told: list[tuple[int, Any]] = []
    for number in range(40):
        began = START_US + number * 37 * MINUTE
        names: dict[str, Any] = {
            "agent": agent,
            "ring_id": str(uuid5(NAMESPACE_URL, f"{agent} {number}")),
            "contact_id": CONTACT,
        }
        where: dict[str, Any] = {"visit_id": chance.choice(("", _visit())), "queue": "sales"}
        outcome: Any = chance.choice((0, 1, 2, 2, 2, 3, 4, 5))
        length = chance.choice((1, 7, 8, 9, 30)) * SECOND
        if chance.random() < 0.8:
            told.append(
                (began, agent_pb2.AgentRingStarted(observation=observation_pb2.Observation(), **names, **where))
            )
        ended = agent_pb2.AgentRingEnded(outcome=outcome, **names, **where)
        if chance.random() < 0.3:
            ended.ring_ms = length // 1000
        if chance.random() < 0.95:
            told.append((began + length, ended))
    return told


async def _append(log: MemoryLog, stream: Stream, told: Sequence[tuple[int, Any]]) -> Any:
    new = []
    for number, (told_us, body) in enumerate(told):
        name, payload = encode(body)
        new.append(NewEvent(uuid5(stream.key, str(number)), name, told_us, payload, b"mac", "pbx"))
    await log.append(Append(TENANT, [StreamAppend(stream, new)]))
    return observed_of((await log.read_stream(TENANT, stream)).events)


@pytest.mark.parametrize("agent", AGENTS)
@pytest.mark.parametrize(
    "figure",
    [
        "occupancy",
        "staffed_duration",
        "shrinkage",
        "not_ready_duration",
        "available_duration",
        "held_for_reconnect_duration",
        "rona_rate",
        "rona",
        "offer_failed",
    ],
)
async def test_a_figure_of_an_agents_own_streams_computed_again_is_the_same(
    metrics: Metrics, agent: str, figure: str
) -> None:
    explained = (await metrics.get(f"/v1/figures/{figure}:explain", agent=agent, **DAYS)).json()
    assert explained["recomputed"] == explained["figure"], explained["not_recomputed"]
    assert explained["figure"]["value"], "a figure of nothing proves nothing"


async def test_a_ring_is_explained_by_its_events(metrics: Metrics) -> None:
    explained = (await metrics.get("/v1/figures/rona_rate:explain", agent="ann", **DAYS)).json()
    assert explained["fact_count"] == len(explained["facts"]) > 0
    for fact in explained["facts"]:
        assert {event["type"] for event in fact["events"]} <= {"AgentRingStarted", "AgentRingEnded"}
        assert fact["events"][-1]["type"] == "AgentRingEnded"
        assert fact["reason"]


async def test_time_in_states_is_explained_by_the_changes_that_told_it(metrics: Metrics) -> None:
    explained = (await metrics.get("/v1/figures/occupancy:explain", agent="bob", **DAYS)).json()
    [fact] = explained["facts"]
    assert {event["type"] for event in fact["events"]} == {"AgentLoggedIn", "AgentLoggedOut", "AgentStateChanged"}
    assert all(event["position"] for event in fact["events"])


@pytest.mark.parametrize("queue", ["sales", ""])
@pytest.mark.parametrize("figure", ["rona_rate", "offer_failed"])
async def test_rings_of_a_queue_computed_again_from_its_agents_streams_are_the_same(
    metrics: Metrics, figure: str, queue: str
) -> None:
    explained = (await metrics.get(f"/v1/figures/{figure}:explain", queue=queue, **DAYS)).json()
    assert explained["recomputed"] == explained["figure"], explained["not_recomputed"]
    assert explained["figure"]["n"] > 0


async def test_a_later_page_of_rings_names_their_events_and_computes_nothing_again(metrics: Metrics) -> None:
    asked = {"agent": "ann", "page_size": 3, **DAYS}
    first = (await metrics.get("/v1/figures/rona_rate:explain", **asked)).json()
    then = (await metrics.get("/v1/figures/rona_rate:explain", page_token=first["next_page_token"], **asked)).json()
    assert (then["recomputed"], then["not_recomputed"]) == (None, "it comes with the first page")
    assert all(fact["events"] for fact in then["facts"])
