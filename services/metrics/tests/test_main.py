"""The process as it is started: migrate, serve, and serve on while the log is away."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from service_host.local_issuer import AUDIENCE, ISSUER, LocalIssuer

DEADLINE_SECONDS = 60
EXAMPLES = 30


@pytest.fixture
def environment(fresh_database: str, tmp_path: Path) -> dict[str, str]:
    issuer = LocalIssuer(tmp_path / "issuer")
    token = tmp_path / "feed.token"
    token.write_text(issuer.mint("t1", "metrics", scopes=["log:read"]))
    settings = {
        "DATABASE_URL": fresh_database,
        "JWKS": str(issuer.jwks),
        "ISSUER": ISSUER,
        "AUDIENCE": AUDIENCE,
        "GRPC_ADDRESS": "127.0.0.1:0",
        "HTTP_ADDRESS": "127.0.0.1:0",
        "FEED": "grpc://127.0.0.1:1",
        "FEED_TOKEN_FILE": str(token),
    }
    return {**os.environ, **{f"HOLDFAST_METRICS_{name}": value for name, value in settings.items()}}


def _run(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    program = [sys.executable, "-m", "metrics", *words]
    return subprocess.run(
        program, env=environment, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )


@contextmanager
def _serving(environment: dict[str, str]) -> Iterator[dict[str, Any]]:
    program = [sys.executable, "-m", "metrics", "serve", "--ready-json"]
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            assert process.wait(DEADLINE_SECONDS) == 0


def test_figures_are_answered_while_the_log_is_away_and_say_that_nothing_follows(
    environment: dict[str, str], tmp_path: Path
) -> None:
    assert _run(environment, "migrate").returncode == 0
    token = LocalIssuer(tmp_path / "issuer").mint("t1", "tester", scopes=["figures:read", "log:read"])
    with _serving(environment) as ready:
        headers = {"authorization": f"Bearer {token}"}
        with httpx.Client(base_url=f"http://{ready['http']}", headers=headers, trust_env=False) as http:
            report = http.get("/v1/queues", params={"from": "2026-01-01", "to": "2026-02-01"})
            status = http.get("/v1/status")
    assert (report.status_code, report.json()["rows"]) == (200, [])
    assert status.json()["following"] is False


def test_migrating_twice_changes_nothing(environment: dict[str, str]) -> None:
    assert [_run(environment, "migrate").returncode for _ in range(2)] == [0, 0]


def test_a_wrong_setting_ends_the_start_with_a_sentence(environment: dict[str, str]) -> None:
    ended = _run({**environment, "HOLDFAST_METRICS_RECOMPUTED_CONTACTS": "many"}, "serve")
    assert ended.returncode == 2
    assert "HOLDFAST_METRICS_RECOMPUTED_CONTACTS" in ended.stderr
    assert "many" not in ended.stderr


def test_a_word_that_is_no_task_is_answered_with_the_usage(environment: dict[str, str]) -> None:
    assert "migrate|serve" in _run(environment, "dance").stderr


def test_nothing_that_openapi_allows_makes_the_service_fail(environment: dict[str, str], tmp_path: Path) -> None:
    assert _run(environment, "migrate").returncode == 0
    scopes = ["figures:read", "people:read"]
    headers = {"authorization": f"Bearer {LocalIssuer(tmp_path / 'issuer').mint('t1', 'tester', scopes=scopes)}"}
    with _serving(environment) as ready:
        address = f"http://{ready['http']}"
        schema = schemathesis.openapi.from_url(f"{address}/openapi.json", headers=headers)
        operations: list[Any] = list(schema.get_all_operations())
        for operation in operations:
            _hold(operation.ok(), address, headers)


def _hold(operation: Any, address: str, headers: dict[str, str]) -> None:
    @given(operation.as_strategy())
    @settings(max_examples=EXAMPLES, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    def holds(case: Any) -> None:
        answer = case.call(base_url=address, headers=headers, timeout=DEADLINE_SECONDS)
        assert answer.status_code < 500, (operation.label, answer.text)

    holds()
