"""A month told again, in another order, or by four clients at once is the month told once."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import bank_months
import fact_digests
import whole_log
from bank_months import Call
from holdfast_cli.home import Home
from public_doors import Doors
from system_testing import System, started

pytestmark = pytest.mark.timeout(600)

CALLS = 1500
DAYS = ("--from", "1999-01-01", "--to", "1999-02-02")


@dataclass
class Told:
    """What a system holds."""

    system: System

    @property
    def log(self) -> Any:
        """Its whole log."""
        doors = Doors.of(self.system.ready, self.system.data)
        return whole_log.read(doors.addresses.call_events_log, doors.token())

    @property
    def facts(self) -> Any:
        """Its facts, as digests."""
        return fact_digests.digests(Home(self.system.data).running().database_url)

    @property
    def figures(self) -> Any:
        """Its figures by queue and by agent."""
        queues = bank_months.figures_of(self.system.json("queues", *DAYS))
        return queues, bank_months.agents_of(self.system.json("agents", *DAYS))

    def tell(self, file: Path) -> Any:
        """Import a file."""
        return self.system.json("import", "bank-1999", str(file))


@pytest.fixture(scope="module")
def chance() -> random.Random:
    """Give one month to the whole module: the run's seed is another matter, the month is always this one."""
    return random.Random(1999)  # noqa: S311  # made-up calls


@pytest.fixture(scope="module")
def calls(chance: random.Random) -> list[Call]:
    return bank_months.month(chance, CALLS)


@pytest.fixture(scope="module")
def month(folder: Path, calls: list[Call]) -> Path:
    return bank_months.write(folder / "month.txt", calls)


@pytest.fixture(scope="module")
def once(system: System, month: Path) -> Told:
    """Give a system that was told the month once."""
    told = Told(system)
    summary = told.tell(month)
    assert summary["recorded"] == summary["events"] > CALLS * 5
    return told


@pytest.fixture(scope="module")
def another(folder: Path) -> Iterator[Told]:
    """Give a second system, told nothing yet."""
    with started(folder / "another") as running:
        yield Told(running)


def expected(calls: list[Call]) -> Any:
    found = bank_months.recount(calls)
    return found.figures(), found.agents


def test_the_month_told_once_is_what_its_rows_add_up_to(once: Told, calls: list[Call]) -> None:
    assert once.figures == expected(calls)
    whole_log.assert_whole(once.log)


def test_told_again_it_adds_nothing(once: Told, month: Path) -> None:
    log, facts = once.log, once.facts
    again = once.tell(month)
    assert (again["recorded"], again["duplicates"]) == (0, again["events"])
    assert once.log == log
    assert once.facts == facts


def test_told_in_another_order_it_adds_nothing(
    once: Told, calls: list[Call], folder: Path, chance: random.Random
) -> None:
    log, facts = once.log, once.facts
    shuffled = bank_months.write(folder / "shuffled.txt", bank_months.shuffled(chance, calls), end="\n")
    again = once.tell(shuffled)
    assert (again["recorded"], again["refused"]) == (0, {})
    assert once.log == log
    assert once.facts == facts


def test_four_clients_at_once_two_of_them_shuffled_tell_the_same(
    once: Told, another: Told, calls: list[Call], folder: Path, month: Path, chance: random.Random
) -> None:
    files = [month, month]
    files += [bank_months.write(folder / f"{n}.txt", bank_months.shuffled(chance, calls)) for n in range(2)]
    with ThreadPoolExecutor(len(files)) as clients:
        summaries = list(clients.map(another.tell, files))
    log = another.log
    whole_log.assert_whole(log)
    assert sum(summary["recorded"] for summary in summaries) == log.num_rows
    assert whole_log.identities(log) == whole_log.identities(once.log)
    assert another.figures == expected(calls)
    assert another.facts == once.facts
    assert another.system.json("rebuild", "metrics")["differences"] == 0
