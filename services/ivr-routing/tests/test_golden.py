"""A log that was written once is read and folded for ever, whatever becomes of the code."""

import json
from pathlib import Path

import pytest

from ivr_routing import event_codec
from ivr_routing.core.evolve import evolve
from ivr_routing.core.state import Core
from routing_laws import summary
from routing_testing import TENANT

LOGS = sorted((Path(__file__).parent / "golden").glob("*.jsonl"))


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
def test_the_golden_logs_give_the_cores_that_they_gave(log: Path) -> None:
    kept = json.loads(log.with_suffix(".core.json").read_text())
    cores = [Core(TENANT) for _ in kept]
    for line in log.read_text().splitlines():
        told = json.loads(line)
        event = event_codec.decode(told["type"], bytes.fromhex(told["payload"]))
        assert event is not None
        evolve(cores[told["centre"]], event, told["time_us"])
    assert [summary(core) for core in cores] == kept


def test_every_type_that_the_core_decides_stands_in_a_golden_log() -> None:
    written = {json.loads(line)["type"] for log in LOGS for line in log.read_text().splitlines()}
    assert written == set(event_codec.TYPES)
