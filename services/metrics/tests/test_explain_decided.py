"""Figures that rest on what routing decided: explained by the events of both logs, and computed again from them."""

import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from decided_events import events_of
from event_log.model import Event
from holdfast.call_events.v1 import leg_pb2, queueing_pb2, talk_pb2
from ivr_routing.core import commands as c
from ivr_routing.core import events as e
from live_facts import decide, routed
from metrics_serving import Metrics, serving
from routing_chance import AGENTS, QUEUES
from routing_testing import BEGIN_US, TENANT, Centre, contact_id
from told_contacts import Told
from told_contacts import events_of as told_by

CALLS = 28


def a_morning() -> Centre:
    """Return a centre after a morning of calls: some taken, some let ring, some refused, some abandoned."""
    centre = Centre()
    for queue in QUEUES:
        centre.queue(queue, min_ring_ms=8_000, reservation_ms=20_000, rona_limit=100)
    for agent in AGENTS:
        centre.agent(agent, *QUEUES)
    for number in range(CALLS):
        _call(centre, f"c{number}", number)
        centre.wait(7)
    return centre


def _call(centre: Centre, name: str, number: int) -> None:
    centre.call(name, QUEUES[number % 2])
    centre.tell(c.TellEstimate(contact_id(name)))
    if not centre.held_by(name):
        centre.hang_up(name)
        return
    centre.ring(name)
    centre.wait(number % 5)
    match number % 4:
        case 0 | 1:
            centre.answer(name)
            centre.wait(20)
            centre.hang_up(name)
        case 2:
            centre.wait(21)
        case _:
            centre.tell(c.RejectReservation(centre.held_by(name), centre.reservation(name), "no"))


@dataclass(frozen=True)
class Served:
    """The doors over facts of both logs, and the interval in which everything happened."""

    metrics: Metrics
    positions: dict[str, tuple[str, int]]
    """Log and position by event id."""
    days: dict[str, Any]

    async def explain(self, figure: str, **about: Any) -> Any:
        """Ask for an explanation, as a member of the tenant."""
        token = self.metrics.token(tenant=TENANT)
        return (await self.metrics.get(f"/v1/figures/{figure}:explain", token, **about, **self.days)).json()


def told_of(centre: Centre) -> list[Event]:
    """Return what a phone system tells of the centre's contacts: how they wait, and whom they are bridged with."""
    told: dict[str, list[Told]] = {}
    reserved: dict[str, e.ReservationCreated] = {}
    for now_us, event in centre.log:
        match event:
            case e.QueueVisitOpened():
                body = queueing_pb2.Enqueued(visit_id=event.visit_id, queue=event.queue)
                told.setdefault(event.contact_id, []).append(Told(now_us, body))
            case e.ReservationCreated():
                reserved[event.reservation_id] = event
            case e.ReservationBridged() if event.reservation_id in reserved:
                made = reserved[event.reservation_id]
                names: dict[str, Any] = {
                    "agent": event.agent,
                    "visit_id": made.visit_id,
                    "assignment_id": str(uuid5(UUID(event.reservation_id), "spell")),
                }
                answered = leg_pb2.LegAnswered(leg_id=event.agent, role=leg_pb2.LEG_ROLE_AGENT, **names)
                bridged = talk_pb2.Bridged(leg_id="c", peer_leg_id=event.agent, **names)
                told.setdefault(event.contact_id, []).extend([Told(now_us, answered), Told(now_us, bridged)])
    return [event for contact, found in told.items() for event in told_by(UUID(contact), found, TENANT)]


@pytest.fixture
async def served(fresh_database: str, tmp_path: Path) -> AsyncIterator[Served]:
    centre = a_morning()
    async with routed(fresh_database) as (scene, decisions):
        await scene.tell(told_of(centre))
        await decide(decisions, events_of(centre), random.Random(3))  # noqa: S311  # parts of any size
        await scene.caught_up()
        await scene.caught_up(decisions)
        positions: dict[str, tuple[str, int]] = {}
        for log in (scene.log, decisions):
            head = await log.head()
            page = await log.read(0, limit=10_000)
            positions |= {str(event.event_id): (head.log_id, event.position) for event in page.events}
        begin, end = (datetime.fromtimestamp(us // 1_000_000, UTC) for us in (BEGIN_US, centre.now_us + 2_000_000))
        days = {"from_": begin.isoformat().replace("+00:00", "Z"), "to": end.isoformat().replace("+00:00", "Z")}
        async with serving(fresh_database, tmp_path / "issuer", scene.log, decisions) as metrics:
            yield Served(metrics, positions, days)


async def test_figures_that_rest_on_decisions_computed_again_from_both_logs_are_the_same(served: Served) -> None:
    asked = [(figure, {"agent": agent}) for figure in _OF_AGENTS for agent in AGENTS]
    asked += [(figure, {"queue": queue}) for figure in _OF_QUEUES for queue in (*QUEUES, "")]
    seen: dict[str, float] = {}
    for figure, about in asked:
        explained = await served.explain(figure, **about)
        assert explained["recomputed"] == explained["figure"], (figure, about, explained["not_recomputed"])
        seen[figure] = seen.get(figure, 0) + explained["figure"]["n"]
    assert all(seen.values()), f"a figure of nothing proves nothing: {seen}"


_OF_AGENTS = ("rona_rate", "rona", "offer_failed", "occupancy", "staffed_duration", "shrinkage", "reserved_duration")
_OF_QUEUES = ("rona_rate", "rona", "offer_failed", "estimate_error", "estimate_error.bias")


@pytest.mark.parametrize(
    ("figure", "about", "types"),
    [
        ("rona_rate", {"agent": "ann"}, {"ReservationCreated"}),
        ("occupancy", {"agent": "ann"}, {"AgentSpellBegan"}),
        ("estimate_error", {"queue": "main"}, {"EstimateMade", "Enqueued"}),
    ],
)
async def test_what_is_behind_them_is_named_by_log_and_position(
    served: Served, figure: str, about: dict[str, str], types: set[str]
) -> None:
    explained = await served.explain(figure, **about)
    assert explained["facts"]
    for fact in explained["facts"]:
        assert types <= {event["type"] for event in fact["events"]}
        for event in fact["events"]:
            assert served.positions[event["event_id"]] == (event["log_id"], event["position"])


async def test_without_routings_log_the_answer_says_what_is_lacking(fresh_database: str, tmp_path: Path) -> None:
    centre = a_morning()
    async with routed(fresh_database) as (scene, decisions):
        await decide(decisions, events_of(centre), random.Random(3))  # noqa: S311  # parts of any size
        await scene.caught_up(decisions)
        async with serving(fresh_database, tmp_path / "issuer", scene.log) as metrics:
            token = metrics.token(tenant=TENANT)
            days = {"from_": "2023-11-14", "to": "2023-11-16"}
            answer = await metrics.get("/v1/figures/occupancy:explain", token, agent="ann", **days)
    assert answer.json()["recomputed"] is None
    assert "routing's log" in answer.json()["not_recomputed"]
