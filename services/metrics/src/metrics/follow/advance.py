"""One step of a generation: a page of events becomes rows, parked events and a moved cursor, in one transaction.

A step is folded while the one before it is still being written. What it needs of the rows of that one it takes from
`recent`; all else is read from the tables, which hold everything before.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from event_log.log import Log
from event_log.model import Cursor, PackedPage
from metrics import telemetry
from metrics.connection import Connection
from metrics.fact.agents import told_of
from metrics.fact.at_once import at_once, in_one_thread
from metrics.fact.batch import COLUMNS, Batch, batch_of
from metrics.fact.catalogue import AGENT_FACTS, CONTACT_FACTS, FACTS
from metrics.fact.merge import has_rows
from metrics.fact.payload_kinds import MESSAGES
from metrics.fact.store import (
    Keys,
    Told,
    add_texts,
    agent_rows,
    contact_rows,
    drop_agent_rows,
    drop_contacts,
    irregular_streams,
    replace_streams,
    texts_of,
)
from metrics.follow import following, parked
from metrics.follow.places import Move, Reach, move_partitions
from metrics.follow.refolding import Refolded, doubting, joined, refolded
from service_host.postgres import Database
from service_host.telemetry import tracing

FROZEN_MS = 5_000
"""A process that stops in the middle of writing gives way to the next owner of its partitions so soon."""
TRACEPARENT = "traceparent"
MALFORMED = "the payload is no message of its type"
NEWER = "its type is newer than this version"
_KNOWN_CONTACTS = (pl.col("category") == "contact") & (pl.col("first_version") > 1)
_OF_AGENTS = pl.col("category") == "agent"


@dataclass(frozen=True, slots=True)
class Step:
    """Pages to fold: their events, how far they reach, and where the generation stands before them."""

    events: pa.Table
    held: Cursor
    until: int
    head_position: int
    moves: tuple[Move, ...] = ()
    """How each partition is brought on, where the log is read by partitions."""
    partitions: int = 1
    lowest: int = 0
    """The position up to which it brings all partitions that are brought on together."""

    @classmethod
    def of(cls, pages: Sequence[PackedPage], held: Cursor) -> "Step":
        """Return the step that pages are, without what was folded before."""
        events = pa.Table.from_batches([page.batch for page in pages])
        if events.num_rows and events.column("position")[0].as_py() <= held.position:
            events = events.filter(pc.greater(events.column("position"), held.position))
        return cls(events, held, pages[-1].complete_to.position, pages[-1].head_position)

    @property
    def cursor(self) -> Cursor:
        """Where the generation stands after it, as a whole."""
        return replace(self.held, position=self.lowest if self.moves else self.until)

    def halves(self) -> "tuple[Step, Step]":
        """Return it as two steps, the first with the earlier half of its events; for steps by partitions."""
        events = self.events.sort_by("position")
        half = events.num_rows // 2
        end = events.column("position")[half - 1].as_py()
        first = [replace(move, to=min(move.to, max(end, move.held)), next_offset=0) for move in self.moves]
        then = [replace(move, held=before.to) for before, move in zip(first, self.moves, strict=True)]
        return (
            replace(self, events=events.slice(0, half), moves=_moving(first), until=end, lowest=self.held.position),
            replace(self, events=events.slice(half), moves=_moving(then)),
        )

    @property
    def reach(self) -> Reach:
        """How far the streams of its events are known after it."""
        return Reach({move.partition: move.to for move in self.moves} or {0: self.until}, self.partitions)


def _moving(moves: Sequence[Move]) -> tuple[Move, ...]:
    return tuple(move for move in moves if move.to > move.held)


@dataclass(frozen=True, slots=True)
class Before:
    """What a generation held before a step: contacts that had events, rows of these and of agents, what was parked.

    There may be rows of other contacts among them.
    """

    contacts: Keys
    stored: Mapping[str, pl.DataFrame]
    left_out: frozenset[int]


@dataclass(frozen=True, slots=True)
class Fold:
    """A folded step, to be written; `texts` are its rows as COPY takes them."""

    step: Step
    batch: Batch
    before: Before
    found: Refolded
    texts: Mapping[str, bytes]


class Advance:
    """Brings one generation of facts forward; keeps no facts of its own."""

    def __init__(self, database: Database, log: Log, generation: str, seconds: float = 30.0) -> None:
        """Name the database, the log and the generation's schema; each use of the database ends within `seconds`."""
        self._database = database
        self._log = log
        self.generation = generation
        self._seconds = seconds

    async def fold(self, step: Step, recent: Fold | None = None) -> Fold:
        """Fold a step; `recent` is the step before, if it may not be written yet. Raises what the log raises."""
        with telemetry.FOLD.start(links=_traceparents(step.events), events=step.events.num_rows):
            return await self._fold(step, recent)

    async def _fold(self, step: Step, recent: Fold | None) -> Fold:
        async with self._database.acquire(self._seconds) as connection:
            left_out = await parked.positions(connection, self.generation, step.held.log_id)
        batch = await in_one_thread(batch_of, without(step.events, left_out))
        async with self._database.acquire(self._seconds) as connection:
            batch, before = await self._before(connection, batch, recent, left_out)
        found = await refolded(self._log, batch, before.stored, step.reach, before.left_out)
        return Fold(step, batch, before, found, await in_one_thread(texts_of, FACTS, found.rows))

    async def write(self, fold: Fold) -> None:
        """Write a folded step; raises CursorMoved if another process was faster."""
        step = fold.step
        async with self._database.acquire(self._seconds) as connection, connection.transaction():
            recorded = int(pc.max(step.events.column("record_time_us")).as_py() or 0)
            await self._move(connection, step, record_time_us=recorded)
            await self._put(connection, fold)
            if fold.batch.malformed:
                await self._park_malformed(connection, step, fold.batch.malformed)

    async def park(self, step: Step, reason: str) -> None:
        """Set all events of a step aside instead of folding them."""
        async with self._database.acquire(self._seconds) as connection, connection.transaction():
            await self._move(connection, step, record_time_us=0)
            await parked.park(connection, self.generation, step.held.log_id, step.events, reason)

    async def _park_malformed(self, connection: Connection, step: Step, positions: Sequence[int]) -> None:
        malformed = step.events.filter(_at(step.events, positions))
        known = pa.array([name in MESSAGES for name in malformed.column("type").to_pylist()], pa.bool_())
        for events, reason in ((malformed.filter(known), MALFORMED), (malformed.filter(pc.invert(known)), NEWER)):
            await parked.park(connection, self.generation, step.held.log_id, events, reason)

    async def _put(self, connection: Connection, fold: Fold) -> None:
        """Put a fold's rows in the place of those that stood before."""
        await drop_contacts(connection, self.generation, fold.before.contacts)
        await drop_agent_rows(connection, self.generation, fold.before.stored)
        await replace_streams(connection, self.generation, Keys.of(_agents(fold.found.whole)))
        await add_texts(connection, self.generation, fold.texts)

    async def _move(self, connection: Connection, step: Step, *, record_time_us: int) -> None:
        head = max(step.head_position, step.until)
        if step.moves:
            await connection.execute(f"set local idle_in_transaction_session_timeout = {FROZEN_MS}")
            await move_partitions(connection, self.generation, step.held, step.moves, head_position=head)
        else:
            await following.move(
                connection,
                self.generation,
                step.held,
                step.until,
                record_time_us=record_time_us,
                head_position=head,
            )

    async def _before(
        self, connection: Connection, batch: Batch, recent: Fold | None, left_out: frozenset[int]
    ) -> tuple[Batch, Before]:
        irregular = await irregular_streams(connection, self.generation, Keys.of(_agents(batch.streams)))
        contacts = at_once(batch.streams.lazy().filter(_KNOWN_CONTACTS))
        told = told_of(batch)
        fresh = _Recent(recent)
        stored = await contact_rows(connection, self.generation, Keys.of(fresh.without(contacts)))
        stored |= fresh.unseen(await agent_rows(connection, self.generation, told))
        stored = joined(stored, fresh.rows(told))
        before = Before(Keys.of(contacts), stored, left_out | fresh.malformed)
        return doubting(batch, irregular | fresh.irregular), before


