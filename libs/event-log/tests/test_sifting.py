"""Records sifted: whatever was sent twice, lost or garbled on the way, every event is either new once or in a hole."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_log.errors import IncarnationChanged
from event_log.kafka.record import Control, Headers, Origin, Record, control_record, event_record
from event_log.kafka.sifting import Hole, Sieve, Sifted
from event_log.model import Cursor, Event, Stream

LOG = Cursor("call-events", 2, 0)
ORIGIN = Origin("call-events", 2, 7)


@dataclass
class Polled:
    """A record as the client library gives it."""

    offset: int
    value: bytes | None
    headers: Headers


def event(position: int) -> Event:
    stream = Stream("contact", UUID(int=1))
    return Event(position, "bank", stream, position, UUID(int=position), "Enqueued", 0, 0, b"p", b"m", "pbx")


def sent(position: int, prev: int, origin: Origin = ORIGIN) -> Record:
    return event_record(event(position), prev, origin)


def told(complete_to: int, prev: int) -> Record:
    return control_record(Control(ORIGIN, prev, complete_to))


def sift(records: Sequence[Record], position: int = 0) -> Sifted:
    return Sieve(3, LOG, position).sift(
        [Polled(offset, record.value, record.headers) for offset, record in enumerate(records, 10)]
    )


def test_what_follows_on_is_new_and_a_control_record_moves_the_position_on() -> None:
    found = sift([sent(4, 0), sent(9, 4), told(20, 9)])
    assert (found.positions, found.position, found.next_offset) == ([4, 9], 20, 13)
    assert (found.holes, found.duplicates, found.malformed) == ([], 0, 0)


def test_what_was_seen_is_dropped_and_counted() -> None:
    found = sift([sent(4, 0), sent(9, 4), sent(4, 0), sent(9, 4), sent(11, 9)], position=4)
    assert (found.positions, found.duplicates, found.holes) == ([9, 11], 3, [])


def test_a_prev_beyond_what_was_seen_is_a_hole() -> None:
    found = sift([sent(4, 0), sent(11, 9), told(30, 20)])
    assert found.holes == [Hole(3, 4, 9), Hole(3, 11, 20)]
    assert found.position == 30


def test_a_record_that_is_none_of_ours_is_left_out_and_what_follows_shows_the_hole() -> None:
    garbled = Record(b"k", b"v", [("log_id", b"call-events"), ("position", b"nine")])
    found = sift([sent(4, 0), garbled, Record(None, b"", []), sent(11, 9)])
    assert (found.positions, found.malformed, found.holes) == ([4, 11], 2, [Hole(3, 4, 9)])


def test_records_of_an_incarnation_before_are_left_out() -> None:
    found = sift([sent(4, 0, Origin("call-events", 1, 7)), sent(3, 0)])
    assert (found.positions, found.position) == ([3], 3)


@pytest.mark.parametrize("origin", [Origin("call-events", 3, 1), Origin("another", 2, 1)])
def test_another_log_or_a_later_incarnation_ends_it(origin: Origin) -> None:
    with pytest.raises(IncarnationChanged):
        sift([sent(4, 0), sent(9, 4, origin)])


@given(
    st.lists(st.integers(1, 9), max_size=30),
    st.data(),
)
def test_whatever_is_repeated_and_lost_each_event_is_new_once_or_in_one_hole(
    steps: list[int], data: st.DataObject
) -> None:
    positions = [sum(steps[: number + 1]) for number in range(len(steps))]
    whole = [sent(position, prev) for prev, position in zip([0, *positions], positions, strict=False)]
    numbers = data.draw(st.lists(st.integers(0, max(0, len(whole) - 1)), max_size=60)) if whole else []
    records = [whole[number] for number in numbers]
    found = sift([*records, told(sum(steps), positions[-1] if positions else 0)])
    missing = [position for position in positions if any(hole.after < position <= hole.to for hole in found.holes)]
    assert sorted([*found.positions, *missing]) == positions
    assert found.positions == sorted(found.positions)
    assert found.position == sum(steps)
