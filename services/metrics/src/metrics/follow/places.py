"""Where a generation stands in each partition of a log that a topic carries: a cursor each, fenced by a lease's epoch.

Facts are as of the lowest of them. A log that is read as one has one partition, 0; it is divided when a topic is first
read, and united when it is read as one again. Whoever locks several cursors does so in order of partition, or waits for
none: a deadlock would end whoever Postgres chooses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from event_log.kafka.record import partition_of, stream_key
from event_log.model import Cursor, Stream
from event_log.partitioned import Place
from metrics.connection import Connection
from metrics.follow.following import CursorMoved

_PLACES: Final = (
    "select partition, incarnation, position, next_offset, stopped, epoch from metrics.cursor"
    " where schema_name = $1 and log_id = $2 order by partition"
)
_MOVED: Final = ("partition", "held", "to", "epoch", "next_offset", "record_time_us")


@dataclass(frozen=True, slots=True)
class Move:
    """How one partition is brought on: from where it is held to a position, under the epoch of a lease.

    `next_offset` 0 leaves the hint where the topic goes on as it is.
    """

    partition: int
    held: int
    to: int
    epoch: int = 0
    next_offset: int = 0
    record_time_us: int = 0


@dataclass(frozen=True, slots=True)
class Places:
    """Where a generation stands in a log, by partition; a log that is read as one has one partition, 0."""

    log_id: str
    incarnation: int
    by_partition: Mapping[int, Place]
    stopped: str = ""
    epochs: Mapping[int, int] = field(default_factory=dict)
    """Under which each partition was last claimed."""

    @property
    def lowest(self) -> Cursor:
        """The position up to which all partitions are whole."""
        return Cursor(self.log_id, self.incarnation, min(place.position for place in self.by_partition.values()))

    @property
    def highest(self) -> int:
        """The furthest position of any partition."""
        return max(place.position for place in self.by_partition.values())

    @property
    def reach(self) -> "Reach":
        """How far each stream was looked at."""
        reached = {number: place.position for number, place in self.by_partition.items()}
        return Reach(reached, len(reached))


@dataclass(frozen=True, slots=True)
class Reach:
    """How far events of each stream are to be looked at: as far as its partition goes."""

    by_partition: Mapping[int, int]
    partitions: int

    @property
    def highest(self) -> int:
        """The furthest of all."""
        return max(self.by_partition.values())

    def of(self, tenant: str, stream: Stream) -> int:
        """Return the position up to which a stream's events are known; its partition must be one of these."""
        if self.partitions == 1:
            return self.highest
        return self.by_partition[partition_of(tenant, stream_key(stream), self.partitions)]


async def places(connection: Connection, generation: str, log_id: str, *, held: bool = False) -> Places | None:
    """Return where a generation stands, None if it never followed the log; `held` keeps it there in a transaction."""
    rows = await connection.fetch(f"{_PLACES} for update" if held else _PLACES, generation, log_id)
    if not rows:
        return None
    found = {row["partition"]: Place(row["partition"], row["position"], row["next_offset"]) for row in rows}
    epochs = {row["partition"]: row["epoch"] for row in rows}
    return Places(log_id, rows[0]["incarnation"], found, rows[0]["stopped"], epochs)


async def divide(connection: Connection, generation: str, log_id: str, partitions: int) -> None:
    """Give a log that is read as one a cursor for each partition, all where that one was; in a transaction."""
    await connection.execute(
        "insert into metrics.cursor (schema_name, log_id, incarnation, position, record_time, head_position, stopped,"
        " epoch, partition) select c.schema_name, c.log_id, c.incarnation, c.position, c.record_time, c.head_position,"
        " c.stopped, c.epoch, number from (select * from metrics.cursor where schema_name = $1 and log_id = $2"
        " and partition = 0 for update) as c, generate_series(1, $3 - 1) as number on conflict do nothing",
        generation,
        log_id,
        partitions,
    )


