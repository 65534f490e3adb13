"""Both doors of metrics, really served, over facts in a real Postgres."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from grpc.aio import AioRpcError

from event_log.memory import MemoryLog
from event_log.model import Cursor
from fact_rows import GENERATION, advance, insert, prepare
from holdfast.metrics.v1 import figure_pb2
from holdfast.metrics.v1 import metrics_service_pb2 as pb
from metrics.answer import json_rows
from metrics.answer.access import POLICY
from metrics_serving import Metrics, serving
from service_host.client import refusal

SECOND_US = 1_000_000
NINE_US = 1_767_258_000 * SECOND_US
"""2026-01-01T09:00:00Z."""
DAY: dict[str, Any] = {"from_": "2026-01-01", "to": "2026-01-02"}
POISON = [
    "'; drop table metrics.people_read; --",
    '"',
    "$1",
    "{tenant}",
    "{0}",
    "%s",
    "\\",
    "a\x00b",
    "日本",
    "' or '1'='1",
]


@pytest.fixture(scope="module")
def address(database: str) -> str:
    asyncio.run(_fill(database))
    return database


@pytest.fixture
async def metrics(address: str, tmp_path: Path) -> AsyncIterator[Metrics]:
    async with serving(address, tmp_path / "issuer", MemoryLog()) as served:
        yield served


async def _fill(address: str) -> None:
    await prepare(address)
    await insert(address, "queue_visit", [_visit(*told) for told in VISITS])
    await insert(address, "queue_visit", [_visit("x1", "theirs", "answered", 1) | {"tenant": "t2"}])
    await insert(address, "assignment", [_assignment(*told) for told in ASSIGNMENTS])
    await insert(address, "contact", [_contact("c1"), _contact("c2"), _contact("c9", end="abandoned_ivr")])
    await insert(address, "contact_link", [{"contact_id": "c2", "to_contact_id": "c1", "linked": True}])
    await advance(address, Cursor("call-events", 3, 120))


VISITS = [
    ("c1", "sales", "answered", 10),
    ("c2", "sales", "answered", 30),
    ("c3", "sales", "abandoned", 3),
    ("c4", "loans", "flow_out", 50),
    ("c5", "loans", "waiting", None),
]
ASSIGNMENTS = [("c1", "bob", 100), ("c2", "ann", 200), ("c7", "", 50), ("c8", "ann", 0), ("c100", "SIP/2004", 5)]


def _visit(contact: str, queue: str, outcome: str, wait_s: int | None) -> dict[str, Any]:
    start = NINE_US + int(contact[1:]) * 1800 * SECOND_US
    end = None if wait_s is None else start + wait_s * SECOND_US
    return {
        "contact_id": contact,
        "visit_id": f"v{contact}",
        "queue": queue,
        "enqueued_time": start,
        "dequeued_time": end,
        "outcome": outcome,
        "wait_us": None if wait_s is None else wait_s * SECOND_US,
        "wait_clock": "" if wait_s is None else "dequeued",
    }


def _assignment(contact: str, agent: str, handle_s: int) -> dict[str, Any]:
    start = NINE_US + int(contact[1:]) * 1800 * SECOND_US
    return {
        "contact_id": contact,
        "assignment_id": f"a{contact}",
        "visit_id": f"v{contact}",
        "queue": "sales",
        "agent": agent,
        "team": "red" if agent == "ann" else "blue",
        "started_time": start,
        "bridged_time": start,
        "ended_time": start + handle_s * SECOND_US,
        "handle_us": handle_s * SECOND_US,
        "talk_us": handle_s * SECOND_US,
        "hold_us": 0,
        "wrap_up_us": 0,
    }


def _contact(contact: str, end: str = "handled") -> dict[str, Any]:
    start = NINE_US + int(contact[1:]) * 1800 * SECOND_US
    times = {"arrived_time": start, "first_time": start, "flow_entered_time": start}
    return {"contact_id": contact, "contact_end": end, "flow": "main", "flow_queue": "sales", **times}


async def _queues(metrics: Metrics, **query: Any) -> Any:
    answer = await metrics.get("/v1/queues", **{**DAY, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_row_of_queues_has_the_keys_that_programs_rely_on(metrics: Metrics) -> None:
    report = await _queues(metrics, queue="sales")
    rows = [{key: value for key, value in row.items() if key != "evidence"} for row in report["rows"]]
    assert rows == [
        {
            "queue": "sales",
            "offered": 3,
            "answered": 2,
            "abandoned": 1,
            "abandoned_ivr": 1,
            "short_abandoned": 1,
            "wait_answered_seconds": 40.0,
            "wait_abandoned_seconds": 3.0,
            "asa_seconds": 20.0,
            "abandon_rate": pytest.approx(1 / 3),
            "service_level": {
                "offered": pytest.approx(1 / 3),
                "answered": 0.5,
                "excluding_short": 0.5,
                "short_met": pytest.approx(2 / 3),
                "genesys": 0.5,
            },
            "handle_seconds": 300.0,
            "aht_seconds": 150.0,
            "aht_all_seconds": 150.0,
            "csat": {"all": None, "in_agents_hands": None},
            "contacts": 2,
            "abandoned_ringing": 0,
            "flow_outs": 0,
            "elsewhere": 0,
            "waiting": 0,
            "wait_clock": "dequeued",
            "provisional": False,
        }
    ]
    assert set(report["total"]) == set(report["rows"][0])


async def test_every_value_of_a_row_comes_with_its_version_n_and_interval(metrics: Metrics) -> None:
    row = (await _queues(metrics, queue="sales"))["rows"][0]
    assert set(row["evidence"]) == set(json_rows.QUEUE_VALUES)
    rate = row["evidence"]["abandon_rate"]
    assert (rate["formula_version"], rate["n"], rate["insufficient_evidence"]) == (1, 3, True)
    assert rate["interval_low"] < row["abandon_rate"] < rate["interval_high"]
    assert row["evidence"]["service_level.offered"]["formula_version"] == 2
    [agent] = (await metrics.get("/v1/agents", agent="ann", **DAY)).json()["rows"]
    assert (agent["evidence"]["aht"]["n"], agent["evidence"]["aht.all"]["n"]) == (1, 2)


async def test_rows_say_what_still_waits_and_that_they_are_provisional(metrics: Metrics) -> None:
    row = (await _queues(metrics, queue="loans"))["rows"][0]
    assert (row["flow_outs"], row["waiting"], row["provisional"], row["contacts"]) == (1, 1, True, 2)
    assert row["evidence"]["service_level.offered"]["provisional"]


async def test_every_answer_says_how_current_it_is(metrics: Metrics) -> None:
    paths = ["/v1/queues", "/v1/agents", "/v1/flows", "/v1/agents/ann/scorecard", "/v1/status"]
    for path in paths:
        as_of = (await metrics.get(path, **DAY)).json()["as_of"]
        assert as_of == {
            "logs": {"call-events": {"incarnation": 3, "position": 120}},
            "time": "2027-01-15T08:00:00Z",
            "complete_to": {"call-events": 120},
            "parked": 0,
            "behind": 0,
            "heard_time": "2027-01-15T08:00:00Z",
            "current": True,
        }, path


async def test_positions_and_what_others_send_are_hidden_from_a_tenant(metrics: Metrics) -> None:
    token = metrics.token("figures:read")
    as_of = (await metrics.get("/v1/queues", token, **DAY)).json()["as_of"]
    assert as_of["complete_to"] == {"call-events": 0}


async def test_parked_events_of_the_tenant_are_told(metrics: Metrics, address: str) -> None:
    connection = await asyncpg.connect(address)
    rows = [("t1", 7, GENERATION), ("t1", 8, GENERATION), ("t2", 9, GENERATION)]
    await connection.executemany(
        "insert into metrics.parked_event (schema_name, log_id, position, tenant, category, key, type, reason)"
        " values ($3, 'call-events', $2, $1, 'contact', gen_random_uuid(), 'Enqueued', 'unreadable')",
        rows,
    )
    report = await _queues(metrics)
    await connection.execute("delete from metrics.parked_event")
    await connection.close()
    assert report["as_of"]["parked"] == 2


async def test_a_tenant_sees_nothing_of_another(metrics: Metrics) -> None:
    theirs = (await metrics.get("/v1/queues", metrics.token(tenant="t2"), **DAY)).json()
    assert [row["queue"] for row in theirs["rows"]] == ["theirs"]
    ours = await _queues(metrics)
    assert [row["queue"] for row in ours["rows"]] == ["loans", "sales"]
    none = (await metrics.get("/v1/queues", metrics.token(tenant="t3"), **DAY)).json()
    assert (none["rows"], none["total"]["offered"]) == ([], 0)


async def test_linked_contacts_are_one_contact_and_two_visits(metrics: Metrics) -> None:
    request = _request()
    total = (await metrics.call("GetQueueReport", request)).total
    assert (total.contacts, total.offered, total.waiting, total.elsewhere) == (4, 4, 1, 0)


async def test_rows_carry_their_start_by_the_clock_of_the_zone(metrics: Metrics) -> None:
    report = await _queues(
        metrics, queue="sales", by="hour", time_zone="Asia/Kolkata", from_="2026-01-01", to="2026-01-02"
    )
    assert [row["interval_start"] for row in report["rows"]] == [
        "2026-01-01T15:00:00+05:30",
        "2026-01-01T16:00:00+05:30",
        "2026-01-01T19:00:00+05:30",
    ]
    assert report["interval"]["time_zone"] == "Asia/Kolkata"
    assert "interval_start" not in report["total"]


async def test_rows_of_agents_begin_by_the_clock_of_the_zone_as_those_of_queues_do(metrics: Metrics) -> None:
    asked = {"by": "day", "time_zone": "Asia/Kolkata", "from": "2026-01-01", "to": "2026-01-02"}
    rows = (await metrics.get("/v1/agents", agent="bob", **asked)).json()["rows"]
    assert [row["interval_start"] for row in rows] == ["2026-01-01T00:00:00+05:30"]


async def test_dates_are_days_of_the_zone_that_the_tenant_has_set(metrics: Metrics, address: str) -> None:
    changed = await metrics.call("SetTenantTimeZone", pb.SetTenantTimeZoneRequest(time_zone="Pacific/Auckland"))
    assert (changed.time_zone, changed.changed) == ("Pacific/Auckland", True)
    report = await _queues(metrics)
    assert report["interval"]["from"] == "2025-12-31T11:00:00Z"
    connection = await asyncpg.connect(address)
    await connection.execute("delete from metrics.tenant_time_zone")
    await connection.close()


async def test_a_visit_is_credited_to_its_beginning_or_to_its_end(metrics: Metrics) -> None:
    boundary = {"from_": "2026-01-01T09:00:00Z", "to": "2026-01-01T10:00:15Z"}
    begun = await _queues(metrics, queue="sales", credit="enqueue", **boundary)
    ended = await _queues(metrics, queue="sales", credit="end", **boundary)
    assert (begun["total"]["answered"], ended["total"]["answered"]) == (2, 1)
    assert (begun["interval"]["credit"], ended["interval"]["credit"]) == ("enqueue", "end")


async def test_a_row_is_provisional_while_visits_of_it_wait_and_only_by_their_beginning(metrics: Metrics) -> None:
    request = _request("loans")
    waiting = await metrics.call("GetQueueReport", request)
    assert (waiting.total.provisional, waiting.total.waiting) == (True, 1)
    request.interval.credit = figure_pb2.CREDIT_END
    ended = await metrics.call("GetQueueReport", request)
    assert (ended.total.provisional, ended.total.waiting) == (False, 0)


async def test_a_visit_waiting_beyond_the_threshold_counts_as_missed(metrics: Metrics) -> None:
    row = (await _queues(metrics, queue="loans"))["rows"][0]
    assert (row["offered"], row["service_level"]["offered"]) == (1, 0.0)
    levels = await _queues(metrics, queue="loans", figures="service_level.offered")
    assert levels["rows"][0]["figures"][0]["denominator"] == 2.0


async def test_old_and_new_versions_are_read_side_by_side(metrics: Metrics) -> None:
    names = "service_level.answered@1,service_level.answered@2,service_level.answered"
    row = (await _queues(metrics, queue="sales", threshold_seconds=10, figures=names))["rows"][0]
    found = {(figure["name"], figure["formula_version"]): figure["value"] for figure in row["figures"]}
    assert found == {("service_level.answered", 1): 0.0, ("service_level.answered", 2): 0.5}
    assert row["service_level"]["answered"] == 0.5


async def test_a_proportion_comes_with_n_interval_and_what_it_is_worth(metrics: Metrics) -> None:
    row = (await _queues(metrics, queue="sales", figures="abandon_rate"))["rows"][0]
    [rate] = row["figures"]
    assert (rate["n"], rate["numerator"], rate["denominator"], rate["unit"]) == (3, 1.0, 3.0, "ratio")
    assert rate["interval_low"] < rate["value"] < rate["interval_high"]
    assert rate["insufficient_evidence"]


async def test_all_queues_together_have_one_row_for_each_part(metrics: Metrics) -> None:
    report = await _queues(metrics, together="true", by="day")
    assert [(row["queue"], row["offered"]) for row in report["rows"]] == [("", 4)]


async def test_agents_stand_in_order_of_name_and_the_unknown_first(metrics: Metrics) -> None:
    report = (await metrics.get("/v1/agents", **DAY)).json()
    rows = [{key: value for key, value in row.items() if key != "evidence"} for row in report["rows"]]
    assert rows == [
        {"agent": "", "contacts": 1, "handle_seconds": 50.0, "aht_seconds": 50.0, "aht_all_seconds": 50.0},
        {"agent": "ann", "contacts": 2, "handle_seconds": 200.0, "aht_seconds": 200.0, "aht_all_seconds": 100.0},
        {"agent": "bob", "contacts": 1, "handle_seconds": 100.0, "aht_seconds": 100.0, "aht_all_seconds": 100.0},
    ]


async def test_no_way_to_sort_people_by_a_figure_is_offered(metrics: Metrics) -> None:
    openapi = (await metrics.get("/openapi.json")).json()
    parameters = {
        one["name"]
        for path in openapi["paths"].values()
        for verb in path.values()
        for one in verb.get("parameters", [])
    }
    assert not {name for name in parameters if "sort" in name or "order" in name}


async def test_every_reading_about_people_is_recorded_before_it_is_answered(metrics: Metrics, address: str) -> None:
    await metrics.get("/v1/agents/ann/scorecard", purpose="coaching", **DAY)
    await metrics.get("/v1/agents", metrics.token("figures:read", roles=["supervisor"], team="red"), **DAY)
    await metrics.get("/v1/figures/aht:explain", metrics.token("figures:read", agent="ann"), agent="ann", **DAY)
    await metrics.get("/v1/queues", **DAY)
    connection = await asyncpg.connect(address)
    rows = await connection.fetch(
        "select tenant, reader, method, agents, team, purpose from metrics.people_read"
        " order by people_read_id desc limit 3"
    )
    await connection.close()
    assert [tuple(row) for row in reversed(rows)] == [
        ("t1", "tester", "GetScorecard", ["ann"], "", "coaching"),
        ("t1", "tester", "GetAgentReport", [], "red", ""),
        ("t1", "tester", "ExplainFigure", ["ann"], "", ""),
    ]


async def test_a_program_without_a_person_reads_queues_and_nothing_about_people(metrics: Metrics) -> None:
    token = metrics.token("figures:read")
    assert (await metrics.get("/v1/queues", token, **DAY)).status_code == 200
    for path in ("/v1/agents", "/v1/agents/ann/scorecard"):
        answer = await metrics.get(path, token, **DAY)
        assert (answer.status_code, answer.json()["reason"]) == (403, "PEOPLE_NOT_YOURS")


@pytest.mark.parametrize("method", ["RebuildFacts", "SetTenantTimeZone"])
async def test_what_changes_something_needs_an_operator(metrics: Metrics, method: str) -> None:
    request = pb.RebuildFactsRequest() if method == "RebuildFacts" else pb.SetTenantTimeZoneRequest(time_zone="UTC")
    with pytest.raises(AioRpcError) as caught:
        await metrics.call(method, request, metrics.token("figures:read", "people:read"))
    assert refusal(caught.value).reason == "SCOPE_MISSING"


@pytest.mark.parametrize("text", POISON)
async def test_no_text_of_a_question_reaches_the_statement(metrics: Metrics, address: str, text: str) -> None:
    for path, query in (
        ("/v1/queues", {"queue": text}),
        ("/v1/agents", {"agent": text}),
        ("/v1/flows", {"flow": text}),
        ("/v1/agents/ann/scorecard", {"purpose": text}),
        ("/v1/figures/offered:explain", {"queue": text}),
        ("/v1/figures/offered:explain", {"page_token": text}),
        ("/v1/queues", {"figures": text}),
        ("/v1/queues", {"time_zone": text}),
        ("/v1/queues", {"by": text}),
        ("/v1/queues", {"from_": text}),
    ):
        answer = await metrics.get(path, **{**DAY, **query})
        assert answer.status_code in {200, 400, 404}, (path, query, answer.text)
        if answer.status_code == 200 and "rows" in answer.json():
            assert answer.json()["rows"] == []
    connection = await asyncpg.connect(address)
    assert await connection.fetchval("select count(*) from metrics.queue_visit") == len(VISITS) + 1
    await connection.close()


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"to": "2025-01-01"}, "INTERVAL_INVALID"),
        ({"by": "fortnight"}, "INTERVAL_INVALID"),
        ({"credit": "luck"}, "INTERVAL_INVALID"),
        ({"time_zone": "Mars/Olympus"}, "TIME_ZONE_UNKNOWN"),
        ({"figures": "happiness"}, "FIGURE_UNKNOWN"),
        ({"figures": "asa@7"}, "FIGURE_UNKNOWN"),
        ({"threshold_seconds": -1}, "MALFORMED"),
        ({"to": "2100-01-01", "by": "quarter_hour"}, "TOO_MANY_PARTS"),
        ({"queue": "q" * 201}, "NAMES_INVALID"),
    ],
)
async def test_a_question_without_an_answer_is_told_why(metrics: Metrics, query: dict[str, Any], reason: str) -> None:
    answer = await metrics.get("/v1/queues", **{**DAY, **query})
    assert (answer.status_code, answer.json()["reason"]) == (400, reason)


async def test_grpc_refuses_with_the_same_reasons(metrics: Metrics) -> None:
    request = _request()
    request.figures.append("happiness")
    with pytest.raises(AioRpcError) as caught:
        await metrics.call("GetQueueReport", request)
    assert refusal(caught.value).reason == "FIGURE_UNKNOWN"
    with pytest.raises(AioRpcError) as caught:
        await metrics.call("GetQueueReport", pb.GetQueueReportRequest())
    assert refusal(caught.value).reason == "INTERVAL_INVALID"


async def test_both_doors_give_the_same_figures(metrics: Metrics) -> None:
    by_rest = (await _queues(metrics, queue="sales", figures="asa,aht,abandon_rate"))["rows"][0]["figures"]
    request = _request("sales")
    request.figures.extend(["asa", "aht", "abandon_rate"])
    [row] = (await metrics.call("GetQueueReport", request)).rows
    assert {figure.name: figure.value for figure in row.figures} == {
        figure["name"]: figure["value"] for figure in by_rest
    }


async def test_definitions_tell_formula_numerator_and_denominator_of_every_version(metrics: Metrics) -> None:
    found = (await metrics.get("/v1/figures")).json()["definitions"]
    by_reference = {f"{one['name']}@{one['formula_version']}": one for one in found}
    level = by_reference["service_level.genesys@2"]
    assert level["formula"] == "#(A, w ≤ T) / (A + B + #(W, w > T) - S)."
    assert level["numerator"] == "#(A, w ≤ T): visits answered within T"
    assert by_reference["service_level.genesys@1"]["superseded"]
    assert json.dumps(found)


async def test_the_status_counts_rows_and_says_whether_facts_follow(metrics: Metrics) -> None:
    status = (await metrics.get("/v1/status")).json()
    assert status["rows"]["queue_visit"] == len(VISITS)
    assert (status["following"], status["live_schema"]) == (True, GENERATION)


async def test_waiting_for_a_position_that_is_reached_answers_at_once(metrics: Metrics) -> None:
    answer = await metrics.call("GetFactsStatus", pb.GetFactsStatusRequest(wait_for_position=120))
    assert answer.as_of.logs["call-events"].position == 120


async def test_waiting_for_a_position_ends_when_facts_reach_it(metrics: Metrics, address: str) -> None:
    waiting = asyncio.create_task(metrics.call("GetFactsStatus", pb.GetFactsStatusRequest(wait_for_position=121)))
    await advance(address, Cursor("call-events", 3, 121))
    reached = (await waiting).as_of.logs["call-events"].position
    await advance(address, Cursor("call-events", 3, 120))
    assert reached == 121


async def test_positions_cannot_be_probed_without_the_scope(metrics: Metrics) -> None:
    answer = await metrics.get("/v1/status", metrics.token("figures:read"), wait_for_position=1)
    assert (answer.status_code, answer.json()["reason"]) == (403, "POSITIONS_NOT_YOURS")


async def test_every_route_and_method_has_a_rule(metrics: Metrics) -> None:
    assert (await metrics.get("/v1/queues", "nonsense", **DAY)).status_code == 401
    assert {"people:read", "log:read", "figures:read", "operator"} <= POLICY.every_scope()


def _request(queue: str = "") -> pb.GetQueueReportRequest:
    request = pb.GetQueueReportRequest(queues=[queue] if queue else [])
    request.interval.from_time.FromJsonString("2026-01-01T00:00:00Z")
    request.interval.to_time.FromJsonString("2026-01-02T00:00:00Z")
    return request


async def test_an_agents_name_may_be_that_of_a_line(metrics: Metrics) -> None:
    answer = await metrics.get("/v1/agents/SIP%2F2004/scorecard", **DAY)
    assert (answer.status_code, answer.json()["agent"]) == (200, "SIP/2004")
