"""The real month, where it is present: every figure computed from the events equals the one computed elsewhere."""

import csv
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from holdfast.call_events.v1.contact_event_pb2 import ContactEvent
from holdfast.call_events.v1.queueing_pb2 import DEQUEUE_KIND_ANSWERED
from holdfast_cli.importing.bank_1999 import tell_bank_1999
from holdfast_cli.importing.telling import ImportSummary

DATA = Path(__file__).parents[3] / "shared/data/bank_1999"
JERUSALEM = ZoneInfo("Asia/Jerusalem")
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="the real month is not there: it is read from ../shared/data/bank_1999 beside the project"
)


@dataclass(frozen=True)
class Call:
    """What the events of a contact say, in seconds; None where they say nothing."""

    queue: str
    half_hour: tuple[str, int]
    flow: int
    wait: int | None
    answered: bool
    agent: str
    handle: int | None


@pytest.fixture(scope="module")
def summary() -> ImportSummary:
    return ImportSummary()


@pytest.fixture(scope="module")
def calls(summary: ImportSummary) -> list[Call]:
    told = tell_bank_1999(DATA / "january.txt.gz", summary, tenant="acme")
    return [call_of(telling.contact_events) for telling in told]


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    return dict(json.loads((DATA / "january.expected_aggregates.json").read_text()))


def call_of(events: Iterable[ContactEvent]) -> Call:
    """Read a contact back from its events alone."""
    at = {str(event.WhichOneof("body")): event.event_time.seconds for event in events}
    bodies = {str(event.WhichOneof("body")): event for event in events}
    local = datetime.fromtimestamp(at.get("enqueued", at["flow_exited"]), JERUSALEM)
    wait = at["dequeued"] - at["enqueued"] if "enqueued" in at else None
    return Call(
        queue=bodies["flow_exited"].flow_exited.queue,
        half_hour=(local.strftime("%y%m%d"), (local.hour * 60 + local.minute) // 30),
        flow=at["flow_exited"] - at["flow_entered"],
        wait=wait,
        answered=wait is not None and bodies["dequeued"].dequeued.kind == DEQUEUE_KIND_ANSWERED,
        agent=bodies["bridged"].bridged.agent if "bridged" in at else "",
        handle=at["leg_ended"] - at["leg_answered"] if "leg_ended" in at else None,
    )


def figures_of(calls: list[Call]) -> dict[str, float]:
    """Compute what was computed elsewhere from the rows, by the names used there."""
    waits = sorted(call.wait for call in calls if call.answered and call.wait is not None)
    lost = [call.wait for call in calls if not call.answered and call.wait is not None]
    handles = [call.handle for call in calls if call.handle is not None]
    offered = len(waits) + len(lost)
    figures: dict[str, float] = {
        "calls_non_phantom": len(calls),
        "answered_outcome_AGENT": len(waits),
        "hang": len(calls) - len(waits),
        "abandoned_in_queue": len(lost),
        "abandoned_before_queue": len(calls) - offered,
        "offered_to_agents": offered,
        "abandonment_rate_of_offered": len(lost) / offered,
        "answered_queued(q_time>0)": sum(wait > 0 for wait in waits),
        "asa_s_mean_q_time_answered": sum(waits) / len(waits),
        "mean_wait_s_abandoned": sum(lost) / len(lost),
        "max_wait_s_offered": max(waits + lost),
        "handle_s_sum_AGENT_rows": sum(handles),
        "handle_s_mean_all_AGENT_rows": sum(handles) / len(handles),
        "answered_ser_time>0": sum(handle > 0 for handle in handles),
        "handle_s_mean_ser_time>0": sum(handles) / sum(handle > 0 for handle in handles),
        "vru_time_sum": sum(call.flow for call in calls),
    }
    for threshold in (10, 20, 30, 60):
        soon = sum(wait <= threshold for wait in waits)
        short = sum(wait <= threshold for wait in lost)
        figures |= {
            f"answered_within_{threshold}s": soon,
            f"abandoned_within_{threshold}s": short,
            f"SL{threshold}_answered_le_T_over_offered": soon / offered,
            f"SL{threshold}_answered_le_T_over_answered": soon / len(waits),
            f"SL{threshold}_excl_short_abandons": soon / (offered - short),
            f"SL{threshold}_counting_short_abandons_as_ok": (soon + short) / offered,
        }
    return figures


def test_counts_waits_and_service_levels_of_the_month_are_equal(calls: list[Call], expected: dict[str, Any]) -> None:
    figures = figures_of(calls)
    figures.pop("vru_time_sum")  # theirs has the phantoms too
    assert figures == pytest.approx({name: expected["overall"][name] for name in figures}, abs=1e-6)


def test_they_are_equal_for_each_queue(calls: list[Call], expected: dict[str, Any]) -> None:
    for queue, theirs in expected["by_type"].items():
        of_queue = [call for call in calls if call.queue == queue]
        if not theirs["answered_outcome_AGENT"] or not theirs["abandoned_in_queue"]:
            assert len(of_queue) == theirs["calls_non_phantom"]
            continue
        figures = figures_of(of_queue)
        figures.pop("vru_time_sum")
        assert figures == pytest.approx({name: theirs[name] for name in figures}, abs=1e-6), queue


def test_calls_and_handle_time_of_each_agent_are_equal(calls: list[Call], expected: dict[str, Any]) -> None:
    count: Counter[str] = Counter(call.agent for call in calls if call.answered)
    seconds: Counter[str] = Counter()
    for call in calls:
        seconds[call.agent] += call.handle or 0
    ours = {agent or "NO_SERVER": (count[agent], seconds[agent]) for agent in count}
    assert ours == {agent: (theirs["calls"], theirs["sum_s"]) for agent, theirs in expected["per_agent"].items()}


def test_each_half_hour_is_equal(calls: list[Call]) -> None:
    """Theirs is the half-hour of vru_exit on the row's date; no contact of this month crossed midnight in the flow."""
    ours: defaultdict[tuple[str, int], list[int]] = defaultdict(lambda: [0] * 7)
    for call in calls:
        if call.wait is None:
            continue
        row = ours[call.half_hour]
        if call.answered:
            add = [1, 1, 0, call.wait <= 20, call.wait, call.handle or 0, 0]
        else:
            add = [1, 0, 1, 0, 0, 0, call.wait]
        ours[call.half_hour] = [one + other for one, other in zip(row, add, strict=True)]
    with gzip.open(DATA / "january.expected_half_hours.csv.gz", "rt") as file:
        theirs = {(row[0], int(row[1])): [int(value) for value in row[2:]] for row in list(csv.reader(file))[1:]}
    assert dict(ours) == theirs


def test_what_is_odd_is_what_the_readme_of_the_data_says(calls: list[Call], summary: ImportSummary) -> None:
    assert len(calls) == 31_359
    assert summary.oddities == {
        "phantom": 240,
        "no_server_answered": 490,
        "zero_service_time": 277,
        "negative_ivr_time": 32,  # and one of a phantom
        "hang_with_service": 82,
        "service_before_queue_exit": 10_515,  # and 23 that were answered at an instant not told
        "service_before_ivr_exit": 10_139,
        "service_instants_untold": 42,
        "midnight_crossing": 24,
        "overlapping_service": 417,
        "customer_id_rounded": 24,  # 3.06E+08: a spreadsheet kept no more of them
    }