async def unite(connection: Connection, generation: str, log_id: str) -> bool:
    """Give partitions that all stand at one position a single cursor again; False if they do not. In a transaction."""
    found = await places(connection, generation, log_id, held=True)
    if found is None or found.lowest.position != found.highest:
        return False
    await connection.execute(
        "delete from metrics.cursor where schema_name = $1 and log_id = $2 and partition > 0", generation, log_id
    )
    await connection.execute(
        "update metrics.cursor set epoch = epoch + 1, next_offset = 0 where schema_name = $1 and log_id = $2",
        generation,
        log_id,
    )
    return True


async def claim(connection: Connection, generation: str, log_id: str, epochs: Mapping[int, int]) -> Mapping[int, Place]:
    """Fence partitions by the epochs of their leases; return where they stand, those claimed later elsewhere left out.

    It waits for what an owner before is writing, so that nothing of that one comes after.
    """
    rows = await connection.fetch(
        "update metrics.cursor c set epoch = l.epoch from unnest($3::integer[], $4::bigint[]) as l (partition, epoch)"
        " join (select partition from metrics.cursor where schema_name = $1 and log_id = $2"
        " and partition = any ($3::integer[]) order by partition for update) as locked using (partition)"
        " where c.schema_name = $1 and c.log_id = $2 and c.partition = l.partition and c.epoch <= l.epoch"
        " returning c.partition, c.position, c.next_offset",
        generation,
        log_id,
        list(epochs),
        list(epochs.values()),
    )
    return {row["partition"]: Place(row["partition"], row["position"], row["next_offset"]) for row in rows}


async def move_partitions(
    connection: Connection, generation: str, log: Cursor, moves: Sequence[Move], *, head_position: int
) -> None:
    """Move cursors of partitions on; raises CursorMoved, and moves none, unless all are where and whose they were."""
    ordered = sorted(moves, key=lambda move: move.partition)
    columns = [[getattr(move, name) for move in ordered] for name in _MOVED]
    moved = await connection.execute(
        "update metrics.cursor c set position = m.reached, record_time = greatest(c.record_time, m.record_time),"
        " next_offset = coalesce(nullif(m.next_offset, 0), c.next_offset),"
        " head_position = greatest(c.head_position, $4, m.reached)"
        " from unnest($5::integer[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[])"
        " as m (partition, held, reached, epoch, next_offset, record_time) join (select partition"
        " from metrics.cursor where schema_name = $1 and log_id = $2 and partition = any ($5::integer[])"
        " order by partition for update) as locked using (partition)"
        " where c.schema_name = $1 and c.log_id = $2 and c.incarnation = $3 and c.partition = m.partition"
        " and c.position = m.held and c.epoch = m.epoch and c.stopped = ''",
        generation,
        log.log_id,
        log.incarnation,
        head_position,
        *columns,
    )
    if moved != f"UPDATE {len(ordered)}":
        raise CursorMoved(generation)


async def tell_head(connection: Connection, generation: str, log: Cursor, partitions: Sequence[int]) -> None:
    """Say how far the log is, though nothing of it may have come here: answers then know that they lag.

    It waits for nobody: cursors that are moved meanwhile are told by that.
    """
    await connection.execute(
        "update metrics.cursor c set head_position = $4 from (select partition from metrics.cursor"
        " where schema_name = $1 and log_id = $2 and incarnation = $3 and head_position < $4"
        " and partition = any ($5::integer[]) for update skip locked) as behind"
        " where c.schema_name = $1 and c.log_id = $2 and c.partition = behind.partition",
        generation,
        log.log_id,
        log.incarnation,
        log.position,
        partitions,
    )


async def hand_over(connection: Connection, old: str, new: str, log_id: str) -> None:
    """Give a generation what another of the same places knows of the topic and of the leases; in a transaction."""
    await connection.execute(
        "update metrics.cursor c set epoch = o.epoch, next_offset = o.next_offset from metrics.cursor o"
        " where o.schema_name = $1 and c.schema_name = $2 and c.log_id = $3 and o.log_id = $3"
        " and o.partition = c.partition and o.position = c.position",
        old,
        new,
        log_id,
    )
