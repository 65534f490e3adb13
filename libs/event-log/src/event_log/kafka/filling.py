"""Holes of a topic filled from the log itself: what should have come and did not, read by position.

A page of the log has events of all partitions; those of a partition's hole are kept. What a hole holds may be the whole
log, where a topic was cut off by its retention: it comes in pages, so that memory stays flat.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from event_log.errors import Unavailable
from event_log.kafka.columns import partitions_of
from event_log.kafka.errors import HoleOpen
from event_log.kafka.polling import Poll
from event_log.kafka.sifting import Hole
from event_log.log import Log
from event_log.model import Cursor, PackedPage
from event_log.partitioned import Counts, PartitionedPage, Stretch

_OF_A_STREAM = ("position", "tenant", "category", "key")


def spans(poll: Poll) -> dict[int, Hole]:
    """Return one hole for each partition that has any: from where the poll began in it to the last that is missing."""
    after = {one.partition: one.after for one in poll.stretches}
    found: dict[int, Hole] = {}
    for hole in poll.holes:
        until = max(hole.to, found.get(hole.partition, hole).to)
        found[hole.partition] = Hole(hole.partition, after[hole.partition], until)
    return found


async def whole(
    log: Log, of: Cursor, poll: Poll, partitions: int, columns: Sequence[str]
) -> AsyncGenerator[PartitionedPage, None]:
    """Yield the pages that a poll is, with what is missing in it before it; raises HoleOpen, IncarnationChanged."""
    holes = spans(poll)
    counts = Counts(duplicates=poll.duplicates, malformed=poll.malformed, holes=len(poll.holes))
    if holes:
        try:
            async for page in _filled(log, of, holes, partitions, columns):
                yield page
        except Unavailable as away:
            raise HoleOpen(len(holes)) from away
    yield rest(poll, holes, partitions, columns, counts)


def rest(
    poll: Poll, holes: Mapping[int, Hole], partitions: int, columns: Sequence[str], counts: Counts
) -> PartitionedPage:
    """Return the page of a poll whose holes were filled: what these held as well is not given twice."""
    events = pa.Table.from_batches([poll.events])
    stretches = poll.stretches
    if holes:
        filled_to = pa.array(
            [holes[number].to if number in holes else 0 for number in partitions_of(events, partitions).to_pylist()],
            pa.int64(),
        )
        events = events.filter(pc.greater(events.column("position"), filled_to))
        stretches = tuple(
            replace(one, after=max(one.after, holes[one.partition].to)) if one.partition in holes else one
            for one in stretches
        )
    return PartitionedPage(
        events.select(list(columns)), stretches, max((one.to for one in stretches), default=0), counts
    )


async def _filled(
    log: Log, of: Cursor, holes: Mapping[int, Hole], partitions: int, columns: Sequence[str]
) -> AsyncGenerator[PartitionedPage, None]:
    after, until = min(hole.after for hole in holes.values()), max(hole.to for hole in holes.values())
    wanted = list(dict.fromkeys((*_OF_A_STREAM, *columns)))
    start = Cursor(of.log_id, of.incarnation, after)
    async for page in log.read_packed(start, until=until, columns=wanted):
        yield _part(page, holes, after, partitions, columns)
        after = page.complete_to.position


def _part(
    page: PackedPage, holes: Mapping[int, Hole], after: int, partitions: int, columns: Sequence[str]
) -> PartitionedPage:
    """Return what a page of the log has of the holes."""
    stretches = tuple(
        Stretch(hole.partition, max(hole.after, after), min(hole.to, page.complete_to.position))
        for hole in holes.values()
        if hole.after < page.complete_to.position and hole.to > after
    )
    reached = {one.partition: one for one in stretches}
    numbers = partitions_of(page.batch, partitions).to_pylist()
    positions = page.batch.column("position").to_pylist()
    kept = [
        number in reached and reached[number].after < position <= reached[number].to
        for number, position in zip(numbers, positions, strict=True)
    ]
    events = pa.Table.from_batches([page.batch.select(list(columns))]).filter(pa.array(kept, pa.bool_()))
    return PartitionedPage(events, stretches, page.head_position, Counts(filled=events.num_rows))
