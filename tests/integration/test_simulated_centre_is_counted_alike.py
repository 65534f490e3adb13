"""A simulated centre told to the running system: metrics counts what the simulator counted, by itself, on the way."""

from pathlib import Path

import pytest

from system_testing import System

SCENARIO = """
seed: 11
hours: 6
queues:
  main: {service_level_threshold_seconds: 20, wrap_up_seconds: 15, max_size: 4, overflow_to: second}
  second: {service_level_threshold_seconds: 20}
arrivals: {main: {poisson_per_hour: 100}, second: {poisson_per_hour: 30}}
handle_time: {main: {exponential_mean_seconds: 170}, second: {lognormal: {mean_seconds: 100, deviation_seconds: 80}}}
answer_time: {main: {quantiles_seconds: [1, 3, 4, 25]}}
patience: {main: {exponential_mean_seconds: 120}, second: {exponential_mean_seconds: 60}}
agents: [{count: 5, queues: [main]}, {count: 1, queues: [second]}]
"""


def test_metrics_agrees_with_the_simulator_queue_by_queue(system: System, folder: Path) -> None:
    (folder / "scenario.yaml").write_text(SCENARIO)
    simulated = system.json("simulate", str(folder / "scenario.yaml"), "--send")
    assert simulated["told"]["refused"] == {}
    counted = system.json("queues", "--from", "2026-01-05", "--to", "2026-01-06", "--threshold", "20")
    rows = {row["queue"]: row for row in counted["rows"]}
    for name, ours in simulated["queues"].items():
        theirs = rows[name]
        assert theirs["offered"] == ours["contacts"]
        assert theirs["answered"] == ours["answered"]
        assert theirs["abandoned"] == ours["abandoned"]
        assert theirs["short_abandoned"] == ours["short_abandoned"]
        for figure in ("asa_seconds", "abandon_rate", "aht_seconds"):
            assert theirs[figure] == pytest.approx(ours[figure], abs=1e-6), figure
        assert theirs["service_level"] == pytest.approx(ours["service_level"], abs=1e-9)
    assert simulated["queues"]["main"]["flowed_out"] > 0
    assert counted["total"]["offered"] == sum(queue["contacts"] for queue in simulated["queues"].values())


def test_told_again_it_adds_nothing(system: System, folder: Path) -> None:
    again = system.json("simulate", str(folder / "scenario.yaml"), "--send")
    assert again["told"]["recorded"] == 0
    assert again["told"]["duplicates"] == again["told"]["events"]


def test_callers_who_serve_themselves_are_not_abandoned(system: System) -> None:
    simulated = system.json("simulate", "docs/scenarios/through-a-flow.yaml", "--send")
    counted = system.json("queues", "--from", "2026-11-23", "--to", "2026-11-24", "--threshold", "20")
    rows = {row["queue"]: row for row in counted["rows"]}
    for name in ("sales", "care"):
        ours = simulated["queues"][name]
        assert (rows[name]["answered"], rows[name]["abandoned"]) == (ours["answered"], ours["abandoned"])
    assert simulated["flows"]["main-line"]["outcomes"]["contained"] > 0
    assert counted["total"]["abandoned_ivr"] == 0
