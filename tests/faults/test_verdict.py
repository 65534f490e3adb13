"""The verdict says what was found and nothing else."""

import pytest

from fault_suite import verdict
from fault_suite.__main__ import concluded
from fault_suite.running import Tally
from fault_suite.verdict import Findings, Run

RUN = Run(faults=60, kinds=12, acknowledged=5_000, max_unavailable=3.25, recoveries=[0.1] * 59 + [4.0], seed=7)


def test_a_clean_run_is_all_zeros_and_ends_well() -> None:
    findings = Findings()
    assert verdict.line(RUN, findings) == (
        "faults=60 kinds=12 acked=5000 lost=0 double_counted=0 phantom=0 reordered=0"
        " callers_lost=0 agents_double=0 ended_twice=0 stuck=0 max_unavailable=3.2s p99_recovery=4.0s seed=7"
    )
    assert verdict.exit_status(findings) == 0


def test_whatever_is_wrong_is_counted_and_ends_badly() -> None:
    for name in verdict.COUNTS:
        findings = Findings()
        findings.add(name, 2, "of them")
        assert verdict.exit_status(findings) == 1
        assert findings.words == [f"{name}: 2 of them"]
        assert f"{name}=2" in verdict.line(RUN, findings)


def test_nothing_wrong_adds_no_words() -> None:
    findings = Findings()
    findings.add("lost", 0, "of them")
    assert (findings.clean, findings.words) == (True, [])


def test_the_bound_is_three_in_so_many() -> None:
    assert verdict.bound(300) == "With none lost in 300 faults, at most 1.00% of such faults lose anything (95 %)."
    assert verdict.bound(0) == "No fault was tried, so nothing is known."


def test_a_percentile_is_one_of_the_values() -> None:
    assert verdict.percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert verdict.percentile([3.0, 1.0, 2.0], 0.99) == 3.0
    assert verdict.percentile([], 0.99) == 0.0


def test_a_run_that_breaks_off_ends_with_the_verdict_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    def breaks(tally: Tally) -> Run:
        tally.faults, tally.under_way = 3, {"events": "broker_killed"}
        raise TimeoutError("too long")

    assert concluded(breaks, 7, Findings()) == 1
    *_, words, _, line = capsys.readouterr().out.splitlines()
    assert words == "stuck: 1 the run broke off with broker_killed under way: TimeoutError: too long"
    assert line.startswith("faults=3 kinds=0 acked=0 lost=0 ")
    assert " stuck=1 max_unavailable=" in line
