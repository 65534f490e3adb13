"""Any process killed at any moment of an import: told on, figures are those of the file, and nothing stands twice."""

import json
import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bank_months
import system_parts
import whole_log
from bank_months import Call
from public_doors import Doors, caught_up
from system_parts import Parts
from system_testing import HOLDFAST, run, started

pytestmark = pytest.mark.timeout(1200)

KILLS = 30
KILLS_OF_ALL = 3
CALLS = 6000
"""In a month: more than can be told between two kills."""
MONTHS = 12
IMPORTER, POSTGRES = "importer", "postgres"


class Import:
    """An import under way, told on for as often as it is killed."""

    def __init__(self, data: Path, file: Path) -> None:
        self._environment = os.environ | {"HOLDFAST_DATA": str(data)}
        self._command = [HOLDFAST, "import", "bank-1999", str(file), "--json"]
        self._process = self._start()

    def ended_within(self, seconds: float) -> bool:
        """Wait for its end; it may not fail while nobody killed it."""
        try:
            _, errors = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            return False
        assert self._process.returncode == 0, f"the import gave up: {errors}"
        return True

    def killed(self) -> bool:
        """Kill it, unless it has ended; whether it was killed."""
        self._process.kill()
        self._process.communicate()
        return self._process.returncode == -signal.SIGKILL

    def again(self) -> None:
        """Start it again."""
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[str]":
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(self._command, env=self._environment, **pipes)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def parts(folder: Path) -> Iterator[Parts]:
    with system_parts.started(folder / "parts") as running:
        yield running


@pytest.fixture
def months(folder: Path, chance: random.Random) -> Iterator[tuple[Path, list[Call]]]:
    """Give months of made-up calls, one after the other, as long as there are months in a year."""

    def made() -> Iterator[tuple[Path, list[Call]]]:
        for number in range(1, MONTHS + 1):
            calls = bank_months.month(chance, CALLS, number)
            yield bank_months.write(folder / f"month-{number}.txt", calls), calls

    return made()


def kill(victim: str, parts: Parts, importing: Import) -> bool:
    """Kill one process and start it again; whether it was there to be killed. The others must live on by themselves."""
    if victim == IMPORTER:
        killed = importing.killed()
        if killed:
            importing.again()
        return killed
    if victim == POSTGRES:
        os.kill(parts.postgres.pid, signal.SIGKILL)
        parts.postgres.restart()
    else:
        assert parts.services[victim].kill() == -signal.SIGKILL
        parts.services[victim].start()
    for name, service in parts.services.items():
        assert service.alive, f"{name} did not outlive the kill of {victim}: {service.last_words()}"
    return True


def test_any_part_killed_thirty_times_loses_nothing_and_counts_nothing_twice(
    parts: Parts, months: Iterator[tuple[Path, list[Call]]], chance: random.Random
) -> None:
    kills: Counter[str] = Counter()
    told: list[tuple[Path, list[Call]]] = []
    while kills.total() < KILLS:
        file, calls = next(months)
        told.append((file, calls))
        importing = Import(parts.data, file)
        while not importing.ended_within(chance.uniform(0.1, 0.8)):
            victim = chance.choice([IMPORTER, POSTGRES, *parts.services])
            kills[victim] += kill(victim, parts, importing)
    assert_told(parts.data, Doors(parts.addresses, parts.issuer()), told, recorded=0)
    print(f"kills: {dict(kills)} over {len(told)} months of {CALLS} calls")  # noqa: T201  # what the run was


def test_up_itself_killed_with_the_importer_goes_on_where_it_was(
    folder: Path, months: Iterator[tuple[Path, list[Call]]], chance: random.Random
) -> None:
    data = folder / "up"
    file, calls = next(months)
    for _ in range(KILLS_OF_ALL):
        with started(data) as system:
            importing = Import(data, file)
            importing.ended_within(chance.uniform(0.6, 2.0))
            system.kill()
            importing.killed()
    with started(data) as system:
        assert_told(data, Doors.of(system.ready, data), [(file, calls)])


def assert_told(data: Path, doors: Doors, told: list[tuple[Path, list[Call]]], recorded: int | None = None) -> None:
    """Assert that a system holds exactly what the files tell; told again they add what was cut off, no more."""
    summaries = [ask(data, "import", "bank-1999", str(file)) for file, _ in told]
    events = sum(summary["events"] for summary in summaries)
    assert recorded is None or sum(summary["recorded"] for summary in summaries) == recorded
    log = whole_log.read(doors.addresses.call_events_log, doors.token())
    whole_log.assert_whole(log)
    assert log.num_rows == events
    caught_up(doors)
    with doors.metrics() as http:
        for file, calls in told:
            recount = bank_months.recount(calls)
            report = http.get("/v1/queues", params=_days(calls)).raise_for_status().json()
            assert bank_months.figures_of(report) == recount.figures(), file.name
            report = http.get("/v1/agents", params=_days(calls)).raise_for_status().json()
            assert bank_months.agents_of(report) == recount.agents, file.name
    rebuilt = ask(data, "rebuild", "metrics")
    assert (rebuilt["differences"], rebuilt["events"]) == (0, events)
    assert ask(data, "audit", "verify")["verified"]


def ask(data: Path, *words: str) -> Any:
    done = run(data, *words, "--json")
    assert done.returncode == 0, f"holdfast {' '.join(words)}: {done.stderr}"
    return json.loads(done.stdout)


def _days(calls: list[Call]) -> dict[str, str]:
    """Return the local days of a month's file and the one after its last: a call may end there."""
    month = calls[0].date[2:4]
    return {"from": f"1999-{month}-01", "to": f"1999-{month}-{bank_months.DAYS_OF_MONTH + 2}"}
