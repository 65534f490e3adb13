"""A simulated phone system brings callers while routing is killed and away: nobody is lost or rung twice."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

import routing_verdict
import system_parts
from event_log.errors import LogUnavailable
from holdfast.ivr_routing.v1.administration_service_pb2 import PublishFlowRequest
from holdfast.ivr_routing.v1.administration_service_pb2_grpc import AdministrationServiceStub
from holdfast_cli import demo_centre
from holdfast_cli.home import Running
from holdfast_testing import eventually, eventually_blocking
from service_host import client
from system_parts import TENANT, WITHIN, Part, Parts

pytestmark = pytest.mark.timeout(300)

SCENARIO = {
    "service_numbers": [demo_centre.NUMBER],
    "agents": list(demo_centre.AGENTS),
    "digits": ["1", "3"],  # where nobody is offered to be called back, which is a journey of its own below
    "calls_per_minute": 240,
    "patience_seconds": 15,
    "talk_seconds": 1,
    "wrap_up_seconds": 0.3,
    "answer_seconds": 0.3,
    "typing_seconds": 0.2,
    "lost_share": 0.02,
    "twice_share": 0.05,
    "late_share": 0.05,
    "late_seconds": 1,
}
KILLS = 3
BACK = "+4930555111"
CALLBACKS = f"""
format: holdfast-flow/1
flow: call-me-back
language: en
start: offer
otherwise: wait
service_numbers: ["{BACK}"]
nodes:
  offer: {{type: callback_offer, say: Press 1 to be called back., queue: support, otherwise: wait}}
  wait: {{type: queue, queue: support}}
