"""With one skill and exponential times a simulation must agree with Erlang C, with patience with Erlang A."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from erlang_formulas import erlang_a, erlang_c
from ivr_routing.simulation.scenario import parse
from ivr_routing.simulation.simulate import simulate

REFERENCES = Path("../shared/data/references/erlang.json")
CONTACTS = 20_000
SLACK = 1.5
"""Half a width more than the 95 % interval: several figures of several scenarios shall agree at once."""
SYSTEMS: Final = (
    (15, 0.8, 240, None),
    (2, 0.5, 240, None),
    (10, 0.5, 240, None),
    (10, 1.2, 240, 180),
    (6, 0.8, 300, 60),
)
"""Agents, load of each, seconds of handling, seconds of patience."""


def document(agents: int, per_hour: float, handle: float, patience: float | None, **more: Any) -> dict[str, Any]:
    """Return the scenario of one queue."""
    return {
        "seed": 20,
        "hours": round(CONTACTS / per_hour),
        "arrivals": {"main": {"poisson_per_hour": per_hour}},
        "handle_time": {"main": {"exponential_mean_seconds": handle}},
        "patience": {"main": "infinite" if patience is None else {"exponential_mean_seconds": patience}},
        "agents": [{"count": agents, "queues": ["main"]}],
        **more,
    }


def centre(agents: int, per_hour: float, handle: float, patience: float | None = None, **more: Any) -> dict[str, Any]:
    """Simulate one queue and return its figures."""
    figures: dict[str, Any] = simulate(parse(document(agents, per_hour, handle, patience, **more)))["queues"]["main"]
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
    figures = centre(agents, per_hour, handle, patience)
    assert agrees(figures, "waited_share", expected.waited_share)
    assert agrees(figures, "abandon_rate", expected.abandon_rate)
    assert agrees(figures, "mean_wait_seconds", expected.mean_wait_seconds)
    assert agrees(figures, "occupancy", expected.occupancy)


def test_replications_give_intervals_too() -> None:
    expected = erlang_c(15, 12, 240, 20)
    figures = centre(15, 180, 240, hours=12, replications=8)
    assert figures["contacts"] > 7 * 12 * 180
    assert agrees(figures, "waited_share", expected.waited_share)


@pytest.mark.parametrize(("hours", "seeds"), [(2, 5), (10, 8), (24, 8)])
def test_intervals_hold_the_exact_values_however_short_the_run(hours: float, seeds: int) -> None:
    held: dict[str, list[bool]] = {}
    for seed in range(seeds):
        for system in SYSTEMS:
            for name, within in exact_values(*system, hours=hours, seed=seed):
                held.setdefault(name, []).append(within)
    assert {name: sum(within) / len(within) for name, within in held.items() if sum(within) < 0.9 * len(within)} == {}


def exact_values(
    agents: int, load: float, handle: float, patience: float | None, *, hours: float, seed: int
) -> Iterator[tuple[str, bool]]:
    """Simulate, and give for each figure whether its interval holds what the formula gives."""
    per_hour = agents * load * 3600 / handle
    found = centre(agents, per_hour, handle, patience, hours=hours, seed=seed)
    exact = (
        erlang_c(agents, agents * load, handle, 20)
        if patience is None
        else erlang_a(agents, per_hour / 3600, handle, patience)
    )
    within = found["intervals"]
    for name in ("waited_share", "mean_wait_seconds", "abandon_rate", "occupancy"):
        yield name, within[name][0] <= getattr(exact, name) <= within[name][1]
    if patience is None:
        yield "asa_seconds", within["asa_seconds"][0] <= exact.mean_wait_seconds <= within["asa_seconds"][1]
        low, high = within["service_level"]["answered"]
        yield "service_level", low <= exact.service_level <= high


def test_an_interval_is_wide_where_little_was_seen_and_narrow_where_much_was() -> None:
    widths = []
    for hours in (1, 10, 100):
        low, high = centre(15, 180, 240, hours=hours)["intervals"]["waited_share"]
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.15  # 32 % wait


def test_where_nobody_waited_somebody_might_have() -> None:
    within = centre(100, 750, 240, hours=1)["intervals"]
    assert within["asa_seconds"][0] == within["waited_share"][0] == 0
    assert within["asa_seconds"][1] > 0
    assert 0 < within["waited_share"][1] < 0.05
