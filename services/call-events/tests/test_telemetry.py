"""What call-events tells about itself: every name is declared once, and what operators ask for is among them."""

from collections.abc import Iterator
from typing import Any

import pytest

from admin_doors import figures
from call_events import telemetry
from call_events.log_watch import LogWatch
from event_log.errors import VersionConflict
from service_host import exporters
from telemetry_testing import not_declared, told_elsewhere

ASKED = (
    *("recorded", "refused", "flush.events", "flush.seconds", "conflicts"),
    *("relay.behind", "relay.behind_seconds", "relay.window_seconds", "relay.interruptions"),
)


@pytest.fixture
def kept() -> Iterator[exporters.InMemory]:
    with exporters.in_memory() as found:
        yield found


def test_what_operators_ask_for_is_declared_with_a_sentence() -> None:
    assert not_declared(ASKED, "call_events") == []


def test_every_name_that_is_told_is_declared_in_one_place() -> None:
    assert told_elsewhere("call_events") == []


def test_conflicts_are_counted_by_reason(kept: exporters.InMemory) -> None:
    LogWatch().conflicted(VersionConflict.reason)
    data = kept.metrics.get_metrics_data()
    assert data is not None
    metrics = [one for r in data.resource_metrics for scope in r.scope_metrics for one in scope.metrics]
    (found,) = (one for one in metrics if one.name == telemetry.CONFLICTS.declared.name)
    assert [dict(point.attributes or {}) for point in found.data.data_points] == [{"reason": "VERSION_CONFLICT"}]


async def test_flushes_are_told_with_their_events_at_the_admin_port(service: Any, another: Any) -> None:
    def told() -> tuple[float, float]:
        found = figures(service.ready["admin"])
        return found["holdfast_call_events_flush_events_sum"], found["holdfast_call_events_flush_seconds_count"]

    before, teller = told(), another()
    await teller.record(*(teller.event(contact_arrived={}) for _ in range(7)))
    after = told()
    assert after[0] - before[0] == 7
    assert after[1] > before[1]
