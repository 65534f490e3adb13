"""Explanations down to events, read from a real log, and scorecards with what they leave out."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from grpc.aio import AioRpcError

from event_log.feed import Feed
from event_log.memory import MemoryLog
from event_log.model import Append, Event, NewEvent, Stream, StreamAppend
from fact_rows import TENANT, database_of
from holdfast.call_events.v1 import after_pb2, help_pb2, ivr_pb2, leg_pb2, queueing_pb2, talk_pb2
from holdfast.metrics.v1 import metrics_service_pb2 as pb
from holdfast_testing import eventually
from metrics.explain.events import MANY, Events, Wanted
from metrics.facts import Facts
from metrics.follow.follower import DATABASE_SECONDS
from metrics.schema import bring_up_to_date
from metrics_serving import Metrics, serving
from service_host.client import refusal
from service_host.errors import NotFound
from told_contacts import START_US, Told, contacts, events_of

SECOND = 1_000_000
JANUARY = {"from_": "1999-01-01", "to": "1999-02-01"}


def contact(number: int, *, wait: int, handle: int = 0, agent: str = "ann", **more: Any) -> list[Told]:
    """Tell a contact that waits some seconds and, with a handle time, is served; `more` says what else happened."""
    start = START_US + number * 600 * SECOND
    visit, spell = f"{number:08x}-0000-5000-8000-000000000001", f"{number:08x}-0000-5000-8000-000000000002"
    ended = queueing_pb2.DEQUEUE_KIND_ANSWERED if handle else queueing_pb2.DEQUEUE_KIND_ABANDONED
    answered = start + wait * SECOND
    told = [
        Told(start, queueing_pb2.Enqueued(visit_id=visit, queue="sales")),
        Told(answered, queueing_pb2.Dequeued(visit_id=visit, queue="sales", kind=ended)),
    ]
    if handle:
        team = leg_pb2.AgentSnapshot(team=more.get("team", "red"))
        names: dict[str, Any] = {"agent": agent, "assignment_id": spell, "visit_id": visit}
        told += [
            Told(answered, leg_pb2.LegAnswered(leg_id="a", role=leg_pb2.LEG_ROLE_AGENT, agent_snapshot=team, **names)),
            Told(answered, talk_pb2.Bridged(leg_id="c", peer_leg_id="a", queue="sales", **names)),
            Told(answered + handle * SECOND, leg_pb2.LegEnded(leg_id="a", role=leg_pb2.LEG_ROLE_AGENT)),
        ]
    if more.get("misrouted"):
        reason, target = talk_pb2.TRANSFER_REASON_MISROUTE, talk_pb2.TransferTarget(queue="loans")
        began = talk_pb2.TransferStarted(reason=reason, assignment_id=spell, agent=agent, target=target)
        told += [Told(answered + SECOND, began), Told(answered + 2 * SECOND, talk_pb2.TransferCompleted())]
    if more.get("supervised"):
        mode = help_pb2.INTERVENTION_MODE_TAKE_OVER
        told.append(Told(answered + SECOND, help_pb2.SupervisorIntervened(mode=mode, assignment_id=spell)))
    if rating := more.get("rating"):
        asked: dict[str, Any] = {
            "survey": "after_call",
            "question": "satisfied",
            "assignment_id": spell if handle % 2 else "",
        }
        said = after_pb2.SurveyAnswered(rating=rating, best_rating=5, cause=more.get("cause", ""), **asked)
        told.append(Told(answered + 3600 * SECOND, said))
    if more.get("lost_in_ivr"):
        told = [Told(start, ivr_pb2.FlowEntered(flow="main")), Told(answered, ivr_pb2.FlowExited(queue="sales"))]
    return told


CONTACTS = [
    contact(0, wait=10, handle=100, rating=5),
    contact(1, wait=10, handle=101, rating=4),
    contact(2, wait=10, handle=102, rating=1, cause="wait"),
    contact(3, wait=10, handle=103, rating=3, cause="agent"),
    contact(4, wait=25, handle=60),
    contact(5, wait=200, handle=500, rating=1),
    contact(6, wait=15, handle=30, misrouted=True, rating=2),
    contact(7, wait=5, handle=90, supervised=True),
    contact(8, wait=3),
    contact(9, wait=40),
    contact(10, wait=8, handle=70, agent="bob", team="blue"),
    contact(11, wait=4, lost_in_ivr=True),
]


@dataclass(frozen=True)
class Served:
    """The doors, and the events that stand in the log behind them."""

    metrics: Metrics
    events: Mapping[str, Event]


@dataclass(frozen=True)
class Filled:
    """A database of facts and the log that they were folded from."""

    address: str
    log: MemoryLog
    events: Mapping[str, Event]


@pytest.fixture(scope="module")
def filled(database: str) -> Filled:
    return asyncio.run(_fill(database))


@pytest.fixture
async def served(filled: Filled, tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(filled.address, tmp_path / "issuer", filled.log) as metrics:
        yield Served(metrics, filled.events)


async def _fill(address: str) -> Filled:
    log = MemoryLog()
    events: dict[str, Event] = {}
    for number, told in enumerate(CONTACTS):
        stream = Stream("contact", uuid5(NAMESPACE_URL, f"contact {number}"))
        stood = await _append(log, stream, events_of(stream.key, told, TENANT))
        events |= {str(event.event_id): event for event in stood}
    await _followed(address, log)
    return Filled(address, log, events)


async def _followed(address: str, log: MemoryLog) -> None:
    """Let facts follow a log until they are up to it."""
    head = (await log.head()).position
    async with database_of(address) as database:
        async with database.acquire(DATABASE_SECONDS) as connection:
            await bring_up_to_date(connection)
        following = asyncio.create_task(Facts(database, Feed("memory", log)).follow())

        async def up_to_it() -> bool:
            return bool(await database.fetchval("select max(position) from metrics.cursor") == head)

        await eventually(up_to_it)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def _append(log: MemoryLog, stream: Stream, told: Sequence[Event]) -> Sequence[Event]:
    new = [
        NewEvent(event.event_id, event.type, event.event_time_us, event.payload, b"mac", event.source_id)
        for event in told
    ]
    await log.append(Append(TENANT, [StreamAppend(stream, new)]))
    return (await log.read_stream(TENANT, stream)).events


@pytest.mark.parametrize(
    "figure",
    [
        "service_level.offered",
        "service_level.offered@1",
        "service_level.excluding_short",
        "abandon_rate",
        "asa",
        "aht",
        "aht.all",
        "offered",
        "abandoned_ivr",
        "wait.answered.p80",
        "wait.all.max",
        "transfer_rate.misroute",
        "misroute_rate",
        "misroute_rate@1",
        "short_abandoned",
        "csat",
        "csat.in_agents_hands",
    ],
)
async def test_a_figure_of_a_queue_computed_again_from_events_is_the_same(served: Served, figure: str) -> None:
    answer = await served.metrics.get(f"/v1/figures/{figure}:explain", queue="sales", **JANUARY)
    explained = answer.json()
    assert explained["recomputed"] == explained["figure"], explained["not_recomputed"]
    assert explained["figure"]["n"] > 0


@pytest.mark.parametrize(
    "figure", ["aht", "handled", "aht.talk", "transfer_rate", "misroute_rate", "csat", "csat.in_agents_hands"]
)
async def test_a_figure_of_an_agent_computed_again_from_events_is_the_same(served: Served, figure: str) -> None:
    explained = (await served.metrics.get(f"/v1/figures/{figure}:explain", agent="ann", **JANUARY)).json()
    assert explained["recomputed"] == explained["figure"], explained["not_recomputed"]
    assert explained["figure"]["n"] > 0


async def test_an_explanation_names_formula_facts_and_the_events_that_stand_in_the_log(served: Served) -> None:
    explained = (await served.metrics.get("/v1/figures/service_level.offered:explain", queue="sales", **JANUARY)).json()
    assert explained["definition"]["formula"] == "#(A, w ≤ T) / (A + B + F + #(W, w > T))."
    assert explained["fact_count"] == len(explained["facts"]) == 11
    first = explained["facts"][0]
    assert first["reason"] == "answered after 10 s, within 20 s"
    assert [event["type"] for event in first["events"]] == ["Enqueued", "LegAnswered", "Dequeued", "Bridged"]
    for fact in explained["facts"]:
        for event in fact["events"]:
            assert served.events[event["event_id"]].position == event["position"]


async def test_numerators_and_denominators_of_facts_add_up_to_the_figure(served: Served) -> None:
    for figure in ("service_level.excluding_short", "aht", "asa", "abandon_rate"):
        explained = (await served.metrics.get(f"/v1/figures/{figure}:explain", queue="sales", **JANUARY)).json()
        value = explained["figure"]
        assert sum(fact["numerator"] for fact in explained["facts"]) == pytest.approx(value["numerator"])
        assert sum(fact["denominator"] for fact in explained["facts"]) == pytest.approx(value["denominator"])


async def test_positions_are_shown_only_to_those_who_may_read_the_log(served: Served) -> None:
    token = served.metrics.token("figures:read")
    explained = (await served.metrics.get("/v1/figures/asa:explain", token, queue="sales", **JANUARY)).json()
    assert {event["position"] for fact in explained["facts"] for event in fact["events"]} == {0}
    assert explained["as_of"]["logs"]["memory"]["position"] == 0
    assert explained["recomputed"] == explained["figure"]


async def test_pages_give_every_fact_once(served: Served) -> None:
    seen: list[str] = []
    token, pages = "", 0
    while token or not pages:
        question: dict[str, Any] = {"queue": "sales", "page_size": 4, "page_token": token, **JANUARY}
        explained = (await served.metrics.get("/v1/figures/offered:explain", **question)).json()
        seen += [fact["fact_id"] for fact in explained["facts"]]
        token, pages = explained["next_page_token"], pages + 1
        assert explained["fact_count"] == 11
    assert (len(seen), len(set(seen)), pages) == (11, 11, 3)


async def test_a_page_token_of_another_question_is_refused(served: Served) -> None:
    first = await served.metrics.get("/v1/figures/offered:explain", queue="sales", page_size=2, **JANUARY)
    token = first.json()["next_page_token"]
    for figure, given in (("asa", token), ("offered", "nonsense"), ("offered", token[:-4]), ("offered", "W10=")):
        answer = await served.metrics.get(f"/v1/figures/{figure}:explain", queue="sales", page_token=given, **JANUARY)
        assert (answer.status_code, answer.json()["reason"]) == (400, "PAGE_TOKEN_INVALID")


async def test_a_flow_has_figures_that_explain_themselves(served: Served) -> None:
    explained = (await served.metrics.get("/v1/figures/abandon_rate.ivr:explain", flow="main", **JANUARY)).json()
    assert explained["recomputed"] == explained["figure"]
    assert explained["figure"]["value"] == 1.0


async def test_what_rests_on_several_contacts_says_why_it_is_not_recomputed(served: Served) -> None:
    explained = (await served.metrics.get("/v1/figures/fcr:explain", queue="sales", **JANUARY)).json()
    assert explained["recomputed"] is None
    assert explained["not_recomputed"] == "it rests on more than the events of each contact by itself"


async def test_a_scorecard_shows_all_evidence_and_what_was_in_the_agents_hands(served: Served) -> None:
    card = (await served.metrics.get("/v1/agents/ann/scorecard", minimum_n=5, **JANUARY)).json()
    figures = {figure["name"]: figure for figure in card["figures"]}
    aht = figures["aht"]
    assert (aht["all"]["n"], aht["in_agents_hands"]["n"]) == (8, 5)
    assert aht["left_out"] == {"long_wait": 1, "misrouted": 1, "supervisor_intervention": 1}
    assert aht["in_agents_hands"]["value"] == pytest.approx((100 + 101 + 102 + 103 + 60) / 5)
    assert figures["occupancy"]["all"]["value"] is None


async def test_a_scorecard_shows_the_mean_rating_of_all_and_of_those_in_the_agents_hands(served: Served) -> None:
    card = (await served.metrics.get("/v1/agents/ann/scorecard", minimum_n=3, **JANUARY)).json()
    figures = {figure["name"]: figure for figure in card["figures"]}
    csat = figures["csat"]
    assert (csat["all"]["n"], csat["in_agents_hands"]["n"]) == (6, 3)
    assert csat["all"]["value"] == pytest.approx((5 + 4 + 1 + 3 + 1 + 2) / 6)
    assert csat["in_agents_hands"]["value"] == pytest.approx((5 + 4 + 3) / 3)
    assert csat["all"]["interval_low"] < csat["all"]["value"] < csat["all"]["interval_high"]
    assert csat["left_out"] == {"long_wait": 1, "misrouted": 1, "not_about_agent": 1}
    own = figures["csat.in_agents_hands"]
    assert own["all"]["value"] == own["in_agents_hands"]["value"] == csat["in_agents_hands"]["value"]


async def test_a_queue_has_both_mean_ratings_with_n_and_interval(served: Served) -> None:
    row = (await served.metrics.get("/v1/queues", **JANUARY)).json()["total"]
    assert {side: (one["n"], round(one["value"], 4)) for side, one in row["csat"].items()} == {
        "all": (6, 2.6667),
        "in_agents_hands": (3, 4.0),
    }


async def test_a_rating_is_explained_by_the_answer_and_by_what_it_depended_on(served: Served) -> None:
    explained = (await served.metrics.get("/v1/figures/csat:explain", agent="ann", **JANUARY)).json()
    assert [[event["type"] for event in fact["events"]] for fact in explained["facts"]] == [["SurveyAnswered"]] * 6
    assert [fact["numerator"] for fact in explained["facts"]] == [5, 4, 1, 3, 1, 2]
    reasons = [fact["reason"] for fact in explained["facts"]]
    assert reasons[0] == "rated 5 of 5"
    assert reasons[2] == "rated 1 of 5; outside the agent's hands: not about agent"
    assert reasons[4] == "rated 1 of 5; outside the agent's hands: long wait"


async def test_every_mark_of_a_scorecard_names_the_events_that_show_it(served: Served) -> None:
    card = (await served.metrics.get("/v1/agents/ann/scorecard", **JANUARY)).json()
    shown = {mark["mark"]: [served.events[event].type for event in mark["event_ids"]] for mark in card["marks"]}
    assert shown == {
        "long_wait": ["Enqueued", "Dequeued"],
        "misrouted": ["TransferStarted", "TransferCompleted"],
        "supervisor_intervention": ["SupervisorIntervened"],
        "not_about_agent": ["SurveyAnswered"],
    }
    assert "waited 200 s, the threshold is 120 s" in {mark["reason"] for mark in card["marks"]}


async def test_a_scorecard_says_what_must_not_be_concluded(served: Served) -> None:
    notes = " ".join((await served.metrics.get("/v1/agents/ann/scorecard", **JANUARY)).json()["notes"])
    assert "Long handle time alone means nothing" in notes
    assert "Insufficient evidence" in notes
    assert "No source tells this agent's states" in notes


async def _scorecard(metrics: Metrics, agent: str, token: str) -> Any:
    request = pb.GetScorecardRequest(agent=agent)
    request.interval.from_time.FromSeconds(915_148_800)
    request.interval.to_time.FromSeconds(917_827_200)
    return await metrics.call("GetScorecard", request, token)


async def test_an_agent_cannot_read_another_scorecard_nor_learn_who_exists(served: Served) -> None:
    own = served.metrics.token("figures:read", agent="ann")
    assert (await _scorecard(served.metrics, "ann", own)).agent == "ann"
    for other in ("bob", "nobody"):
        with pytest.raises(AioRpcError) as caught:
            await _scorecard(served.metrics, other, own)
        told = refusal(caught.value)
        assert (type(told), told.reason) == (NotFound, "AGENT_NOT_FOUND")


async def test_a_supervisor_reads_only_what_was_done_for_their_team(served: Served) -> None:
    token = served.metrics.token("figures:read", roles=["supervisor"], team="blue")
    assert (await _scorecard(served.metrics, "bob", token)).agent == "bob"
    rows = (await served.metrics.get("/v1/agents", token, **JANUARY)).json()["rows"]
    assert [row["agent"] for row in rows] == ["bob"]
    answer = await served.metrics.get("/v1/agents/ann/scorecard", token, **JANUARY)
    assert (answer.status_code, answer.json()["reason"]) == (404, "AGENT_NOT_FOUND")
    explained = (await served.metrics.get("/v1/figures/aht:explain", token, agent="ann", **JANUARY)).json()
    assert (explained["fact_count"], explained["figure"]["n"]) == (0, 0)


async def test_events_of_many_contacts_are_the_same_read_as_a_range_or_stream_by_stream() -> None:
    log = MemoryLog()
    told = contacts(random.Random(7), MANY + 100, 0.01)  # noqa: S311  # to be repeated, not to be secret
    streams: dict[Stream, list[NewEvent]] = {}
    for event in told:
        mac = event.type.encode()
        new = NewEvent(event.event_id, event.type, event.event_time_us, event.payload, mac, event.source_id)
        streams.setdefault(event.stream, []).append(new)
    await log.append_all([Append(TENANT, [StreamAppend(stream, new)]) for stream, new in streams.items()])
    ids = tuple(str(stream.key) for stream in streams)
    head = (await log.head()).position
    dense, sparse = Wanted(TENANT, ids, 1, head), Wanted(TENANT, ids)
    assert (dense.is_dense, sparse.is_dense) == (True, False)
    in_range, by_stream = [
        {contact: events async for part in Events(log).all_of(wanted, head) for contact, events in part.items()}
        for wanted in (dense, sparse)
    ]
    assert in_range == {contact: events for contact, events in by_stream.items() if events}


async def test_a_rebuild_tells_how_it_goes_and_leaves_the_live_facts_where_they_are(served: Served) -> None:
    before = (await served.metrics.get("/v1/status")).json()
    told = await served.metrics.call("RebuildFacts", pb.RebuildFactsRequest(swap=False))
    assert [one.stage for one in told][-2:] == ["comparing", "done"]
    assert (told[-1].differences, list(told[-1].difference_examples)) == (0, [])
    assert told[-1].events == told[-1].events_total == len(served.events)
    assert (await served.metrics.get("/v1/status")).json() == before
