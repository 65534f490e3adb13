"""One step of a generation: a page of events becomes rows, parked events and a moved cursor, in one transaction."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl
import pyarrow as pa

from event_log.log import Log
from event_log.model import Cursor, PackedPage
from metrics import following, parked
from metrics.connection import Connection
from metrics.fact.agents import told_of
from metrics.fact.batch import Batch, batch_of
from metrics.fact.catalogue import FACTS
from metrics.fact.store import (
    Keys,
    add_rows,
    agent_rows,
    contact_rows,
    drop_agent_rows,
    drop_contacts,
    irregular_streams,
    replace_streams,
)
from metrics.refolding import Refolded, doubting, refolded
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


@dataclass(frozen=True, slots=True)
class Before:
    """What a generation held before a step: contacts that had events, spells and rings told of, their rows, parked."""

    contacts: Keys
    told: Mapping[str, pl.DataFrame]
    stored: Mapping[str, pl.DataFrame]
    left_out: frozenset[int]


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
        async with self._database.acquire(seconds) as connection:
            batch, before = await self._before(connection, batch)
        found = await refolded(self._log, batch, before.stored, step.until, before.left_out)
        async with self._database.acquire(seconds) as connection, connection.transaction():
            await self._write(connection, step, batch, before, found)
        return step.cursor

    async def _before(self, connection: Connection, batch: Batch) -> tuple[Batch, Before]:
        agents = Keys.of(batch.streams.filter(pl.col("category") == "agent"))
        irregular = await irregular_streams(connection, self._generation, agents)
        contacts = Keys.of(batch.streams.filter((pl.col("category") == "contact") & (pl.col("first_version") > 1)))
        told = told_of(batch)
        stored = await contact_rows(connection, self._generation, contacts)
        stored |= await agent_rows(connection, self._generation, told)
        left_out = await parked.positions(connection, self._generation)
        return doubting(batch, irregular), Before(contacts, told, stored, left_out)

    async def _write(self, connection: Connection, step: Step, batch: Batch, before: Before, found: Refolded) -> None:
        await following.move(
            connection,
            self._generation,
            step.held,
            step.until,
            record_time_us=_last(step.events, "record_time_us"),
            head_position=max(step.head_position, step.until),
        )
        await drop_contacts(connection, self._generation, before.contacts)
        await drop_agent_rows(connection, self._generation, before.told)
        whole = found.whole.filter(pl.col("category") == "agent")
        await replace_streams(connection, self._generation, Keys.of(whole))
        await add_rows(connection, self._generation, FACTS, found.rows)
        malformed = pl.DataFrame(pl.from_arrow(step.events)).filter(pl.col("position").is_in(batch.malformed))
        await parked.park(connection, self._generation, step.held.log_id, malformed, MALFORMED)


def _last(events: pa.RecordBatch, column: str) -> int:
    return int(pa.compute.max(events.column(column)).as_py() or 0)