"""


class PhoneSystem:
    """A simulated phone system as a process of its own."""

    def __init__(self, parts: Parts, folder: Path, routing: str, **scenario: Any) -> None:
        token, file = folder / "phone.token", folder / f"scenario-{scenario['seed']}.json"
        token.write_text(parts.home.token(TENANT))
        file.write_text(json.dumps(SCENARIO | scenario))
        command = [sys.executable, "-m", "holdfast_connectors", "simulated", "--routing", routing]
        command += ["--call-events", parts.addresses.call_events_grpc, "--token-file", str(token)]
        self.process = subprocess.Popen([*command, "--scenario", str(file)], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert json.loads(self.process.stdout.readline())["ready"]

    def result(self) -> dict[str, int]:
        """What it says when its last call is over."""
        with self.process as process:
            said, _ = process.communicate(timeout=200)
        told: dict[str, int] = json.loads(said)
        return told


@pytest.fixture(scope="module")
def parts(folder: Path) -> Iterator[Parts]:
    with system_parts.started(folder / "parts") as running:
        yield running


@pytest.fixture(scope="module")
def routing(parts: Parts) -> Part:
    """Routing, with the small centre open."""
    part = parts.routing(SILENCE="3")
    part.start()
    running = Running(parts.addresses, TENANT, parts.home.token(TENANT))
    demo_centre.open_centre(running)
    return part


def test_callers_who_wait_while_routing_is_killed_are_served_by_what_starts_again(
    parts: Parts, routing: Part, folder: Path
) -> None:
    phones = PhoneSystem(parts, folder, parts.addresses.ivr_routing_grpc, seed=1, most_calls=60)
    for _ in range(KILLS):
        threading.Event().wait(3)  # callers come and wait meanwhile
        assert routing.kill() == -signal.SIGKILL
        routing.start()

    result = phones.result()

    assert result["over"] == result["begun"] == 60
    verdict = asyncio.run(_all_over(parts, routing))
    assert (verdict.callers_lost, verdict.ended_twice, verdict.agents_double) == (0, 0, 0), verdict
    assert len(verdict.contacts) >= 60 - result["default_routes"] - result["gone_unanswered"]
    assert verdict.bridged > 0


def test_callers_who_come_while_routing_is_away_get_somewhere_and_that_is_told_later(
    parts: Parts, routing: Part, folder: Path
) -> None:
    phones = PhoneSystem(parts, folder, parts.addresses.ivr_routing_grpc, seed=2, most_calls=8)
    routing.kill()
    threading.Event().wait(10)  # longer than the silence after which a static plan is followed
    routing.start()

    result = phones.result()

    assert result["over"] == 8
    assert result["default_routes"] > 0
    verdict = asyncio.run(_all_over(parts, routing))
    assert (verdict.callers_lost, verdict.ended_twice, verdict.agents_double) == (0, 0, 0), verdict


def test_callers_are_served_while_the_database_crashes_and_call_events_is_away(
    parts: Parts, routing: Part, folder: Path
) -> None:
    phones = PhoneSystem(parts, folder, parts.addresses.ivr_routing_grpc, seed=3, most_calls=20)
    threading.Event().wait(2)
    os.kill(parts.postgres.pid, signal.SIGQUIT)
    eventually_gone(parts)
    parts.postgres.restart()
    parts.services["call-events"].kill()
    threading.Event().wait(2)
    parts.services["call-events"].start()

    result = phones.result()

    assert result["over"] == 20
    assert routing.alive
    verdict = asyncio.run(_all_over(parts, routing))
    assert (verdict.callers_lost, verdict.ended_twice, verdict.agents_double) == (0, 0, 0), verdict


def test_customers_who_keep_their_place_are_called_back_and_counted(parts: Parts, routing: Part, folder: Path) -> None:
    asyncio.run(_publish(routing, parts, CALLBACKS))
    calm = dict.fromkeys(("twice_share", "late_share", "lost_share"), 0.0)
    phones = PhoneSystem(
        parts,
        folder,
        parts.addresses.ivr_routing_grpc,
        seed=5,
        most_calls=4,
        service_numbers=[BACK],
        digits=["1"],
        callback_answer_share=1,
        **calm,
    )

    result = phones.result()

    assert (result["over"], result["called_back"]) == (4, 4)
    verdict = asyncio.run(_all_over(parts, routing))
    assert (verdict.callers_lost, verdict.ended_twice, verdict.agents_double) == (0, 0, 0), verdict
    eventually_blocking(lambda: _callbacks(parts) == (4, 4, 0), within=WITHIN)


async def _publish(routing: Part, parts: Parts, document: str) -> None:
    async with client.connect(parts.addresses.ivr_routing_grpc, token=parts.home.token(TENANT)) as channel:
        stub = AdministrationServiceStub(channel)
        answer = await stub.PublishFlow(PublishFlowRequest(document=document), timeout=30)
        assert not answer.problems, routing.last_words()


def _callbacks(parts: Parts) -> tuple[int, int, int]:
    """Callbacks asked for, kept and failed, as metrics counts them."""
    today = datetime.fromtimestamp(time.time(), UTC).date()
    names = ("callback.taken", "callback.kept", "callback.failed")
    days = {"from": str(today - timedelta(days=1)), "to": str(today + timedelta(days=2)), "figures": ",".join(names)}
    token = {"authorization": f"Bearer {parts.home.token(TENANT)}"}
    with httpx.Client(base_url=f"http://{parts.addresses.metrics_http}", headers=token, trust_env=False) as http:
        answer = http.get("/v1/queues", params=days).raise_for_status().json()
    found = {one["name"]: int(one["numerator"]) for one in answer["total"]["figures"]}
    return found[names[0]], found[names[1]], found[names[2]]


def test_hang_ups_lost_in_a_gap_are_found_by_the_snapshot_that_routing_asks_for(
    parts: Parts, routing: Part, folder: Path
) -> None:
    gap = {"gap_after": 4, "gap_for": 4, "snapshot_every": 0, "lost_share": 0, "patience_seconds": 5}
    phones = PhoneSystem(parts, folder, parts.addresses.ivr_routing_grpc, seed=4, most_calls=60, **gap)

    result = phones.result()

    assert result["over"] == 60
    verdict = asyncio.run(_all_over(parts, routing))
    assert (verdict.callers_lost, verdict.ended_twice, verdict.agents_double) == (0, 0, 0), verdict


def eventually_gone(parts: Parts) -> None:
    """Wait until the server has ended."""
    eventually_blocking(lambda: not parts.postgres.running)


async def _all_over(parts: Parts, routing: Part) -> routing_verdict.Verdict:
    """The verdict once routing has heard of the end of every call."""

    async def looked() -> routing_verdict.Verdict:
        try:
            found = await routing_verdict.read(parts.addresses.ivr_routing_log, parts.token())
        except LogUnavailable as away:
            raise AssertionError(routing.last_words()) from away
        assert found.callers_lost == 0, found
        return found

    return await eventually(looked, within=WITHIN)
