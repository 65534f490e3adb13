"""The webhook example of the documents, as written: a platform posts, and a call goes from arrival to its end."""

import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
import pytest

from holdfast_testing import eventually_blocking
from public_doors import Doors
from system_testing import System

pytestmark = pytest.mark.timeout(300)

EXAMPLES: Final = Path(__file__).parents[2] / "docs/examples"
FLOW: Final = EXAMPLES.parent / "flows/main-line.yaml"
NUMBER: Final = "+498001234"
START_SECONDS: Final = 30
MOST_LINES: Final = 60


class Platform:
    """A platform's side: posts forms, reads what it is to do."""

    def __init__(self, http: httpx.Client, secret: str) -> None:
        self._http = http
        self._voice = f"/{secret}/voice"
        self.call = f"CA{secrets.token_hex(8)}"

    def voice(self) -> str:
        """A caller arrives."""
        return self.post(self._voice, From="+4930901820", To=NUMBER)

    def post(self, to: str, **form: str) -> str:
        """Post to an address; return the document that is to be carried out."""
        return self._http.post(to, data={"CallSid": self.call, **form}).raise_for_status().text


def found(pattern: str, document: str) -> str:
    """Return the address or name that stands in a document."""
    match = re.search(pattern, document)
    assert match is not None, document
    return unescape(match[1])


@pytest.fixture(scope="module")
def environment(system: System) -> dict[str, str]:
    told = {
        "HOLDFAST_ROUTING": system.ready["ivr_routing_grpc"],
        "HOLDFAST_ROUTING_HTTP": system.ready["ivr_routing_http"],
        "HOLDFAST_CALL_EVENTS_HTTP": system.ready["call_events_http"],
        "HOLDFAST_TOKEN": Doors.of(system.ready, system.data).token(),
        "WEBHOOK_SECRET": secrets.token_hex(8),
    }
    return os.environ | told


@pytest.fixture(scope="module")
def platform(system: System, folder: Path, environment: dict[str, str]) -> Iterator[Platform]:
    """The example, serving, and a platform that posts to it; a centre with one agent."""
    always_open = folder / "main-line.yaml"
    always_open.write_text(
        FLOW.read_text(encoding="utf-8").replace("when: hours.office", 'when: "true"'), encoding="utf-8"
    )
    centre = [sys.executable, str(EXAMPLES / "open_centre.py")]
    command = [sys.executable, "-m", "uvicorn", "--app-dir", str(EXAMPLES), "webhook:app", "--port", "0"]
    with ExitStack() as programs:
        ready = started(programs, centre, environment).stdout
        assert ready is not None
        assert ready.readline()
        system.json("flow", "publish", str(always_open), "--service-number", NUMBER)
        serving = started(programs, command, environment)
        port = eventually_blocking(lambda: port_of(serving.pid), within=timedelta(seconds=START_SECONDS))
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=START_SECONDS) as http:
            yield Platform(http, environment["WEBHOOK_SECRET"])


def started(programs: ExitStack, command: list[str], environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    """Start a program that ends with the test."""
    pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
    process = programs.enter_context(subprocess.Popen(command, env=environment, stdout=pipe, stderr=nothing))
    programs.callback(process.terminate)
    return process


def port_of(process: int) -> int:
    """Return the port that a process listens on; 0 while it does not."""
    listening = [one for one in psutil.Process(process).net_connections("inet") if one.status == psutil.CONN_LISTEN]
    return listening[0].laddr.port if listening else 0


def test_the_example_is_short_enough_to_be_read() -> None:
    assert len((EXAMPLES / "webhook.py").read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_the_pages_own_call_keeps_the_plus_of_its_numbers() -> None:
    page = (EXAMPLES.parent / "connect-a-phone-system.md").read_text()
    assert f"--data-urlencode To={NUMBER}" in page
    assert not re.search(r"-d \w+=\+", page), "curl leaves the plus as it is, and a form takes it for a space"


def test_a_call_goes_from_the_platforms_webhook_through_the_flow_to_an_agent(
    system: System, platform: Platform
) -> None:
    asked = platform.voice()
    assert "Welcome." in asked
    again = platform.post(found(r'action="([^"]+)"', asked), Digits="1")
    ringing = platform.post(found(r'action="([^"]+)"', again), Digits="2")
    until = time.monotonic() + START_SECONDS
    while "<Dial" not in ringing and time.monotonic() < until:
        ringing = platform.post(found(r"<Redirect>([^<]+)</Redirect>", ringing))
    assert found(r"<Sip[^>]*>([^<]+)</Sip>", ringing) == "sip:ann@example.com"

    agent: dict[str, Any] = {"to": found(r'statusCallback="([^"]+)"', ringing), "CallSid": "CAagent"}
    for status in ("ringing", "in-progress", "completed"):
        platform.post(**agent, CallStatus=status)
    ended = platform.post(found(r'<Dial[^>]*action="([^"]+)"', ringing), DialCallStatus="completed")
    assert "<Hangup/>" in ended
    secret = agent["to"].split("/")[1]
    platform.post(f"/{secret}/ended", CallStatus="completed")

    def handled() -> bool:
        contact = system.json("contact", f"webhook:{platform.call}")
        return "HANDLED" in str(contact).upper() and "ann" in str(contact)

    eventually_blocking(handled)
