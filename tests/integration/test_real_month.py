"""The real month of the bank, through every door to the command line: equal to the aggregates computed elsewhere."""

import csv
import gzip
import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from system_testing import System, started

DATA = Path(__file__).parents[3] / "shared/data/bank_1999"
DAYS = ("--from", "1999-01-01", "--to", "1999-02-01")
HALF_HOUR_COLUMNS = (
    "offered",
    "answered",
    "abandoned",
    "answered_within",
    "wait_answered_seconds",
    "handle_seconds",
    "wait_abandoned_seconds",
)
pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not DATA.is_dir(),
        reason="the real month is not there: it is read from ../shared/data/bank_1999 beside the project",
    ),
]


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    """Give the aggregates computed elsewhere."""
    return dict(json.loads((DATA / "january.expected_aggregates.json").read_text()))


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """Give a system that was told the month."""
    folder = Path(tempfile.mkdtemp(prefix="holdfast-month-"))
    try:
        with started(folder) as running:
            told = running.json("import", "bank-1999", str(DATA / "january.txt.gz"))
            assert (told["contacts"], told["refused"], told["oddities"]["phantom"]) == (31_359, {}, 240)
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def agrees(row: Any, aggregates: Any) -> bool:
    """Whether a row equals the aggregates: counts and sums exactly, ratios to the digits they are given with."""
    answered, abandoned = aggregates["answered_outcome_AGENT"], aggregates["abandoned_in_queue"]
    counts = {
        "offered": aggregates["offered_to_agents"],
        "answered": answered,
        "abandoned": abandoned,
        "abandoned_ivr": aggregates["abandoned_before_queue"],
        "handle_seconds": aggregates["handle_s_sum_AGENT_rows"],
    }
    ratios = {
        "abandon_rate": aggregates["abandonment_rate_of_offered"],
        "asa_seconds": aggregates["asa_s_mean_q_time_answered"],
        "aht_seconds": aggregates["handle_s_mean_ser_time>0"],
        "aht_all_seconds": aggregates["handle_s_mean_all_AGENT_rows"],
    }
    return all(row[name] == count for name, count in counts.items()) and all(
        row[name] == pytest.approx(ratio, abs=1e-6) for name, ratio in ratios.items()
    )


def levels_of(aggregates: Any, seconds: int) -> dict[str, float]:
    """Return the service levels that the aggregates state at a threshold."""
    return {
        "offered": aggregates[f"SL{seconds}_answered_le_T_over_offered"],
        "answered": aggregates[f"SL{seconds}_answered_le_T_over_answered"],
        "excluding_short": aggregates[f"SL{seconds}_excl_short_abandons"],
        "short_met": aggregates[f"SL{seconds}_counting_short_abandons_as_ok"],
    }


def test_the_whole_month_and_each_queue_equal_what_was_computed_elsewhere(system: System, expected: Any) -> None:
    report = system.json("queues", *DAYS)
    rows = {row["queue"]: row for row in report["rows"] if row["offered"]}
    assert sorted(rows) == sorted(name for name, found in expected["by_type"].items() if found["offered_to_agents"])
    assert agrees(report["total"], expected["overall"])
    assert [name for name, row in rows.items() if not agrees(row, expected["by_type"][name])] == []


@pytest.mark.parametrize("seconds", [10, 20, 30, 60])
def test_service_levels_equal_what_was_computed_elsewhere(system: System, expected: Any, seconds: int) -> None:
    report = system.json("queues", *DAYS, "--threshold", str(seconds))
    for row, aggregates in [
        (report["total"], expected["overall"]),
        *((row, expected["by_type"][row["queue"]]) for row in report["rows"] if row["offered"]),
    ]:
        levels = {name: row["service_level"][name] for name in levels_of(aggregates, seconds)}
        assert levels == pytest.approx(levels_of(aggregates, seconds), abs=1e-6)


def test_half_hours_equal_what_was_computed_elsewhere(system: System) -> None:
    found: dict[tuple[str, int], list[float]] = defaultdict(lambda: [0.0] * len(HALF_HOUR_COLUMNS))
    for row in system.json("queues", *DAYS, "--by", "half_hour")["rows"]:
        row["answered_within"] = (row["service_level"]["offered"] or 0) * row["offered"]
        sums = found[half_hour(row["interval_start"])]
        for place, name in enumerate(HALF_HOUR_COLUMNS):
            sums[place] += row[name]
    with gzip.open(DATA / "january.expected_half_hours.csv.gz", "rt") as file:
        told = {(day, int(part)): [float(sum_) for sum_ in sums] for day, part, *sums in list(csv.reader(file))[1:]}
    assert {part: [round(sum_, 6) for sum_ in sums] for part, sums in found.items() if sums[0]} == told


def test_agents_equal_what_was_computed_elsewhere(system: System, expected: Any) -> None:
    rows = {row["agent"]: row for row in system.json("agents", *DAYS)["rows"] if row["agent"]}
    told = expected["per_agent"]
    assert {name: (row["contacts"], row["handle_seconds"]) for name, row in rows.items()} == {
        name: (found["calls"], found["sum_s"]) for name, found in told.items() if name in rows
    }
    assert set(told) - set(rows) <= {"NO_SERVER"}
    assert [name for name, row in rows.items() if abs(row["aht_all_seconds"] - told[name]["aht_s"]) > 1e-4] == []


def test_a_rebuild_of_the_month_equals_live(system: System) -> None:
    assert system.json("rebuild", "metrics")["differences"] == 0


def half_hour(interval_start: str) -> tuple[str, int]:
    """Return the day as six digits and the number of the half-hour in it."""
    day, clock = interval_start.split("T")
    return day[2:].replace("-", ""), int(clock[:2]) * 2 + int(clock[3:5]) // 30
