"""How long a centre remembers, and so how a scenario is carried out."""

from typing import Any

import pytest

from ivr_routing.simulation.planning import CHEAP_RUNS, RUNS, STRETCHES, memory_hours, plan_of
from ivr_routing.simulation.scenario import Scenario, parse
from ivr_routing.simulation.simulate import simulate


def scenario(**changed: Any) -> Scenario:
    """Return fifteen agents, three calls a minute, four minutes each, with something changed."""
    return parse(
        {
            "hours": 2,
            "arrivals": {"main": {"poisson_per_hour": 180}},
            "handle_time": {"main": {"exponential_mean_seconds": 240}},
            "agents": [{"count": 15, "queues": ["main"]}],
            **changed,
        }
    )


def test_a_busier_and_a_smaller_centre_remembers_for_longer() -> None:
    usual = memory_hours(scenario())
    assert usual == pytest.approx(240 / 15 / (1 - 0.8**0.5) ** 2 / 3600)
    busy = memory_hours(scenario(agents=[{"count": 13, "queues": ["main"]}]))
    small = memory_hours(
        scenario(agents=[{"count": 3, "queues": ["main"]}], arrivals={"main": {"poisson_per_hour": 36}})
    )
    assert usual is not None
    assert busy is not None
    assert small is not None
    assert busy > usual < small


def test_impatient_callers_make_a_centre_forget() -> None:
    patience = {"main": {"exponential_mean_seconds": 180}}
    crowded = scenario(patience=patience, agents=[{"count": 10, "queues": ["main"]}])
    assert memory_hours(crowded) == pytest.approx(4 * 240 / 3600)


@pytest.mark.parametrize(
    "changed",
    [
        {"agents": [{"count": 15, "queues": ["main"], "from_hour": 8, "to_hour": 18}]},
        {"agents": [{"count": 10, "queues": ["main"]}]},
        {"agents": []},
        {"arrivals": {"main": {"poisson_per_half_hour": [90, 30]}}},
    ],
)
def test_what_is_never_steady_is_not_warmed_up(changed: dict[str, Any]) -> None:
    assert memory_hours(scenario(**changed)) is None
    plan = plan_of(scenario(**changed))
    assert (plan.warm_up_hours, plan.runs, plan.counted) == (0, RUNS, 1)


def test_a_centre_without_work_remembers_something() -> None:
    nothing = scenario(handle_time={"main": {"constant_seconds": 0}}, hours=1)
    assert simulate(nothing)["queues"]["main"]["asa_seconds"] == 0
    assert memory_hours(scenario(arrivals={"main": {"poisson_per_hour": 0}}))


def test_short_hours_are_run_again_beside_and_long_ones_are_cut() -> None:
    short, long = plan_of(scenario()), plan_of(scenario(hours=24))
    assert (short.runs, short.counted, short.widened) == (CHEAP_RUNS, 1, 1)
    assert (long.runs, long.batches, long.counted) == (1, STRETCHES, STRETCHES)
    assert 1 < plan_of(scenario(hours=200)).widened < long.widened
    dear = plan_of(
        scenario(hours=1, agents=[{"count": 13, "queues": ["main"]}], arrivals={"main": {"poisson_per_hour": 190}})
    )
    assert (dear.runs, dear.counted) == (RUNS, 1)
    assert short.warm_up_hours == long.warm_up_hours == memory_hours(scenario())


def test_what_a_scenario_says_of_warm_up_and_replications_is_done() -> None:
    assert plan_of(scenario(warm_up_hours=0)).warm_up_hours == 0
    plan = plan_of(scenario(replications=4, warm_up_hours=1))
    assert (plan.warm_up_hours, plan.runs, plan.counted) == (1, 4, 4)


def test_contacts_are_those_of_the_hours_asked_for_and_others_stand_apart() -> None:
    result = simulate(scenario())
    assert result["contacts"] == result["queues"]["main"]["contacts"] == pytest.approx(360, abs=80)
    assert result["simulated_contacts"] > CHEAP_RUNS * result["contacts"] / 2
    assert result["warm_up_hours"] == memory_hours(scenario())
