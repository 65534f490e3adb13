"""Scenarios: what they may say, and what a simulation makes of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ivr_routing.core import events as e
from ivr_routing.core.evolve import evolve
from ivr_routing.core.state import Core
from ivr_routing.core.words import AgentState
from ivr_routing.simulation.run import TENANT
from ivr_routing.simulation.scenario import ScenarioInvalid, parse, read
from ivr_routing.simulation.simulate import simulate
from routing_laws import check_log


def document(**changed: Any) -> dict[str, Any]:
    """Return a small scenario with something changed."""
    return {
        "seed": 3,
        "hours": 4,
        "arrivals": {"main": {"poisson_per_hour": 100}},
        "handle_time": {"main": {"exponential_mean_seconds": 120}},
        "agents": [{"count": 5, "queues": ["main"]}],
        **changed,
    }


def figures(**changed: Any) -> dict[str, Any]:
    """Simulate it and return the figures of its first queue."""
    found: dict[str, Any] = simulate(parse(document(**changed)))["queues"]["main"]
    return found


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"arivals": {}}, "arivals"),
        ({"hours": -1}, "hours"),
        ({"handle_time": {"other": {"constant_seconds": 1}}}, "handle_time"),
        ({"arrivals": {"main": {}}}, "arrivals.main"),
        ({"arrivals": {"main": {"poisson_per_hour": 1, "poisson_per_half_hour": [1]}}}, "arrivals.main"),
        ({"arrivals": {"main": {"poisson_per_half_hour": [3, -5]}}}, "poisson_per_half_hour"),
        ({"arrivals": {"main": {"poisson_per_hour": float("inf")}}}, "poisson_per_hour"),
        ({"handle_time": {"main": {"exponential_mean_seconds": float("inf")}}}, "exponential_mean_seconds"),
        ({"patience": {"main": "none"}}, "patience.main"),
        ({"agents": [{"count": -1, "queues": ["main"]}]}, "agents.0.count"),
        ({"agents": [{"count": 1, "queues": ["elsewhere"]}]}, "elsewhere"),
        ({"queues": {"main": {"overflow_to": "second"}}}, "second"),
        ({"handle_time": {"main": {"uniform_seconds": [5, 1]}}}, "handle_time.main"),
        ({"handle_time": {"main": {"uniform_seconds": [-1, 1]}}}, "handle_time.main"),
        ({"handle_time": {"main": {"lognormal": {"mean_seconds": 1e300, "deviation_seconds": 1}}}}, "mean_seconds"),
        ({"handle_time": {"main": {"lognormal": {"mean_seconds": 1, "deviation_seconds": 1e300}}}}, "deviation"),
        ({"patience": {"main": {"exponential_mean_seconds": 1e-320}}}, "patience.main"),
        ({"queues": {"main": {"wrap_up_seconds": 1e300}}}, "wrap_up_seconds"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused_by_its_key(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(ScenarioInvalid, match=named):
        parse(document(**changed))


def test_a_file_that_is_no_scenario_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ScenarioInvalid, match="cannot be read"):
        read(tmp_path / "missing.yaml")
    (tmp_path / "odd.yaml").write_text("a: [")
    with pytest.raises(ScenarioInvalid, match="no YAML"):
        read(tmp_path / "odd.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(ScenarioInvalid):
        read(tmp_path / "list.yaml")


def test_the_same_seed_gives_the_same_figures_and_another_one_others() -> None:
    assert figures() == figures()
    assert figures() != figures(seed=4)


def test_everybody_who_arrives_is_counted_once() -> None:
    result = simulate(parse(document(patience={"main": {"exponential_mean_seconds": 30}})))
    found = result["queues"]["main"]
    assert found["contacts"] == found["answered"] + found["abandoned"] == result["contacts"]
    assert found["abandoned"] > 0


def test_who_finds_a_full_queue_goes_to_the_other_one() -> None:
    queues = {"main": {"max_size": 1, "overflow_to": "second"}, "second": {}}
    handle = {"main": {"constant_seconds": 600}, "second": {"constant_seconds": 60}}
    agents = [{"count": 1, "queues": ["main"]}, {"count": 5, "queues": ["second"]}]
    result = simulate(parse(document(queues=queues, handle_time=handle, agents=agents)))
    main, second = result["queues"]["main"], result["queues"]["second"]
    assert main["flowed_out"] == second["contacts"] > 0


def test_agents_who_answer_slowly_make_callers_wait_and_too_slowly_lose_the_call() -> None:
    slow = figures(answer_time={"main": {"constant_seconds": 3}}, agents=[{"count": 50, "queues": ["main"]}])
    assert slow["wait_percentiles_seconds"]["p50"] == 3
    assert slow["waited_share"] == 0
    never = figures(
        answer_time={"main": {"constant_seconds": 60}}, patience={"main": {"constant_seconds": 300}}, hours=1
    )
    assert never["answered"] == 0


def test_agents_who_let_it_ring_are_back_after_a_while_and_not_gone_for_the_day() -> None:
    mostly = {"main": {"quantiles_seconds": [1, 1, 1, 1, 60]}}
    patient = {"main": {"constant_seconds": 300}}
    found = figures(answer_time=mostly, patience=patient, agents=[{"count": 20, "queues": ["main"]}])
    assert found["answered"] > found["contacts"] * 0.9
    short = {"main": {"reservation_seconds": 5}}
    found = figures(answer_time=mostly, patience=patient, queues=short, agents=[{"count": 20, "queues": ["main"]}])
    assert found["answered"] > found["contacts"] * 0.9


def test_the_work_after_the_last_contact_comes_to_its_end() -> None:
    spells: list[e.AgentSpellBegan] = []

    def witness(_now_us: int, events: Sequence[e.Event]) -> None:
        spells.extend(event for event in events if isinstance(event, e.AgentSpellBegan))

    simulate(parse(document(queues={"main": {"wrap_up_seconds": 3_600}})), witness=witness)
    assert {spell.agent: spell.state for spell in spells} == {spell.agent: AgentState.AVAILABLE for spell in spells}


def test_where_nobody_works_everybody_who_came_is_counted_though_nobody_lost_patience() -> None:
    for nobody in ([], [{"count": 0, "queues": ["main"]}]):
        result = simulate(parse(document(agents=nobody)))
        found = result["queues"]["main"]
        assert found["contacts"] == found["flowed_out"] == result["contacts"] > 0
        assert found["occupancy"] is None


def test_an_interval_is_given_where_enough_of_the_time_says_anything_and_stays_within_what_can_be() -> None:
    once = figures(arrivals={"main": {"poisson_per_half_hour": [9, *[0] * 479]}}, hours=240)
    assert once["asa_seconds"] is not None
    assert once["intervals"]["asa_seconds"] is None
    low, high = figures(hours=10, agents=[{"count": 3, "queues": ["main"]}])["intervals"]["waited_share"]
    assert 0 < low < high <= 1


def test_shifts_begin_and_end_by_the_hour() -> None:
    shift = [{"count": 3, "queues": ["main"], "from_hour": 2, "to_hour": 4}]
    early = figures(agents=shift, hours=2, patience={"main": {"constant_seconds": 60}})
    assert early["answered"] < early["contacts"] * 0.1


def test_skills_decide_who_may_answer() -> None:
    queues = {"main": {"skills": {"french": 3}}}
    unskilled = figures(queues=queues, patience={"main": {"constant_seconds": 10}})
    assert unskilled["answered"] == 0
    skilled = [{"count": 5, "queues": ["main"], "skills": {"french": 3}}]
    assert figures(queues=queues, agents=skilled, patience={"main": {"constant_seconds": 10}})["answered"] > 0


def test_recorded_arrivals_are_met_exactly_in_number(tmp_path: Path) -> None:
    rows = [f"1999-01-04,{slot},00:00,{slot % 3}" for slot in range(1, 241)]
    (tmp_path / "day.csv").write_text("date,slot_1_240,slot_end_hhmm,calls\n" + "\n".join(rows))
    recorded = {"recorded": {"file": "day.csv", "day": "1999-01-04"}}
    found = simulate(parse(document(arrivals={"main": recorded}, hours=24), tmp_path))
    assert found["contacts"] == sum(slot % 3 for slot in range(1, 241))
    with pytest.raises(ScenarioInvalid, match="1999-01-05"):
        simulate(parse(document(arrivals={"main": {"recorded": {"file": "day.csv", "day": "1999-01-05"}}}), tmp_path))


def test_arrivals_by_half_hour_follow_their_shape() -> None:
    found = simulate(parse(document(arrivals={"main": {"poisson_per_half_hour": [0, 200, 0, 0]}}, hours=2)))
    assert 140 < found["contacts"] < 260


def test_what_a_simulation_decided_keeps_the_laws_of_the_log() -> None:
    log: list[tuple[int, e.Event]] = []

    def witness(now_us: int, events: Sequence[e.Event]) -> None:
        log.extend((now_us, event) for event in events)

    patience = {"main": {"exponential_mean_seconds": 60}}
    answer = {"main": {"quantiles_seconds": [1, 3, 5, 25]}}
    simulate(parse(document(patience=patience, answer_time=answer)), witness=witness)
    core = Core(TENANT)
    for event_time_us, event in log:
        evolve(core, event, event_time_us)
    check_log(log, core)
    assert not core.contacts
    assert any(isinstance(event, e.ReservationExpired) for _, event in log)


def test_the_documented_scenarios_can_be_simulated() -> None:
    for file in sorted(Path("docs/scenarios").glob("*.yaml")):
        assert simulate(read(file).model_copy(update={"hours": 2, "replications": 1}))["contacts"] > 0


def test_callers_of_a_flow_serve_themselves_or_wait_where_it_leads() -> None:
    result = simulate(read(Path("docs/scenarios/through-a-flow.yaml")).model_copy(update={"hours": 2}))
    flow, queues = result["flows"]["main-line"], result["queues"]
    assert flow["contacts"] == result["contacts"] == sum(flow["outcomes"].values())
    assert 0.1 < flow["containment_rate"] < 0.4
    assert queues["sales"]["contacts"] == flow["outcomes"]["queue sales"]
    assert queues["care"]["contacts"] == flow["outcomes"]["queue care"] + flow["outcomes"].get("callback", 0)


def test_a_closed_line_takes_messages() -> None:
    scenario = read(Path("docs/scenarios/through-a-flow.yaml"))
    night = scenario.model_copy(update={"starts": scenario.starts.replace(hour=20), "hours": 1})
    assert set(simulate(night)["flows"]["main-line"]["outcomes"]) == {"voicemail"}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"handle_time": {"sales": {"constant_seconds": 1}}}, "care"),
        ({"flows": {"main-line": {"file": "no.yaml"}}}, "no.yaml"),
    ],
)
def test_a_flow_that_leads_nowhere_is_refused(changed: dict[str, Any], named: str) -> None:
    told: dict[str, Any] = document(
        flows={"main-line": {"file": "../flows/main-line.yaml"}},
        arrivals={"main-line": {"poisson_per_hour": 10}},
        handle_time={"sales": {"constant_seconds": 1}, "care": {"constant_seconds": 1}},
        agents=[{"count": 1, "queues": ["sales"]}],
    )
    with pytest.raises(ScenarioInvalid, match=named):
        simulate(parse(told | changed, Path("docs/scenarios")))
