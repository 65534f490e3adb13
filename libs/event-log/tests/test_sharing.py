"""How partitions are shared: evenly, without two owners, and with as little moving as can be."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from event_log.sharing import Lease, next_turn, share_of

NAMES = ("a", "b", "c", "d", "e")


def free(partitions: int) -> dict[int, Lease]:
    return {number: Lease(number, "", 0, over=True) for number in range(partitions)}


def played(leases: dict[int, Lease], me: str, members: frozenset[str]) -> dict[int, Lease]:
    """Return the leases after a turn of one instance that gives back at once."""
    turn = next_turn(me, members, leases)
    changed = {number: Lease(number, me, leases[number].epoch + 1, over=False) for number in turn.take}
    return leases | changed | {number: replace(leases[number], member="", over=True) for number in turn.give}


def owners(leases: dict[int, Lease]) -> dict[str, int]:
    return {name: sum(lease.member == name for lease in leases.values()) for name in NAMES}


def test_one_instance_takes_everything() -> None:
    assert next_turn("a", (), free(5)).take == {0, 1, 2, 3, 4}


def test_a_second_instance_waits_until_the_first_gives_back_and_then_takes_its_share() -> None:
    leases = played(free(5), "a", frozenset())
    both = frozenset({"a", "b"})
    assert next_turn("b", both, leases).take == frozenset()
    leases = played(leases, "a", both)
    assert next_turn("b", both, leases).take == {3, 4}


def test_what_a_dead_instance_owned_is_free_at_once() -> None:
    leases = {0: Lease(0, "gone", 3, over=False), 1: Lease(1, "a", 1, over=False)}
    assert next_turn("a", {"a"}, leases).take == {0}


def test_a_lease_of_ones_own_that_is_over_is_kept_if_nobody_took_it() -> None:
    turn = next_turn("a", {"a"}, {0: Lease(0, "a", 1, over=True)})
    assert (turn.keep, turn.take) == (frozenset({0}), frozenset[int]())


@given(st.sets(st.sampled_from(NAMES), min_size=1), st.integers(0, 50))
def test_shares_add_up_to_all_partitions_and_differ_by_one_at_most(members: set[str], partitions: int) -> None:
    shares = [share_of(me, members, partitions) for me in members]
    assert sum(shares) == partitions
    assert max(shares) - min(shares) <= 1


@given(
    st.integers(0, 20),
    st.lists(st.tuples(st.sampled_from(NAMES), st.frozensets(st.sampled_from(NAMES), min_size=1)), max_size=20),
    st.frozensets(st.sampled_from(NAMES), min_size=1),
)
def test_whoever_came_and_went_the_shares_are_even_two_rounds_later(
    partitions: int, past: list[tuple[str, frozenset[str]]], members: frozenset[str]
) -> None:
    leases = free(partitions)
    for me, seen in past:
        leases = played(leases, me, seen)
    for _ in range(2):
        for me in sorted(members):
            leases = played(leases, me, members)
    assert owners(leases) == {name: share_of(name, members, partitions) if name in members else 0 for name in NAMES}
    assert all(played(leases, me, members) == leases for me in members)
