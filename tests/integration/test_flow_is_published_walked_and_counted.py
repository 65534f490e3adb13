"""A flow from its file to figures: linted, published, walked by callers, told to call-events, counted, rolled back."""

import json
import secrets
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import grpc
import pytest
import pytest_asyncio

from holdfast.ivr_routing.v1 import phone_system_service_pb2 as phone
from holdfast.ivr_routing.v1.phone_system_service_pb2_grpc import PhoneSystemServiceStub
from holdfast_testing import eventually
from public_doors import Doors
from service_host import client
from system_testing import System

if TYPE_CHECKING:
    from holdfast.ivr_routing.v1.phone_system_service_pb2_grpc import PhoneSystemServiceAsyncStub

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

NUMBER: Final = "+498001234"
FLOW: Final = """
format: holdfast-flow/1
flow: journey
language: en
start: welcome
otherwise: later
nodes:
  welcome:
    type: menu
    say: WORDS
    attempts: 1
    choices: {1: answer, 2: later}
    otherwise: later
  answer: {type: play, say: It is open until six., self_served: opening_hours, next: bye}
  bye: {type: hang_up, reason: self_served}
  later: {type: voicemail, mailbox: desk}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def phone_system(system: System) -> AsyncIterator["PhoneSystemServiceAsyncStub"]:
    """Routing's door for phone systems."""
    token = Doors.of(system.ready, system.data).token()
    async with client.connect(system.ready["ivr_routing_grpc"], token=token) as channel:
        yield PhoneSystemServiceStub(channel)


def published(system: System, folder: Path, words: str) -> str:
    """Publish the flow with these words from the command line; return its version."""
    file = folder / "journey.yaml"
    file.write_text(FLOW.replace("WORDS", words), encoding="utf-8")
    assert system.json("flow", "lint", str(file))["problems"] == []
    told: dict[str, Any] = system.json("flow", "publish", str(file), "--service-number", NUMBER)
    assert told["published"]
    return str(told["version"])


async def call(door: "PhoneSystemServiceAsyncStub", digits: str) -> str:
    """A caller arrives and types something; return the contact."""
    started = await door.StartContact(
        phone.StartContactRequest(
            source_id="pbx", native_id=secrets.token_hex(8), node="n1", service_number=NUMBER, language="en"
        )
    )
    asked = started.instruction
    request = phone.ReportInputRequest(
        contact_id=started.contact_id,
        input_id=secrets.token_hex(16),
        instruction_id=asked.instruction_id,
        node="welcome",
        digits=digits,
    )
    await door.ReportInput(request)
    return str(started.contact_id)


def rows(system: System) -> dict[str, dict[str, Any]]:
    """Return the flow report of the last days, by version."""
    today = datetime.fromtimestamp(time.time(), UTC).date()
    days = {"from": str(today - timedelta(days=1)), "to": str(today + timedelta(days=2))}
    with Doors.of(system.ready, system.data).metrics() as http:
        answer = http.get("/v1/flows", params=days).raise_for_status().json()
    return {row["flow_version"]: row for row in answer["rows"] if row["flow"] == "journey"}


async def test_callers_walk_the_version_in_force_and_are_counted_by_it(
    system: System, folder: Path, phone_system: "PhoneSystemServiceAsyncStub"
) -> None:
    first = published(system, folder, "Welcome.")
    contact = await call(phone_system, "1")
    second = published(system, folder, "Good day.")
    await call(phone_system, "1")
    await call(phone_system, "2")
    assert published(system, folder, "Welcome.") == first != second  # rolled back
    await call(phone_system, "2")
    listed = system.json("flow", "list")["flows"]
    status = {one["version"]: one["status"] for one in listed if one["flow"] == "journey"}
    assert status == {first: "in_force", second: "published"}
    assert "Good day." in system.json("flow", "show", "journey", "--version", second)["document"]

    async def counted() -> bool:
        found = {version: row["entered"] for version, row in rows(system).items()}
        return found == {first: 2, second: 2}

    await eventually(counted)
    told = [str(event) for event in system.json("contact", contact)["events"]]
    wanted = ["flow_entered", "node_visited", "input_collected", "node_visited", "self_served", "node_visited"]
    assert [kind for kind, event in zip([*wanted, "flow_exited"], told, strict=True) if kind not in event] == []


async def test_a_refused_flow_is_shown_with_every_problem_its_place_and_its_remedy(
    system: System, folder: Path
) -> None:
    file = folder / "wrong.yaml"
    wrong = FLOW.replace("journey", "wrong").replace("    attempts: 1\n", "").replace("2: later", "2: latter")
    file.write_text(wrong, encoding="utf-8")
    linted = system.run("flow", "lint", str(file), "--json")
    refused = system.run("flow", "publish", str(file), "--json")
    assert linted.returncode == refused.returncode == 1
    problems = json.loads(refused.stdout)["problems"]
    assert problems == json.loads(linted.stdout)["problems"]
    assert {(problem["line"], problem["node"], bool(problem["remedy"])) for problem in problems} == {
        (8, "welcome", True),
        (11, "welcome", True),
    }


async def test_figures_of_flows_are_shown_by_the_way_taken(system: System) -> None:
    today = datetime.fromtimestamp(time.time(), UTC).date()
    days = ("--from", str(today - timedelta(days=1)), "--to", str(today + timedelta(days=2)))
    ways = {row["node_path"] for row in system.json("flows", *days, "--by-node-path")["rows"]}
    assert any("answer" in way for way in ways)
    assert any("later" in way for way in ways)


async def test_routing_killed_by_hand_is_started_again_and_goes_on_with_its_callers(
    system: System, folder: Path, phone_system: "PhoneSystemServiceAsyncStub"
) -> None:
    published(system, folder, "Hello.")
    request = phone.StartContactRequest(source_id="pbx", native_id="held", node="n1", service_number=NUMBER)
    before = await phone_system.StartContact(request)
    (routing,) = [process for process in system.processes() if "ivr_routing" in process.cmdline()]

    routing.kill()

    async def goes_on() -> bool:
        try:
            after = await phone_system.StartContact(request)
        except grpc.aio.AioRpcError as away:
            raise AssertionError(away.details()) from None
        assert after == before
        return True

    await eventually(goes_on, within=timedelta(seconds=150))
    assert system.process.poll() is None
    assert routing.pid not in {process.pid for process in system.processes()}
