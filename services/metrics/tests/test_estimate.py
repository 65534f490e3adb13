"""Intervals of figures against published values."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.figure.estimate import normal, wilson

NEWCOMBE_1998 = [
    (81, 263, 0.2553, 0.3662),
    (15, 148, 0.0624, 0.1605),
    (0, 20, 0.0, 0.1611),
    (1, 29, 0.0061, 0.1718),
]
"""Newcombe, Statistics in Medicine 17 (1998), table I, method 3: successes, n, low, high."""
REFERENCES = Path(__file__).parents[4] / "shared" / "data" / "references" / "wilson.json"


@pytest.mark.parametrize(("successes", "n", "low", "high"), NEWCOMBE_1998)
def test_a_proportion_has_the_interval_that_newcombe_published(successes: int, n: int, low: float, high: float) -> None:
    span = wilson(successes, n)
    assert span is not None
    assert (round(span.low, 4), round(span.high, 4)) == (low, high)


def test_the_values_here_are_those_of_the_reference_file() -> None:
    if not REFERENCES.exists():
        pytest.skip(
            f"there is no {REFERENCES.name} in ../shared/data/references: only its values as copied here are checked"
        )
    table = json.loads(REFERENCES.read_text())["newcombe_1998_table_I"]
    assert [(row["k"], row["n"], *row["wilson"]) for row in table] == NEWCOMBE_1998


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_of_a_proportion_holds_it_and_never_leaves_zero_to_one(counts: tuple[int, int]) -> None:
    successes, n = counts
    span = wilson(successes, n)
    assert span is not None
    assert 0.0 <= span.low <= successes / n + 1e-12
    assert successes / n - 1e-12 <= span.high <= 1.0


def test_nothing_observed_has_no_interval() -> None:
    assert wilson(0, 0) is None
    assert normal(0.0, 0.0, 0) is None


def test_one_observation_says_nothing_of_the_spread_of_a_mean() -> None:
    assert normal(12.0, 144.0, 1) is None


def test_a_mean_has_the_normal_interval_of_its_observations() -> None:
    seen = [10.0, 20.0, 30.0, 40.0]
    span = normal(sum(seen), sum(one * one for one in seen), len(seen))
    assert span is not None
    assert (round(span.low, 4), round(span.high, 4)) == (12.3485, 37.6515)
