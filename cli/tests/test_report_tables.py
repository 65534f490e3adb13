"""Figures as people read them."""

from typing import Any

import pytest

from holdfast_cli import report_tables

AS_OF = {"logs": {"call_events-1": {"incarnation": 1, "position": 5203}}, "time": None, "parked": 0, "behind": 0}
INTERVAL = {"time_zone": "Asia/Jerusalem", "by": None}
LEVELS = {"offered": 0.8113, "answered": 0.86, "excluding_short": 0.8269, "short_met": 0.8302, "genesys": 0.819}


def queue_row(queue: str, **more: Any) -> dict[str, Any]:
    """Return a row of the golden vector of service levels."""
    row = {
        "queue": queue,
        "offered": 1060,
        "answered": 1000,
        "abandoned": 60,
        "abandoned_ivr": 7,
        "short_abandoned": 10,
        "wait_answered_seconds": 12_000.0,
        "wait_abandoned_seconds": 1_800.0,
        "asa_seconds": 12.0,
        "abandon_rate": 0.0566,
        "service_level": LEVELS,
        "handle_seconds": 200_000.0,
        "aht_seconds": 200.0,
        "aht_all_seconds": 199.0,
    }
    return {**row, **more}


def figure(**more: Any) -> dict[str, Any]:
    """Return a figure as JSON has it."""
    return {
        "name": "aht",
        "formula_version": 1,
        "unit": "seconds",
        "value": 181.25,
        "numerator": 7250.0,
        "denominator": 40.0,
        "n": 40,
        "interval_low": 160.0,
        "interval_high": 202.5,
        "insufficient_evidence": False,
        **more,
    }


def shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what was printed, spaces as one."""
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_figures_asked_for_stand_below_with_their_versions_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    asked = [figure(name="misroute_rate", formula_version=2), figure(name="misroute_rate", insufficient_evidence=True)]
    total = queue_row("", figures=asked[:1])
    report = {"as_of": AS_OF, "interval": INTERVAL, "rows": [queue_row("PS", figures=asked)], "total": total}
    report_tables.show_queues(report, 20)
    lines = shown(capsys)
    below = lines[lines.index("Figures asked for") + 3 :]
    assert below[:3] == [
        "PS misroute_rate 1 181.2 s* 7,250 40 40 160.0 to 202.5 s",
        "PS misroute_rate 2 181.2 s 7,250 40 40 160.0 to 202.5 s",
        "all misroute_rate 2 181.2 s 7,250 40 40 160.0 to 202.5 s",
    ]


def test_a_report_says_that_visits_still_wait(capsys: pytest.CaptureFixture[str]) -> None:
    total = queue_row("", provisional=True, waiting=2, wait_clock="mixed")
    report_tables.show_queues({"as_of": AS_OF, "interval": INTERVAL, "rows": [], "total": total}, 20)
    lines = shown(capsys)
    assert "2 visits still waiting: figures are provisional" in lines
    assert "waits were taken from several clocks: --json tells which, row by row" in lines


def test_queues_are_shown_with_their_total(capsys: pytest.CaptureFixture[str]) -> None:
    report = {"as_of": AS_OF, "interval": INTERVAL, "rows": [queue_row("PS")], "total": queue_row("")}
    report_tables.show_queues(report, 20)
    lines = shown(capsys)
    assert lines[0] == "Queues, Asia/Jerusalem time"
    assert "queue offered answered lost lost % in IVR asa ≤ 20 s aht" in lines
    assert "PS 1,060 1,000 60 5.7 % 7 0:12 81.1 % 3:20" in lines
    assert "all 1,060 1,000 60 5.7 % 7 0:12 81.1 % 3:20" in lines
    assert lines[-1] == "as of position 5,203 of call_events-1"


def test_parts_of_an_interval_begin_at_their_local_time(capsys: pytest.CaptureFixture[str]) -> None:
    row = queue_row("PS", interval_start="1999-01-03T07:30:00+02:00")
    report_tables.show_queues({"as_of": AS_OF, "rows": [row], "total": queue_row("")}, 20)
    assert any(line.startswith("1999-01-03 07:30 PS 1,060") for line in shown(capsys))


def test_what_is_undefined_is_a_dash(capsys: pytest.CaptureFixture[str]) -> None:
    none = dict.fromkeys(LEVELS)
    empty = queue_row("", offered=0, asa_seconds=None, abandon_rate=None, service_level=none, aht_seconds=None)
    report_tables.show_queues({"as_of": AS_OF, "rows": [], "total": empty}, 20)
    assert "all 0 1,000 60 - 7 - - -" in shown(capsys)


def test_an_answer_says_what_it_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    report_tables.show_as_of({"as_of": {**AS_OF, "behind": 3, "parked": 1}})
    (line,) = shown(capsys)
    assert "3 events behind; 1 event parked" in line


def test_an_agent_without_a_name_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"agent": "", "contacts": 490, "handle_seconds": 8000.0, "aht_seconds": 20.0, "aht_all_seconds": 16.0}
    report_tables.show_agents({"as_of": AS_OF, "interval": INTERVAL, "rows": [row]})
    assert "(unknown) 490 2:13:20 0:20" in shown(capsys)


def test_flows_are_shown_by_the_way_taken_with_how_many_were_misrouted(capsys: pytest.CaptureFixture[str]) -> None:
    counts = {"entered": 40, "contained": 10, "abandoned_ivr": 2, "containment_rate": 0.25}
    misrouted = figure(name="misroute_rate", unit="ratio", value=0.125, n=28, insufficient_evidence=True)
    row = {"flow": "main", "flow_version": "8eb2", "node_path": "hello > sales", **counts, "figures": [misrouted]}
    report_tables.show_flows({"as_of": AS_OF, "interval": INTERVAL, "rows": [row], "total": row})
    lines = shown(capsys)
    assert "main 8eb2 hello > sales 40 10 25.0 % 2 12.5 %*" in lines
    assert "all 40 10 25.0 % 2 12.5 %*" in lines


def test_a_scorecard_shows_all_evidence_beside_what_was_in_the_agents_hands(capsys: pytest.CaptureFixture[str]) -> None:
    own = figure(value=170.0, n=35, insufficient_evidence=True)
    marks = [{"mark": "long_wait", "reason": "waited 184 s", "contact_id": f"c{number}"} for number in range(12)]
    none = figure(name="occupancy", value=None, n=0)
    figures = [
        {"all": figure(), "in_agents_hands": own, "left_out": {"long_wait": 5}},
        {"all": none, "in_agents_hands": none, "left_out": {}},
    ]
    card = {"as_of": AS_OF, "agent": "anna", "figures": figures, "marks": marks, "notes": ["No agent states are told."]}
    report_tables.show_scorecard(card)
    lines = shown(capsys)
    assert "aht 181.2 s 40 160.0 to 202.5 s 170.0 s* 35" in lines
    assert "* insufficient evidence: too few to conclude anything" in lines
    assert "No evidence of occupancy." in lines
    assert "5 long_wait of aht" in lines
    assert "contact c0: long_wait, waited 184 s" in lines
    assert "… and 7 more, all in --json" in lines
    assert "· No agent states are told." in lines


def test_an_explanation_goes_down_to_events(capsys: pytest.CaptureFixture[str]) -> None:
    rate = figure(name="abandon_rate", unit="ratio", value=0.5, numerator=1.0, denominator=2.0, n=2)
    rate |= {"interval_low": 0.09, "interval_high": 0.91}
    definition = {"formula": "B / (A + B)", "numerator": "B: left", "denominator": "A + B: answered or left"}
    fact = {"contact_id": "c1", "numerator": 1.0, "denominator": 1.0, "reason": "left after 12 s"}
    fact["events"] = [{"type": "Enqueued", "position": 17}, {"type": "Dequeued", "position": 1018}]
    explained = {"as_of": AS_OF, "figure": rate, "definition": definition, "facts": [fact], "fact_count": 2}
    report_tables.show_explanation({**explained, "recomputed": rate, "not_recomputed": ""})
    lines = shown(capsys)
    assert "formula B / (A + B)" in lines
    assert "again, from events 50.0 %" in lines
    assert "95 % interval 9.0 to 91.0 %" in lines
    assert "contact c1: left after 12 s" in lines
    assert "adds 1 of 1: Enqueued 17, Dequeued 1,018" in lines
