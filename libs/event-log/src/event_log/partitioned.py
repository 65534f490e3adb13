"""What a feed by partitions gives: pages whose events are whole for some stretch of each partition.

A log is cut into partitions by stream: all events of a stream are of one partition, in order. A reader holds a
position for each partition it reads; everything of that partition up to it was seen.
"""

from abc import abstractmethod
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from event_log.model import Cursor
from event_log.resuming import Feed


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


class PartitionedFeed(Feed):
    """A log that is also carried by a topic, and read from there by partitions."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What the topic is called."""

    @abstractmethod
    async def partitions(self) -> int:
        """Return how many partitions the topic has; raise Unavailable."""

    @abstractmethod
    def partitioned_pages(
        self, of: Cursor, places: Iterable[Place], partitions: int, columns: Sequence[str] = ()
    ) -> AsyncGenerator[PartitionedPage, None]:
        """Yield pages of some partitions from places on, for ever; every stretch follows on the one before.

        Raises IncarnationChanged, and Unavailable when the topic cannot be read or a hole not be filled now.
        """
