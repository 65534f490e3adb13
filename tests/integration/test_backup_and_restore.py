"""A log restored from a backup under a metrics that had read beyond it: the facts are made anew, then told on."""

import asyncio
import json
import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

import bank_months
import system_parts
import whole_log
from bank_months import Call
from holdfast_testing import PostgresServer, eventually_blocking, fresh_name
from public_doors import Doors, Teller, caught_up, poison
from system_parts import WITHIN, Parts
from system_testing import run

pytestmark = pytest.mark.timeout(600)

CALLS = 600


@pytest.fixture
def parts(folder: Path, postgres: PostgresServer) -> Iterator[Parts]:
    """Give a system whose facts live on another server than its log."""
    name = fresh_name("facts_beside_a_restored_log")
    url = postgres.create_database(name)
    with system_parts.started(folder / name, facts_url=url) as running:
        yield running
    postgres.drop_database(name)


def ask(parts: Parts, *words: str) -> Any:
    done = run(parts.data, *words, "--json")
    assert done.returncode == 0, f"holdfast {' '.join(words)}: {done.stderr}"
    return json.loads(done.stdout)


def figures(doors: Doors) -> dict[str, dict[str, float]]:
    """Return the figures of two months together."""
    with doors.metrics() as http:
        days = {"from": "1999-01-01", "to": "1999-03-01", "time_zone": "Asia/Jerusalem"}
        return bank_months.figures_of(http.get("/v1/queues", params=days).raise_for_status().json())


def incarnations(doors: Doors) -> set[int]:
    with doors.metrics() as http:
        logs = http.get("/v1/status").raise_for_status().json()["as_of"]["logs"]
    return {log["incarnation"] for log in logs.values()}


def added_up(*months: list[Call]) -> dict[str, dict[str, float]]:
    return bank_months.recount(call for month in months for call in month).figures()


def copy(cluster: Path, target: Path) -> None:
    """Copy the files of a server that does not run, each with its owner."""
    subprocess.run(["cp", "-a", str(cluster), str(target)], check=True, timeout=60)  # noqa: S607  # the system's own


def stop_the_log(parts: Parts) -> None:
    parts.services["call-events"].kill(signal.SIGTERM)
    parts.postgres.stop()


def back_up(parts: Parts, target: Path) -> None:
    """Do recipe 4 with the server of the log."""
    stop_the_log(parts)
    copy(parts.postgres.folder.cluster, target)
    parts.postgres.start()
    parts.services["call-events"].start()


def restore(parts: Parts, backup: Path) -> None:
    """Put the backup in the place of what is there, say so in the log, and start it again."""
    stop_the_log(parts)
    shutil.rmtree(parts.postgres.folder.cluster)
    copy(backup, parts.postgres.folder.cluster)
    parts.postgres.start()
    asyncio.run(raise_incarnation(parts.url))
    parts.services["call-events"].start()


def made_anew(parts: Parts, doors: Doors) -> None:
    """Wait until metrics, which lived through it, follows the restored log."""
    assert eventually_blocking(lambda: incarnations(doors) == {2}, within=WITHIN)
    assert (parts.services["metrics"].alive, parts.services["metrics"].starts) == (True, 1)
    caught_up(doors)


async def raise_incarnation(url: str) -> None:
    owner = await asyncpg.connect(url)
    try:
        assert await owner.fetchval("select call_events.raise_incarnation('restored from a backup')") == 2
    finally:
        await owner.close()


def test_facts_ahead_of_a_restored_log_are_made_anew_and_what_was_lost_is_told_again(
    parts: Parts, folder: Path, chance: random.Random
) -> None:
    doors = Doors(parts.addresses, parts.issuer())
    first, second = (bank_months.month(chance, CALLS, number) for number in (1, 2))
    files = [bank_months.write(folder / f"{n}.txt", month) for n, month in enumerate((first, second))]
    kept = ask(parts, "import", "bank-1999", str(files[0]))["events"]
    back_up(parts, folder / "backup")
    lost = ask(parts, "import", "bank-1999", str(files[1]))["recorded"]
    caught_up(doors)
    assert figures(doors) == added_up(first, second)

    restore(parts, folder / "backup")

    made_anew(parts, doors)
    assert figures(doors) == added_up(first)
    again = ask(parts, "import", "bank-1999", str(files[1]))
    assert (again["recorded"], again["duplicates"]) == (lost, 0)
    assert ask(parts, "import", "bank-1999", str(files[0]))["recorded"] == 0
    caught_up(doors)
    assert figures(doors) == added_up(first, second)
    log = whole_log.read(doors.addresses.call_events_log, doors.token())
    whole_log.assert_whole(log)
    assert log.num_rows == kept + lost
    assert ask(parts, "rebuild", "metrics")["differences"] == 0
    assert ask(parts, "audit", "verify")["verified"]


def test_a_restored_log_that_holds_an_event_nobody_can_fold_is_followed_without_it(
    parts: Parts, folder: Path, chance: random.Random
) -> None:
    doors = Doors(parts.addresses, parts.issuer())
    month = bank_months.month(chance, 50)
    ask(parts, "import", "bank-1999", str(bank_months.write(folder / "few.txt", month)))
    asyncio.run(poison(doors, Teller(chance)))
    assert caught_up(doors)["as_of"]["parked"] == 1
    back_up(parts, folder / "poisoned")
    restore(parts, folder / "poisoned")
    made_anew(parts, doors)
    assert figures(doors) == added_up(month)
    assert caught_up(doors)["as_of"]["parked"] == 1
