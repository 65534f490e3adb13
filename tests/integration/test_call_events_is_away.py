"""call-events killed and back: meanwhile no answer of metrics claims to be current, and afterwards they do again."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import system_parts
from holdfast_testing import eventually_blocking
from public_doors import MONDAY, Doors, Teller, caught_up, record
from system_parts import Parts

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def parts(folder: Path) -> Iterator[Parts]:
    with system_parts.started(folder / "parts") as running:
        yield running


def test_no_answer_claims_to_be_current_while_the_log_cannot_be_heard_of(parts: Parts, chance: random.Random) -> None:
    doors, teller = Doors(parts.addresses, parts.issuer()), Teller(chance)
    with doors.call_events() as http:
        record(http, teller.abandoned("sales", wait=30))
    caught_up(doors)

    def as_of() -> Any:
        with doors.metrics() as http:
            return http.get("/v1/queues", params=MONDAY).raise_for_status().json()["as_of"]

    def status() -> Any:
        with doors.metrics() as http:
            return http.get("/v1/status").raise_for_status().json()

    eventually_blocking(lambda: as_of()["current"])
    call_events = parts.services["call-events"]
    call_events.kill()
    silent = eventually_blocking(lambda: found if not (found := as_of())["current"] else None)
    assert silent is not None
    assert silent["behind"] == 0  # nothing more is known of, which is why it alone says nothing
    assert as_of()["heard_time"] == silent["heard_time"]
    assert not status()["following"]
    call_events.start()
    again = eventually_blocking(lambda: found if (found := as_of())["current"] else None)
    assert again is not None
    assert again["heard_time"] > silent["heard_time"]
    assert status()["following"]
