"""Both REST doors asked whatever their OpenAPI documents allow, and what they do not: nothing makes them fail."""

import random
from collections import Counter
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.result import Err, Ok

from public_doors import Doors
from system_testing import System

pytestmark = pytest.mark.timeout(600)

EXAMPLES = 30
"""Of each operation."""
SERVER_ERRORS = 500
LONGEST_QUERY = 16_000
"""Bytes; a door reads no longer request line, and cuts whoever goes on sending one."""
WAITS = "wait_for_position"
"""A parameter that asks to be kept waiting: it gets what it asks for."""
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def doors(system: System) -> Doors:
    return Doors.of(system.ready, system.data)


def operations(http: httpx.Client) -> list[Any]:
    """Return the operations that a door's document names."""
    document = http.get("/openapi.json").raise_for_status().json()
    found = list(schemathesis.openapi.from_dict(document).get_all_operations())
    assert [one for one in found if isinstance(one, Err)] == []
    return [one.ok() for one in found if isinstance(one, Ok)]


def asked_by_chance(operation: Any, http: httpx.Client, number: int) -> Counter[int]:
    """Ask an operation rightly and wrongly, by a seed; return the answers' statuses. None may be a server's fault."""
    statuses: Counter[int] = Counter()
    headers = {"authorization": http.headers["authorization"]}

    @seed(number)
    @BOUNDED
    @given(case=st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode)))
    def ask(case: Any) -> None:
        if case.query:
            case.query.pop(WAITS, None)
            assume(len(urlencode(case.query, doseq=True)) < LONGEST_QUERY)
        answer = case.call(base_url=str(http.base_url), headers=headers)
        statuses[answer.status_code] += 1
        assert answer.status_code < SERVER_ERRORS, (answer.status_code, answer.text)
        assert "Traceback" not in answer.text

    ask()
    return statuses


@pytest.mark.parametrize("name", ["call_events", "metrics"])
def test_no_question_makes_a_door_fail(doors: Doors, name: str, chance: random.Random) -> None:
    statuses: Counter[int] = Counter()
    with getattr(doors, name)() as http:
        for operation in operations(http):
            statuses += asked_by_chance(operation, http, chance.randrange(1 << 32))
    print(f"{name}: {dict(sorted(statuses.items()))}")  # noqa: T201  # what the run was
    assert statuses[200] > 0
    assert statuses[400] > 0
