"""Pages of partitions made steps: what each brings to which partition, under which epoch, and what it comes to."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate

import pyarrow as pa

from event_log.model import Cursor
from event_log.partitioned import PartitionedPage, Place, Stretch
from metrics.follow.advance import Step
from metrics.follow.places import Move


class Steps:
    """Makes steps of pages that follow on each other, from places on."""

    def __init__(self, log: Cursor, places: Mapping[int, Place], epochs: Mapping[int, int], partitions: int) -> None:
        """Begin at places, which may be written under epochs; `partitions` is how many the topic has."""
        self.log = log
        self.partitions = partitions
        self._places = dict(places)
        self._epochs = epochs

    @property
    def places(self) -> tuple[Place, ...]:
        """Where the next step begins."""
        return tuple(self._places.values())

    def next(self, pages: Sequence[PartitionedPage]) -> Step | None:
        """Return the step that pages are together; None where they bring nothing on."""
        reached = {one.partition: one for page in pages for one in page.stretches if one.to > self._at(one)}
        if not reached:
            return None
        events = pa.concat_tables([page.events for page in pages]).sort_by("position")
        recorded = _record_times(events)
        moves = tuple(
            Move(
                number,
                self._at(one),
                one.to,
                self._epochs[number],
                one.next_offset or self._places[number].next_offset,
                recorded(one.to),
            )
            for number, one in reached.items()
        )
        held = min(place.position for place in self._places.values())
        self._places |= {move.partition: Place(move.partition, move.to, move.next_offset) for move in moves}
        lowest = min(place.position for place in self._places.values())
        return Step(
            events,
            Cursor(self.log.log_id, self.log.incarnation, held),
            max(move.to for move in moves),
            max(page.head_position for page in pages),
            moves,
            self.partitions,
            lowest,
        )

    def _at(self, one: Stretch) -> int:
        return self._places[one.partition].position


def _record_times(events: pa.Table) -> "_RecordTimes":
    return _RecordTimes(events.column("position").to_pylist(), events.column("record_time_us").to_pylist())


class _RecordTimes:
    """When the last event up to a position was recorded; 0 where there is none."""

    def __init__(self, positions: list[int], times: list[int]) -> None:
        self._positions = positions
        self._latest = list(accumulate(times, max))

    def __call__(self, position: int) -> int:
        number = bisect_right(self._positions, position)
        return self._latest[number - 1] if number else 0
