"""Two metrics on the same facts, each killed in turn while a month is told: no event is counted twice or left out."""

import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import bank_months
import system_parts
from public_doors import Doors, caught_up
from system_parts import Parts
from system_testing import HOLDFAST

pytestmark = pytest.mark.timeout(600)

CALLS = 2500
KILLS = 4
DAYS = {"from": "1999-01-01", "to": "1999-01-28", "time_zone": "Asia/Jerusalem"}


@pytest.fixture
def parts(folder: Path) -> Iterator[Parts]:
    with system_parts.started(folder / "parts") as running:
        yield running


def test_two_metrics_side_by_side_each_killed_in_turn_count_every_event_once(
    parts: Parts, folder: Path, chance: random.Random
) -> None:
    calls = bank_months.month(chance, CALLS)
    file = bank_months.write(folder / "month.txt", calls)
    both = [parts.services["metrics"], parts.another("metrics")]
    both[1].start()
    command = [HOLDFAST, "import", "bank-1999", str(file), "--data", str(parts.data), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as importing:
        for number in range(KILLS):
            victim = both[number % 2]
            assert victim.kill() == -signal.SIGKILL
            victim.start()
        _, errors = importing.communicate()
    assert importing.returncode == 0, errors
    doors = Doors(parts.addresses, parts.issuer())
    caught_up(doors)
    assert all(one.alive for one in both), both[1].last_words()
    recount = bank_months.recount(calls)
    with doors.metrics() as http:
        queues = http.get("/v1/queues", params=DAYS).raise_for_status().json()
        agents = http.get("/v1/agents", params=DAYS).raise_for_status().json()
    assert queues["as_of"]["parked"] == 0
    assert bank_months.figures_of(queues) == recount.figures()
    assert bank_months.agents_of(agents) == recount.agents
