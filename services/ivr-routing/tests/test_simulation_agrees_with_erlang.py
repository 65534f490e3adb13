"""With one skill and exponential times a simulation must agree with Erlang C, with patience with Erlang A."""

import json
from pathlib import Path
from typing import Any

import pytest

from erlang_formulas import erlang_a, erlang_c
from ivr_routing.simulation.scenario import parse
from ivr_routing.simulation.simulate import simulate

REFERENCES = Path("../shared/data/references/erlang.json")
CONTACTS = 20_000
SLACK = 1.5
"""Half a width more than the 95 % interval: several figures of several scenarios shall agree at once."""


def centre(agents: int, per_hour: float, handle: float, patience: object = "infinite", **more: Any) -> dict[str, Any]:
    """Simulate one queue and return its figures."""
    document = {
        "seed": 20,
        "hours": round(CONTACTS / per_hour),
        "warm_up_hours": 2,
        "arrivals": {"main": {"poisson_per_hour": per_hour}},
        "handle_time": {"main": {"exponential_mean_seconds": handle}},
        "patience": {"main": patience},
        "agents": [{"count": agents, "queues": ["main"]}],
        **more,
    }
    figures: dict[str, Any] = simulate(parse(document))["queues"]["main"]
    return figures


def agrees(figures: dict[str, Any], name: str, expected: float) -> bool:
    low, high = figures["intervals"][name]
    middle, half = (low + high) / 2, (high - low) / 2
    return bool(abs(expected - middle) <= SLACK * half)


def test_our_formulas_give_what_others_have_published() -> None:
    # Ten erlangs of three minutes, threshold 20 s: an often printed table of Erlang C.
    assert erlang_c(14, 10, 180, 20).waited_share == pytest.approx(0.174131934, abs=1e-8)
    assert erlang_c(14, 10, 180, 20).service_level == pytest.approx(0.888350019, abs=1e-8)
    assert erlang_c(15, 10, 180, 20).mean_wait_seconds == pytest.approx(3.673525212, abs=1e-8)
    # Garnett, Mandelbaum and Reiman 2002: 48 calls a minute, 50 agents, service 1 min, patience 2 min.
    impatient = erlang_a(50, 0.8, 60, 120)
    assert impatient.abandon_rate == pytest.approx(0.031, abs=5e-4)
    assert impatient.mean_wait_seconds == pytest.approx(3.7, abs=0.05)
    assert impatient.occupancy == pytest.approx(0.93, abs=5e-3)


def test_our_formulas_give_the_reference_values_where_they_are_present() -> None:
    if not REFERENCES.exists():
        pytest.skip("the reference values are not beside this repository; the vectors above stand for them")
    for row in json.loads(REFERENCES.read_text())["erlang_c"]:
        ours = erlang_c(row["n"], row["A"], row["AHT_s"], row["T_s"])
        assert ours.waited_share == pytest.approx(row["P_wait"], abs=1e-8)
        assert ours.mean_wait_seconds == pytest.approx(row["ASA_s"], abs=1e-6)
        assert ours.service_level == pytest.approx(row["SL"], abs=1e-8)


@pytest.mark.parametrize(("agents", "per_hour", "handle"), [(15, 180, 240), (5, 80, 180), (8, 60, 300)])
def test_endless_patience_agrees_with_erlang_c(agents: int, per_hour: float, handle: float) -> None:
    expected = erlang_c(agents, per_hour * handle / 3600, handle, 20)
    figures = centre(agents, per_hour, handle)
    assert agrees(figures, "waited_share", expected.waited_share)
    assert agrees(figures, "asa_seconds", expected.mean_wait_seconds)
    assert agrees(figures, "occupancy", expected.occupancy)
    low, high = figures["intervals"]["service_level"]["answered"]
    assert low - (high - low) / 4 <= expected.service_level <= high + (high - low) / 4
    assert figures["abandon_rate"] == 0


@pytest.mark.parametrize(("agents", "per_hour", "handle", "patience"), [(10, 180, 240, 180), (6, 60, 300, 60)])
def test_exponential_patience_agrees_with_erlang_a(
    agents: int, per_hour: float, handle: float, patience: float
) -> None:
    expected = erlang_a(agents, per_hour / 3600, handle, patience)
    figures = centre(agents, per_hour, handle, {"exponential_mean_seconds": patience})
    assert agrees(figures, "waited_share", expected.waited_share)
    assert agrees(figures, "abandon_rate", expected.abandon_rate)
    assert agrees(figures, "mean_wait_seconds", expected.mean_wait_seconds)
    assert agrees(figures, "occupancy", expected.occupancy)


def test_replications_give_intervals_too() -> None:
    expected = erlang_c(15, 12, 240, 20)
    figures = centre(15, 180, 240, hours=12, replications=8)
    assert agrees(figures, "waited_share", expected.waited_share)
