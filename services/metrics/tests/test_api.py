"""Both doors of metrics, really served, over facts in a real Postgres."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from event_log.memory import MemoryLog
from fact_rows import insert, prepare
from metrics_serving import Metrics, serving

HOUR_US = 3_600_000_000
NINE = 1_767_258_000_000_000
"""2026-01-01T09:00:00Z."""
DAY = {"from_": "2026-01-01", "to": "2026-01-02"}


@pytest.fixture
async def metrics(fresh_database: str, tmp_path: Path) -> AsyncIterator[Metrics]:
    await prepare(fresh_database)
    await insert(fresh_database, "queue_visit", visits())
    async with serving(fresh_database, tmp_path / "issuer", MemoryLog()) as served:
        yield served


def visits() -> list[dict[str, object]]:
    return [
        {
            "contact_id": f"c{number}",
            "visit_id": f"v{number}",
            "queue": "sales",
            "enqueued_time": NINE + number * 60_000_000,
            "dequeued_time": NINE + number * 60_000_000 + wait * 1_000_000,
            "outcome": outcome,
            "wait_us": wait * 1_000_000,
            "wait_clock": "dequeued",
        }
        for number, (outcome, wait) in enumerate([("answered", 10), ("answered", 30), ("abandoned", 3)])
    ]


async def test_a_queue_report_has_the_keys_that_programs_rely_on(metrics: Metrics) -> None:
    answer = await metrics.get("/v1/queues", **DAY)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert set(report) >= {"as_of", "rows", "total"}
    [row] = report["rows"]
    assert row == {
        "queue": "sales",
        "offered": 3,
        "answered": 2,
        "abandoned": 1,
        "abandoned_ivr": 0,
        "short_abandoned": 1,
        "wait_answered_seconds": 40.0,
        "wait_abandoned_seconds": 3.0,
        "asa_seconds": 20.0,
        "abandon_rate": pytest.approx(1 / 3),
        "service_level": {
            "offered": pytest.approx(1 / 3),
            "answered": 0.5,
            "excluding_short": 0.5,
            "short_met": pytest.approx(2 / 3),
            "genesys": 0.5,
        },
        "handle_seconds": 0.0,
        "aht_seconds": None,
        "aht_all_seconds": None,
    }
