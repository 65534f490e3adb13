"""Asking a running system: what passes by itself is asked again, what does not is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from holdfast_cli import system
from holdfast_cli.home import Addresses, Running
from holdfast_cli.output import CommandFailed


@contextmanager
def answering(*statuses: int) -> Iterator[Running]:
    """Give a system whose metrics answers with these statuses, one after the other, then with the last; 0 hangs up."""
    left = list(statuses)

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = left.pop(0) if len(left) > 1 else left[0]
            if status:
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b'{"message": "Not now.", "reason": "DATABASE_BUSY", "rows": []}')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as it is called there
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield Running(Addresses(metrics_http=f"127.0.0.1:{server.server_address[1]}"), "local", "token")
        finally:
            server.shutdown()
            serving.join()


@pytest.mark.parametrize("trouble", [503, 0])
def test_a_question_that_nobody_could_answer_is_asked_again(trouble: int) -> None:
    with answering(trouble, trouble, 200) as running:
        assert system.get(running, "/v1/queues", {})["rows"] == []


def test_trouble_that_stays_is_told_as_the_service_told_it() -> None:
    with answering(503) as running, pytest.raises(CommandFailed, match="DATABASE_BUSY"):
        system.get(running, "/v1/queues", {})


@pytest.mark.parametrize("status", [400, 404, 500])
def test_what_asking_again_cannot_mend_is_asked_once(status: int) -> None:
    with answering(status, 200) as running, pytest.raises(CommandFailed):
        system.get(running, "/v1/queues", {})
