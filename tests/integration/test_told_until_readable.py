"""An event told as the documents say is at once in the tail, the contact and the figures."""

import asyncio
import json
import random
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast_testing import eventually_blocking
from public_doors import MONDAY, Doors, Teller, caught_up, lines, record
from system_testing import HOLDFAST, System

pytestmark = pytest.mark.timeout(600)

ROOT = Path(__file__).parents[2]
DOCUMENTS = ["README.md", "docs/call-events.md"]
CURL = re.compile(r"curl -s \S*(/v1/\S+) -H \"authorization: Bearer \$\w+\" -d '(.*?)'", re.DOTALL)
FORM = "application/x-www-form-urlencoded"
"""What curl says of a body that nobody described."""


@pytest.fixture(scope="module")
def doors(system: System) -> Doors:
    return Doors.of(system.ready, system.data)


@pytest.fixture
def http(doors: Doors) -> Iterator[httpx.Client]:
    with doors.call_events() as opened:
        yield opened


def examples(document: str) -> list[tuple[str, str]]:
    """Return path and body of what a document says to type."""
    found = CURL.findall((ROOT / document).read_text())
    assert found, f"{document} has no curl example any more"
    return found


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_example_of_a_document_works_as_written(
    system: System, doors: Doors, http: httpx.Client, document: str
) -> None:
    for path, body in examples(document):
        answer = http.post(path, content=body, headers={"content-type": FORM})
        assert answer.status_code == 200, answer.text
        (verdict,) = answer.json()["verdicts"]
        (event,) = json.loads(body)["events"]
        assert verdict["event_id"] == event["event_id"]
        assert "NUMBER_SEALED" in verdict["recorded"]["notes"] or verdict["recorded"]["duplicate"]
        assert http.post(path, content=body).json()["verdicts"][0]["recorded"]["duplicate"]
        alias = f"{event['source_id']}:{event['contact']['alias']['native_id']}"
        contact = system.json("contact", alias)["contact"]
        assert contact["contact_id"] == verdict["recorded"]["contact_id"]
        tailed = lines(system.run("tail", "-n", "5", "--no-follow", "--json").stdout)
        assert contact["contact_id"] in json.dumps(tailed)
    caught_up(doors)


def test_the_examples_of_the_openapi_documents_are_taken(http: httpx.Client) -> None:
    paths = http.get("/openapi.json").raise_for_status().json()["paths"]
    told = {
        path: verbs["post"]["requestBody"]["content"]["application/json"]["example"]
        for path, verbs in paths.items()
        if "post" in verbs
    }
    assert len(told) >= 4
    for path, example in told.items():
        answer = http.post(path, json=example)
        assert answer.status_code == 200, (path, answer.text)
        assert "refused" not in answer.text


def test_a_tail_that_follows_shows_an_event_as_it_is_told(
    system: System, http: httpx.Client, chance: random.Random
) -> None:
    teller = Teller(chance)
    first, told = teller.abandoned("before", wait=3), teller.abandoned("while-it-follows", wait=3)
    record(http, first)
    command = [HOLDFAST, "tail", "--data", str(system.data), "--json", "-n", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tail:
        assert tail.stdout is not None
        assert first[-1]["event_id"] in tail.stdout.readline(), "it begins with what was there"
        record(http, told)
        shown = [json.loads(tail.stdout.readline()) for _ in told]
        tail.terminate()
    assert [one["contact_event"]["event"]["event_id"] for one in shown] == [event["event_id"] for event in told]


async def test_a_subscription_hears_an_event_at_once(doors: Doors, chance: random.Random) -> None:
    told = Teller(chance).abandoned("heard", wait=3)
    async with doors.calling() as stub:
        heard = stub.SubscribeEvents(pb.SubscribeEventsRequest(from_end=True))
        await heard.read()
        with doors.call_events() as http:
            await asyncio.to_thread(record, http, told)
        ids: list[str] = []
        async with asyncio.timeout(60):
            while len(ids) < len(told):
                page = await heard.read()
                ids += [one.contact_event.event.event_id for one in page.events]
        heard.cancel()
    assert ids == [event["event_id"] for event in told]


def test_figures_show_a_contact_soon_after_it_was_told(doors: Doors, http: httpx.Client, chance: random.Random) -> None:
    record(http, Teller(chance).answered("fresh", "ben", wait=12, talk=100))

    def row() -> Any:
        with doors.metrics() as metrics:
            report = metrics.get("/v1/queues", params=MONDAY | {"queue": "fresh"}).json()
        return next(iter(report["rows"]), None)

    began = time.monotonic()
    found = eventually_blocking(row)
    print(f"readable after {time.monotonic() - began:.3f} s")  # noqa: T201  # what the run was
    assert (found["answered"], found["wait_answered_seconds"], found["handle_seconds"]) == (1, 12.0, 100.0)


def test_an_explanation_leads_from_the_figure_to_the_events_told(
    doors: Doors, http: httpx.Client, chance: random.Random
) -> None:
    told = Teller(chance).answered("explained", "carla", wait=30, talk=60)
    record(http, told)
    caught_up(doors)
    with doors.metrics() as metrics:
        path = "/v1/figures/service_level.offered:explain"
        explained = metrics.get(path, params=MONDAY | {"queue": "explained", "threshold_seconds": 20}).json()
    assert (explained["figure"]["numerator"], explained["figure"]["denominator"]) == (0, 1)
    assert explained["recomputed"] == explained["figure"]
    (fact,) = explained["facts"]
    behind = {event["event_id"] for event in fact["events"]}
    assert behind <= {event["event_id"] for event in told}
    assert {told[1]["event_id"], told[2]["event_id"]} <= behind


def test_agents_events_told_over_http_are_in_the_log_and_in_the_facts(
    doors: Doors, http: httpx.Client, chance: random.Random
) -> None:
    teller = Teller(chance)
    states = [("AVAILABLE", "2026-01-05T08:00:00Z"), ("NOT_READY", "2026-01-05T09:00:00Z")]
    events = [
        {
            "event_id": teller.new_id(),
            "source_id": "pbx",
            "event_time": when,
            "agent_state_changed": {"agent": "dora", "state": f"AGENT_STATE_{state}"},
        }
        for state, when in states
    ]
    answer = http.post("/v1/agent-events:record", json={"events": events}).json()
    assert all("recorded" in verdict for verdict in answer["verdicts"]), answer
    assert caught_up(doors)["rows"]["agent_spell"] >= len(events)