class _Recent:
    """What the step before gave, which may not be in the tables yet."""

    def __init__(self, fold: Fold | None) -> None:
        self._fold = fold
        self.malformed = frozenset(fold.batch.malformed) if fold else frozenset()
        self.irregular = set(_agents(fold.found.whole).select("tenant", "id").iter_rows()) if fold else set()

    def without(self, contacts: pl.DataFrame) -> pl.DataFrame:
        """Return the contacts that the step before did not touch."""
        if self._fold is None:
            return contacts
        return at_once(contacts.lazy().join(self._fold.batch.streams.lazy(), on=["tenant", "id"], how="anti"))

    def unseen(self, rows: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
        """Return the rows of spells and rings that the step before did not write."""
        if self._fold is None:
            return dict(rows)
        written = self._fold.found.rows
        keys = {fact.name: list(fact.key_names) for fact in AGENT_FACTS}
        return {
            name: frame.join(written[name], on=keys[name], how="anti") if has_rows(name, written) else frame
            for name, frame in rows.items()
        }

    def rows(self, told: Sequence[Told]) -> dict[str, pl.DataFrame]:
        """Return the rows that the step before gave: of all its contacts, and of spells and rings told of again."""
        if self._fold is None:
            return {}
        rows = self._fold.found.rows
        found = {fact.name: rows[fact.name] for fact in CONTACT_FACTS[:-1] if has_rows(fact.name, rows)}
        for each in told:
            name, key = each.fact.name, ["tenant", "agent", each.column, "stream_id"]
            if has_rows(name, rows):
                again = rows[name].join(each.keys, left_on=key, right_on=each.keys.columns, how="semi")
                found[name] = pl.concat([found[name], again]).unique() if name in found else again
        return found


def columns_to_follow() -> tuple[str, ...]:
    """Return the columns that a follower reads: what is folded, and which requests told it, where anybody traces."""
    return (*COLUMNS, TRACEPARENT) if tracing() else COLUMNS


def _traceparents(events: pa.Table) -> Sequence[str]:
    return events.column(TRACEPARENT).to_pylist() if TRACEPARENT in events.schema.names else ()


def _agents(streams: pl.DataFrame) -> pl.DataFrame:
    return at_once(streams.lazy().filter(_OF_AGENTS)) if streams.height else streams


def _at(events: pa.Table, positions: Collection[int]) -> pa.Array:
    return pc.is_in(events.column("position"), pa.array(positions, pa.int64()))


def without(events: pa.Table, left_out: Collection[int]) -> pa.Table:
    """Return the events but those at some positions."""
    return events.filter(pc.invert(_at(events, sorted(left_out)))) if left_out else events
