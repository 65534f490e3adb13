"""Facts brought to where others stand, partition by partition, by reading the log itself.

Facts that follow a topic stand a little further in one partition than in another. To compare with them, or to read on
without the topic, others are brought to the very same places.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from event_log.kafka.columns import partitions_of
from event_log.log import Log
from event_log.model import PackedPage
from event_log.partitioned import Place
from metrics.fact.batch import COLUMNS
from metrics.follow.advance import Advance, Fold, Step
from metrics.follow.places import Move, Places


async def brought(advance: Advance, log: Log, held: Places, target: Places) -> AsyncGenerator[Fold, None]:
    """Fold what lies between two places of the same partitions; yield each step once it stands in the tables.

    A partition that stands beyond its target stays where it is. Raises what reading, folding and writing raise.
    """
    pages = log.read_packed(held.lowest, until=target.highest, columns=COLUMNS)
    async with aclosing(pages) as found:  # type: ignore[type-var]  # every log's is a generator
        async for page in found:
            step = step_between(page, held, target)
            if step.moves:
                fold = await advance.fold(step)
                await advance.write(fold)
                held = moved(held, step.moves)
                yield fold


async def level(advance: Advance, log: Log, held: Places) -> None:
    """Bring all partitions to where the furthest of them is."""
    target = replace(
        held,
        by_partition={number: replace(place, position=held.highest) for number, place in held.by_partition.items()},
    )
    async with aclosing(brought(advance, log, held, target)) as folds:
        async for _ in folds:
            pass


def step_between(page: PackedPage, held: Places, target: Places) -> Step:
    """Return what a page has between two places."""
    moves = tuple(
        Move(number, place.position, reached, held.epochs.get(number, 0))
        for number, place in held.by_partition.items()
        if (reached := min(target.by_partition[number].position, page.complete_to.position)) > place.position
    )
    events = pa.Table.from_batches([page.batch])
    events = events.filter(_between(events, {move.partition: move for move in moves}, len(held.by_partition)))
    until = max((move.to for move in moves), default=held.lowest.position)
    return Step(events, held.lowest, until, page.head_position, moves, len(held.by_partition))


def moved(held: Places, moves: tuple[Move, ...]) -> Places:
    """Return the places after some moves."""
    to = {move.partition: Place(move.partition, move.to, move.next_offset) for move in moves}
    return replace(held, by_partition={**held.by_partition, **to})


def _between(events: pa.Table, moves: dict[int, Move], partitions: int) -> pa.Array:
    numbers = partitions_of(events, partitions).to_pylist()
    after = pa.array([moves[number].held if number in moves else None for number in numbers], pa.int64())
    until = pa.array([moves[number].to if number in moves else None for number in numbers], pa.int64())
    positions = events.column("position")
    return pc.fill_null(pc.and_(pc.greater(positions, after), pc.less_equal(positions, until)), fill_value=False)
