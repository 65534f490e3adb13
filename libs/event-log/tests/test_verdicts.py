"""What a store holds in memory of its streams stays within its bound, and goes a little at a time."""

from uuid import UUID

import pytest

from event_log.model import Append, NewEvent, Stream, StreamAppend
from event_log.verdicts import Known, Placed, StreamState

BOUND = 1_000
EVENTS = 4


def append(number: int, *, presumed_new: bool = True) -> Append:
    """An append of a few events to a stream of its own."""
    ids = range(number * EVENTS + 1, (number + 1) * EVENTS + 1)
    events = [NewEvent(UUID(int=one), "T", 1, b"", b"", "s") for one in ids]
    return Append("t", [StreamAppend(Stream("contact", UUID(int=number + 1)), events, presumed_new=presumed_new)])


def weight(known: Known) -> int:
    """How much stands in memory, by counting it."""
    return sum(1 + len(state.told) for state in known.streams.values())


@pytest.mark.parametrize("loaded", [False, True])
def test_memory_is_counted_as_it_is_however_streams_came_and_went(*, loaded: bool) -> None:
    known = Known()
    for number in range(1_000):
        if loaded:
            known.load({("t", "contact", number + 1): StreamState()})
        for _ in range(2):  # told twice is told once
            known.take(append(number, presumed_new=not loaded), Placed())
        known.forget(BOUND, known.head)
        assert known.held == weight(known) <= BOUND


def test_each_time_no_more_is_forgotten_than_came() -> None:
    known, before = Known(), 0
    for number in range(1_000):
        known.take(append(number), Placed())
        known.forget(BOUND, known.head)
        assert known.held >= min(before, BOUND - EVENTS)
        before = known.held


def test_what_is_not_written_yet_is_remembered() -> None:
    known = Known()
    for number in range(500):
        known.take(append(number), Placed())
    known.forget(BOUND, 0)
    assert len(known.streams) == 500
