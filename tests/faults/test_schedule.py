"""Faults come by a seed, every kind before any comes again, never two on the same part at once."""

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from fault_suite.schedule import MOST_AT_ONCE, Kind, rounds
from told_contacts import chance_of

PARTS = ("log", "facts", "call-events", "metrics")
KINDS = st.lists(
    st.builds(
        Kind,
        name=st.uuids().map(str),
        stands_for=st.just("F1"),
        takes=st.frozensets(st.sampled_from(PARTS), min_size=1),
        weight=st.integers(1, 4),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda kind: kind.name,
)


@given(KINDS, st.integers())
def test_the_same_seed_gives_the_same_rounds(kinds: list[Kind], seed: int) -> None:
    one, other = (list(islice(rounds(chance_of(seed), kinds), 20)) for _ in range(2))
    assert one == other


@given(KINDS, st.integers())
def test_every_kind_comes_before_any_comes_again(kinds: list[Kind], seed: int) -> None:
    names = [kind.name for together in islice(rounds(chance_of(seed), kinds), len(kinds)) for kind in together]
    assert len(set(names[: len(kinds)])) == len(kinds)


@given(KINDS, st.integers())
def test_faults_at_the_same_time_take_different_parts(kinds: list[Kind], seed: int) -> None:
    for together in islice(rounds(chance_of(seed), kinds), 30):
        taken = [part for kind in together for part in kind.takes]
        assert 1 <= len(together) <= MOST_AT_ONCE
        assert len(taken) == len(set(taken))
