"""A container engine that is not there, is silent, or does nothing: a broker is had another way, and soon."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingUnixStreamServer

import pytest
from testcontainers.community.kafka import KafkaContainer

from event_log.kafka import container
from event_log.kafka.broker import VARIABLE, found_broker

ENDED = threading.Event()
API = "1.44"
ASKED_OF_A_CONTAINER = ("with_kraft", "with_envs", "start", "stop", "get_bootstrap_server")


class Silent(BaseRequestHandler):
    """An engine that takes connections and answers nothing."""

    def handle(self) -> None:
        """Wait until the test is over."""
        ENDED.wait(60)


class Idle(BaseHTTPRequestHandler):
    """An engine that says that it is there, and does nothing that it is asked to do."""

    def do_GET(self) -> None:  # as the library names it
        """Answer who it is; refuse the rest."""
        known = self.path.endswith(("/version", "/_ping"))
        body = json.dumps({"ApiVersion": API} if known else {"message": "out of order"}).encode()
        self.send_response(200 if known else 500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815  # the same
    do_DELETE = do_GET  # noqa: N815  # the same

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def engine(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have an engine of the kind asked for listen where engines are looked for."""
    path = tmp_path / "engine.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    monkeypatch.delenv(VARIABLE, raising=False)
    ENDED.clear()
    with ThreadingUnixStreamServer(str(path), request.param) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield
        ENDED.set()
        server.shutdown()
        serving.join()


def test_the_library_has_what_is_asked_of_it() -> None:
    assert [name for name in ASKED_OF_A_CONTAINER if not callable(getattr(KafkaContainer, name, None))] == []


def test_without_an_engine_there_is_no_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(container, "ENGINE_SOCKET", str(tmp_path / "nothing"))
    assert container.started() is None


@pytest.mark.parametrize("engine", [Silent], indirect=True)
@pytest.mark.usefixtures("engine")
def test_an_engine_that_is_silent_leads_to_a_broker_on_java(tmp_path: Path) -> None:
    with found_broker(tmp_path / "kafka") as broker:
        assert broker.local is not None


@pytest.mark.parametrize("engine", [Idle], indirect=True)
@pytest.mark.usefixtures("engine")
def test_an_engine_that_cannot_run_anything_gives_no_container() -> None:
    assert container.started() is None


@pytest.mark.parametrize("engine", [Idle], indirect=True)
@pytest.mark.usefixtures("engine")
def test_a_container_that_does_not_come_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "START_DEADLINE", timedelta(0))
    assert container.started() is None
