"""One step of a generation: a page of events becomes rows, parked events and a moved cursor, in one transaction."""

import asyncio
from dataclasses import dataclass, replace

import polars as pl
import pyarrow as pa

from event_log.log import Log
from event_log.model import Cursor, PackedPage
from metrics import following, parked
from metrics.connection import Connection
from metrics.contacts import Refolded, refolded
from metrics.fact.batch import Batch, batch_of
from metrics.fact.catalogue import CONTACT_FACTS
from metrics.fact.store import Keys, add_rows, contact_rows, drop_contacts
from service_host.postgres import Database

MALFORMED = "the payload is no message of its type"


@dataclass(frozen=True, slots=True)
class Step:
    """A page to fold: its events, how far it reaches, and where the generation stands before it."""

    events: pa.RecordBatch
    held: Cursor
    until: int
    head_position: int

    @classmethod
    def of(cls, page: PackedPage, held: Cursor) -> "Step":
        """Return the step that a page is, without what was folded before."""
        events = page.batch
        if events.num_rows and events.column("position")[0].as_py() <= held.position:
            events = events.filter(pa.compute.greater(events.column("position"), held.position))
        return cls(events, held, page.complete_to.position, page.head_position)

    @property
    def cursor(self) -> Cursor:
        """Where the generation stands after it."""
        return replace(self.held, position=self.until)


class Advance:
    """Brings one generation of facts forward; keeps no facts of its own."""

    def __init__(self, database: Database, log: Log, generation: str) -> None:
        """Name the database, the log and the generation's schema."""
        self._database = database
        self._log = log
        self._generation = generation

    async def take(self, step: Step, seconds: float) -> Cursor:
        """Fold a step and write it within some seconds; return the cursor after it.

        Raises CursorMoved, what the log and the database raise, and Unfoldable's causes (see `poison`).
        """
        batch = await asyncio.to_thread(batch_of, step.events)
        left_out = await self._left_out(seconds)
        known = _known(batch)
        async with self._database.acquire(seconds) as connection:
            stored = await contact_rows(connection, self._generation, known)
        found = await refolded(self._log, batch, stored, step.until, left_out)
        async with self._database.acquire(seconds) as connection, connection.transaction():
            await self._write(connection, step, batch, known, found)
        return step.cursor

    async def _left_out(self, seconds: float) -> frozenset[int]:
        async with self._database.acquire(seconds) as connection:
            return await parked.positions(connection, self._generation)

    async def _write(self, connection: Connection, step: Step, batch: Batch, known: Keys, found: Refolded) -> None:
        await following.move(
            connection,
            self._generation,
            step.held,
            step.until,
            record_time_us=_last(step.events, "record_time_us"),
            head_position=max(step.head_position, step.until),
        )
        await drop_contacts(connection, self._generation, known)
        await add_rows(connection, self._generation, CONTACT_FACTS, found.rows)
        malformed = pl.DataFrame(pl.from_arrow(step.events)).filter(pl.col("position").is_in(batch.malformed))
        await parked.park(connection, self._generation, step.held.log_id, malformed, MALFORMED)


def _known(batch: Batch) -> Keys:
    """Return the contacts that had events before."""
    return Keys.of(batch.streams.filter((pl.col("category") == "contact") & (pl.col("first_version") > 1)))


def _last(events: pa.RecordBatch, column: str) -> int:
    return int(pa.compute.max(events.column(column)).as_py() or 0)
