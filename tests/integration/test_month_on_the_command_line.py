"""A month of the bank's archive, all the way on the command line: told, reported, explained, rebuilt, continued."""

import json
import math
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from holdfast_testing import eventually_blocking
from system_testing import System, run, started

pytestmark = pytest.mark.timeout(600)

COLUMNS = "vru+line call_id customer_id priority type date vru_entry vru_exit vru_time q_start q_exit q_time outcome"
ROWS = """
AA0101 1 7001 0 PS 990104 8:00:00 8:00:10 10 8:00:10 8:00:30 20 AGENT 8:00:29 8:02:29 120 ANNA
AA0101 2 0 2 PS 990104 9:00:00 9:00:10 10 0:00:00 0:00:00 0 AGENT 9:00:09 9:01:09 60 BEN
AA0102 1 7002 0 PS 990105 10:00:00 10:00:10 10 10:00:10 10:00:50 40 HANG 0:00:00 0:00:00 0 NO_SERVER
AA0102 2 0 0 PS 990105 11:00:00 11:00:20 20 0:00:00 0:00:00 0 HANG 0:00:00 0:00:00 0 NO_SERVER
AA0103 3 0 0 PS 990105 12:00:00 12:00:20 20 0:00:00 0:00:00 0 PHANTOM 0:00:00 0:00:00 0 NO_SERVER
AA0103 4 7003 0 NE 990131 23:58:00 23:58:10 10 23:58:10 23:59:10 60 AGENT 23:59:10 0:01:10 120 ANNA
AA0104 5 0 0 NE 990110 14:00:00 14:00:10 10 14:00:10 14:00:15 5 AGENT 14:00:15 14:00:15 0 NO_SERVER
AA0104 6 0 0 NE 990110 15:00:00 15:00:10 10 15:00:10 15:00:13 3 HANG 0:00:00 0:00:00 0 NO_SERVER
AA0105 7 7001 0 TT 990111 16:00:00 16:00:01 1 16:00:01 16:00:31 30 AGENT 16:00:31 16:05:31 300 BEN
"""
DAYS = ("--from", "1999-01-01", "--to", "1999-02-01")
PS = {
    "queue": "PS",
    "offered": 3,
    "answered": 2,
    "abandoned": 1,
    "abandoned_ivr": 1,
    "short_abandoned": 0,
    "wait_answered_seconds": 20.0,
    "wait_abandoned_seconds": 40.0,
    "asa_seconds": 10.0,
    "abandon_rate": 1 / 3,
    "service_level": {
        "offered": 2 / 3,
        "answered": 1.0,
        "excluding_short": 2 / 3,
        "short_met": 2 / 3,
        "genesys": 2 / 3,
    },
    "handle_seconds": 180.0,
    "aht_seconds": 90.0,
    "aht_all_seconds": 90.0,
}
TOTAL = {
    "offered": 7,
    "answered": 5,
    "abandoned": 2,
    "abandoned_ivr": 1,
    "short_abandoned": 1,
    "wait_answered_seconds": 115.0,
    "wait_abandoned_seconds": 43.0,
    "asa_seconds": 23.0,
    "abandon_rate": 2 / 7,
    "handle_seconds": 600.0,
    "aht_seconds": 150.0,
    "aht_all_seconds": 120.0,
}
AGENTS = {"": (1, 0.0), "ANNA": (2, 240.0), "BEN": (2, 360.0)}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Give a folder that Postgres's own account may pass through."""
    made = Path(tempfile.mkdtemp(prefix="holdfast-journey-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def month(folder: Path) -> Path:
    """Give a small month, tab-separated as the bank's is."""
    lines = [COLUMNS + " ser_start ser_exit ser_time server", *ROWS.strip().splitlines()]
    file = folder / "january.txt"
    file.write_text("".join("\t".join(line.split()) + "\r\n" for line in lines))
    return file


@pytest.fixture(scope="module")
def system(folder: Path) -> Iterator[System]:
    """Give a system that runs through this module's tests."""
    with started(folder / "data") as running:
        yield running


@pytest.fixture(scope="module")
def told(system: System, month: Path) -> Any:
    """Give what the first import answered."""
    return system.json("import", "bank-1999", str(month))


def queues(system: System, *more: str) -> Any:
    return system.json("queues", *DAYS, *more)


def figures_of(report: Any) -> Any:
    """Return a report without how current it is."""
    return {name: value for name, value in report.items() if name != "as_of"}


def near(found: Any, expected: dict[str, Any]) -> bool:
    """Whether every expected value is there: counts as they are, the rest to 1e-6."""
    return all(
        near(found[name], value) if isinstance(value, dict) else math.isclose(found[name], value, abs_tol=1e-6)
        for name, value in expected.items()
        if not isinstance(value, str)
    )


def test_one_line_says_that_everything_serves(system: System) -> None:
    assert system.ready["ready"] is True
    doors = {"call_events_grpc", "call_events_http", "metrics_grpc", "metrics_http", "token"}
    assert all(system.ready[door] for door in doors)


def test_an_import_counts_what_it_told_and_what_was_odd(told: Any) -> None:
    assert (told["contacts"], told["recorded"], told["duplicates"]) == (8, told["events"], 0)
    assert told["oddities"]["phantom"] == 1
    assert told["oddities"]["midnight_crossing"] == 1
    assert told["oddities"]["no_server_answered"] == 1
    assert told["readable_seconds"] >= told["seconds"]


def test_the_months_zone_becomes_the_tenants_where_none_was_set(told: Any) -> None:
    assert (told["time_zone"], told["time_zone_set"]) == ("Asia/Jerusalem", True)


@pytest.mark.usefixtures("told")
def test_queues_show_the_month_in_its_own_zone(system: System) -> None:
    report = queues(system)
    rows = {row["queue"]: row for row in report["rows"]}
    assert sorted(rows) == ["NE", "PS", "TT"]
    assert rows["PS"]["queue"] == PS["queue"]
    assert near(rows["PS"], PS)
    assert near(report["total"], TOTAL)
    assert set(PS) <= set(rows["PS"])
    assert report["as_of"]["parked"] == 0


@pytest.mark.usefixtures("told")
def test_the_months_last_minutes_belong_to_its_last_half_hour(system: System) -> None:
    report = queues(system, "--by", "half_hour")
    last = max(report["rows"], key=lambda row: row["interval_start"])
    assert (last["interval_start"], last["queue"], last["answered"]) == ("1999-01-31T23:30:00+02:00", "NE", 1)


@pytest.mark.usefixtures("told")
def test_agents_show_what_they_handled(system: System) -> None:
    rows = {row["agent"]: row for row in system.json("agents", *DAYS)["rows"]}
    assert {name: (row["contacts"], row["handle_seconds"]) for name, row in rows.items()} == AGENTS
    assert rows["ANNA"]["aht_seconds"] == pytest.approx(120.0)
    assert rows[""]["aht_seconds"] is None


@pytest.mark.usefixtures("told")
def test_rows_of_agents_and_queues_begin_by_the_same_clock(system: System) -> None:
    starts = [system.json(of, *DAYS, "--by", "day")["rows"][0]["interval_start"] for of in ("queues", "agents")]
    assert starts == ["1999-01-10T00:00:00+02:00", "1999-01-10T00:00:00+02:00"]
    weeks = system.json("agents", *DAYS, "--by", "week", "--week-start", "7")["rows"]
    assert {row["interval_start"][:10] for row in weeks} == {"1999-01-03", "1999-01-10", "1999-01-31"}


@pytest.mark.usefixtures("told")
def test_old_and_new_formulas_are_read_side_by_side(system: System) -> None:
    asked = "service_level.answered@1, service_level.answered@2"
    total = queues(system, "--figures", asked)["total"]
    found = {one["formula_version"]: (one["numerator"], one["denominator"], one["n"]) for one in total["figures"]}
    assert found == {1: (2, 5, 5), 2: (3, 5, 5)}, "one was answered after 20 s to the second"
    assert total["evidence"]["service_level.answered"]["n"] == 5
    assert (total["waiting"], total["provisional"], total["wait_clock"]) == (0, False, "dequeued")


@pytest.mark.usefixtures("told")
def test_a_scorecard_marks_as_long_what_it_is_told_to(system: System) -> None:
    def marks(*more: str) -> list[str]:
        return [one["mark"] for one in system.json("scorecard", "ANNA", *DAYS, *more)["marks"]]

    assert (marks(), marks("--long-wait", "30")) == ([], ["long_wait"])


@pytest.mark.usefixtures("told")
def test_a_scorecard_says_where_the_evidence_is_too_little(system: System) -> None:
    card = system.json("scorecard", "ANNA", *DAYS)
    aht = next(one for one in card["figures"] if one["all"]["name"] == "aht")
    assert (aht["all"]["n"], aht["all"]["value"]) == (2, pytest.approx(120.0))
    assert aht["all"]["insufficient_evidence"]


@pytest.mark.usefixtures("told")
def test_an_explanation_leads_to_events_that_give_the_same_number(system: System) -> None:
    explained = system.json("explain", "abandon_rate", "--queue", "PS", *DAYS)
    assert explained["figure"]["value"] == pytest.approx(1 / 3)
    assert explained["recomputed"]["value"] == explained["figure"]["value"]
    assert explained["fact_count"] == len(explained["facts"]) == 3
    assert all(event["position"] > 0 for fact in explained["facts"] for event in fact["events"])


@pytest.mark.usefixtures("told")
def test_a_contact_is_found_by_the_name_its_source_has_for_it(system: System) -> None:
    contact = system.json("contact", "bank-1999:990105/AA0102/1")["contact"]
    assert (contact["end"], contact["customer_ref"]) == ("abandoned_queue", "7002")


@pytest.mark.usefixtures("told")
def test_events_can_be_followed(system: System) -> None:
    done = system.run("tail", "-n", "3", "--no-follow")
    assert len(done.stdout.splitlines()) == 3


@pytest.mark.usefixtures("told")
def test_a_rebuild_equals_the_live_facts(system: System) -> None:
    rebuilt = system.json("rebuild", "metrics")
    assert rebuilt["differences"] == 0
    assert rebuilt["events"] > 0
    assert rebuilt["events_per_second"] == pytest.approx(rebuilt["events"] / rebuilt["seconds"])


@pytest.mark.usefixtures("told")
def test_the_log_is_what_was_written(system: System) -> None:
    report = system.json("audit", "verify")
    assert (report["verified"], report["first_bad_flush"]) == (True, None)
    again = system.json("audit", "verify", "--expected", f"{report['position']}:{report['digest']}")
    assert again["verified"]


@pytest.mark.usefixtures("told")
async def test_the_first_flush_that_somebody_changed_is_named(system: System) -> None:
    owner = await asyncpg.connect(json.loads((system.data / "running.json").read_text())["database_url"])
    try:
        await owner.execute("update call_events.events set actor = 'somebody' where position = 3")
        done = system.run("audit", "verify", "--json")
        await owner.execute("update call_events.events set actor = '' where position = 3")
    finally:
        await owner.close()
    report = json.loads(done.stdout)
    assert (done.returncode, report["verified"]) == (1, False)
    assert report["first_bad_flush"]["first"] <= 3 <= report["first_bad_flush"]["last"]
    assert system.json("audit", "verify")["verified"]


@pytest.mark.usefixtures("told")
def test_the_doctor_finds_everything_well(system: System) -> None:
    findings = system.json("doctor")["findings"]
    assert [found for found in findings if not found["good"]] == []


def test_importing_again_changes_no_figure(system: System, month: Path, told: Any) -> None:
    before = queues(system)
    again = system.json("import", "bank-1999", str(month))
    assert (again["recorded"], again["duplicates"]) == (0, told["events"])
    assert figures_of(queues(system)) == figures_of(before)


def test_a_second_system_on_the_folder_is_refused(system: System) -> None:
    done = run(system.data, "up", "--json", "--port-base", "0")
    assert done.returncode == 1
    assert "runs on" in done.stderr
    assert "already" in done.stderr


@pytest.mark.usefixtures("told")
def test_a_system_that_is_ended_or_killed_goes_on_with_the_same_data(system: System) -> None:
    before = figures_of(queues(system))
    parts = system.processes()
    assert system.terminate() == 0
    assert [part for part in parts if part.is_running()] == []
    with started(system.data) as second:
        assert figures_of(queues(second)) == before
        parts = second.processes()
        os.kill(second.process.pid, signal.SIGKILL)
        with started(system.data) as third:
            assert figures_of(queues(third)) == before
        eventually_blocking(lambda: not _alive(parts), within=timedelta(seconds=20))


def _alive(parts: list[psutil.Process]) -> list[psutil.Process]:
    return [part for part in parts if part.is_running() and part.status() != psutil.STATUS_ZOMBIE]
