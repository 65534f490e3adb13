"""A log that was written once is read and folded for ever, whatever becomes of the code."""

import json
from pathlib import Path

from ivr_routing import event_codec
from ivr_routing.core.evolve import evolve
from ivr_routing.core.state import Core
from routing_laws import summary
from routing_testing import TENANT

GOLDEN = Path(__file__).parent / "golden"
MOST_TYPES = 25


def test_the_golden_logs_give_the_cores_that_they_gave() -> None:
    kept = json.loads((GOLDEN / "core.json").read_text())
    cores, types = [Core(TENANT) for _ in kept], set()
    for line in (GOLDEN / "log.jsonl").read_text().splitlines():
        told = json.loads(line)
        event = event_codec.decode(told["type"], bytes.fromhex(told["payload"]))
        assert event is not None
        types.add(told["type"])
        evolve(cores[told["centre"]], event, told["time_us"])
    assert [summary(core) for core in cores] == kept
    assert len(types) >= MOST_TYPES
