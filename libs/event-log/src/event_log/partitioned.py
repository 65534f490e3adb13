"""What a feed by partitions gives: pages whose events are whole for some stretch of each partition. No I/O.

A log is cut into partitions by stream: all events of a stream are of one partition, in order. A reader holds a
position for each partition it reads; everything of that partition up to it was seen.
"""

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reader stands in a partition; `next_offset` is a hint where the topic goes on."""

    partition: int
    position: int
    next_offset: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a page: every event of one partition after `after` and up to `to`."""

    partition: int
    after: int
    to: int
    next_offset: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """What was odd on the way: records dropped as duplicates or as none of ours, holes, and events that filled them."""

    duplicates: int = 0
    malformed: int = 0
    holes: int = 0
    filled: int = 0


NOTHING_ODD = Counts()


@dataclass(frozen=True, slots=True)
class PartitionedPage:
    """Events (columns as in event_log.packed) of some stretches; a partition stands in a page at most once."""

    events: pa.Table
    stretches: tuple[Stretch, ...]
    head_position: int
    counts: Counts = NOTHING_ODD

    @property
    def count(self) -> int:
        """Number of events in it."""
        return int(self.events.num_rows)
