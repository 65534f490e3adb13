"""Facts folded anew beside the live ones, compared with them at one position, and taken live in their place.

    folding → catching_up → comparing → swapped → done

The live facts are held still twice, for as long as the new ones need for the last few events: to see both at one
position in one snapshot, and to change places. The old ones are kept until the next rebuild. A rebuild is strict: an
event that cannot be folded ends it, and the live facts stay as they were. One that was cut short is gone on with.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import asyncpg
import polars as pl

from event_log.log import Log
from event_log.model import Cursor
from metrics import telemetry
from metrics.connection import Connection
from metrics.fact.batch import COLUMNS
from metrics.follow import following, places, ragged
from metrics.follow.advance import Advance, Fold
from metrics.follow.following import CursorMoved
from metrics.follow.places import Places
from metrics.follow.stepping import steps
from metrics.generation import (
    code_digest,
    create_generation,
    drop_generation,
    finish_generation,
    go_live,
    live_generation,
    next_name,
)
from metrics.rebuild.comparison import Differences, differences
from metrics.rebuild.rebuilt_decisions import RebuiltDecisions, has_decisions
from metrics.rebuild.refused import DecisionsUnknown, LiveFactsAway, PoisonedRebuild, RebuildRunning
from service_host.postgres import Database

DATABASE_SECONDS: Final = 60.0
WHOLE_SECONDS: Final = 86_400.0
"""A rebuild may take a day; each of its statements may not."""
LIVE_SECONDS: Final = 60.0
"""How long the live facts may take to come up to the new ones."""
NEAR_EVENTS: Final = 2_000
"""Catching up ends when so few events are left that the live facts can wait for them."""
MOST_ROUNDS: Final = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """How a rebuild goes. `differences` is None until both were compared; then `compared_position` says where."""

    stage: str
    events: int
    events_total: int
    seconds: float
    differences: int | None = None
    examples: tuple[str, ...] = ()
    compared_position: int = 0


@dataclass
class Rebuild:
    """One rebuild of the facts of a log, and of what routing decided where its log is named."""

    database: Database
    log: Log
    decisions: Log | None = None
    _began: float = field(default_factory=time.monotonic, init=False)
    _stage: str = field(default="", init=False)
    _compared: Differences | None = field(default=None, init=False)
    _compared_position: int = field(default=0, init=False)

    async def run(
        self, *, swap: bool, accept_differences: bool, compare: bool = True
    ) -> AsyncGenerator[Progress, None]:
        """Rebuild, and take the new facts live if `swap` says so and they do not differ, or may.

        Without `compare` (the log is another one than the live facts follow) they may not be like at all; nor are facts
        compared that have stopped following, as no position would be common to both. Raises RebuildRefused, and what
        the log and the database raise. Closed early, it leaves the live facts untouched, and the next one goes on where
        it ended.
        """
        async with self.database.acquire(WHOLE_SECONDS) as connection, _alone(connection):
            head = await self.log.head()
            if self.decisions is None and not accept_differences and await has_decisions(connection):
                raise DecisionsUnknown
            generation, held = await self._begun(connection, head)
            advance = Advance(self.database, self.log, generation, DATABASE_SECONDS)
            try:
                async with aclosing(self._towards(advance, held, head.position)) as folded:
                    async for fold in folded:
                        held = fold.step.cursor
                        yield self._at("folding" if held.position < head.position else "catching_up", held, head)
                await self._decided(await live_generation(connection), generation)
                await finish_generation(self.database, generation, WHOLE_SECONDS)
                compare = compare and not await _stopped(connection, head.log_id)
                if compare:
                    yield self._at("comparing", held, head)
                    held = await self._compare(advance, held)
                if swap and (accept_differences or not self._compared or not self._compared.count):
                    held = await self._swap(connection, advance, held, compare=compare)
                    yield self._at("swapped", held, head)
                else:
                    await drop_generation(connection, generation)
            except CursorMoved as moved:  # what the last one sent before it was cut short was committed after that
                raise RebuildRunning from moved
            except PoisonedRebuild:
                await drop_generation(connection, generation)
                raise
            yield self._at("done", held, head)

    async def _begun(self, connection: Connection, head: Cursor) -> tuple[str, Cursor]:
        """Return a generation to fold into and its place: one cut short if the same code began it, else a new one."""
        unfinished = await connection.fetchrow(
            "select schema_name, max(position) as position"
            " from metrics.cursor join metrics.generation using (schema_name)"
            " where folded_by = $1 and log_id = $2 and incarnation = $3 and stopped = ''"
            " and schema_name not in (select schema_name from metrics.live_generation)"
            " group by schema_name having count(*) = 1",
            code_digest(),
            head.log_id,
            head.incarnation,
        )
        await self._tidy(connection, unfinished["schema_name"] if unfinished else "")
        if unfinished:
            return unfinished["schema_name"], Cursor(head.log_id, head.incarnation, unfinished["position"])
        generation = await next_name(connection)
        await create_generation(connection, generation, indexed=False)
        place = await following.begin(connection, generation, head)
        return generation, place.cursor

    async def _tidy(self, connection: Connection, kept: str) -> None:
        """Drop all generations but the live one and the one to go on with."""
        live = await live_generation(connection)
        for row in await connection.fetch("select schema_name from metrics.generation"):
            if row["schema_name"] not in {kept, live}:
                await drop_generation(connection, row["schema_name"])

    async def _towards(self, advance: Advance, held: Cursor, until: int) -> AsyncGenerator[Fold, None]:
        """Fold up to a position and then on until the head is near."""
        for _ in range(MOST_ROUNDS):
            async with aclosing(self._steps(advance, held, until)) as written:
                async for fold in written:
                    held = fold.step.cursor
                    yield fold
            head = await self.log.head()
            if head.position - held.position <= NEAR_EVENTS:
                return
            until = head.position

    async def _steps(self, advance: Advance, held: Cursor, until: int) -> AsyncGenerator[Fold, None]:
        if held.position >= until:
            return
        pages = self.log.read_packed(held, until=until, columns=COLUMNS)
        async with aclosing(_strict(steps(advance, pages, held), held.position)) as written:
            async for fold in written:
                yield fold

    async def _up_to(self, advance: Advance, target: Places) -> Cursor:
        """Bring the new facts to where others stand, in every partition; return how far all of them are whole."""
        held = await self._divided(advance.generation, target)
        if len(target.by_partition) > 1:
            told = _strict(ragged.brought(advance, self.log, held, target), held.lowest.position)
        else:
            told = self._steps(advance, held.lowest, target.highest)
        async with aclosing(told) as written:
            async for _ in written:
                pass
        return target.lowest

    async def _divided(self, generation: str, target: Places) -> Places:
        async with self.database.acquire(DATABASE_SECONDS) as connection, connection.transaction():
            if len(target.by_partition) > 1:
                await places.divide(connection, generation, target.log_id, len(target.by_partition))
            held = await places.places(connection, generation, target.log_id)
        assert held is not None, "begun before"
        return held

    async def _compare(self, advance: Advance, held: Cursor) -> Cursor:
        async with self.database.acquire(WHOLE_SECONDS) as connection:
            snapshot = connection.transaction(isolation="repeatable_read", readonly=True)
            async with self._live_held(held) as (live, target):
                held = await self._up_to(advance, target)
                await self._decided(live, advance.generation)
                await snapshot.start()
                await connection.fetchval("select 1")  # a snapshot is taken by the first statement
            try:
                self._compared = await differences(connection, live, advance.generation)
            finally:
                await snapshot.rollback()
        self._compared_position = held.position
        return held

    async def _decided(self, live: str | None, generation: str) -> None:
        if self.decisions is not None:
            await RebuiltDecisions(self.database, self.decisions, DATABASE_SECONDS).brought(live, generation)

    @asynccontextmanager
    async def _live_held(self, held: Cursor) -> AsyncIterator[tuple[str, Places]]:
        """Hold the live facts still where the new ones have not passed them; gives their name and where that is."""
        async with self.database.acquire(WHOLE_SECONDS) as connection:
            until = time.monotonic() + LIVE_SECONDS
            while time.monotonic() < until:
                transaction = connection.transaction()
                await transaction.start()
                try:
                    live, target = await _locked(connection, held.log_id)
                    if target.lowest.position >= held.position:
                        yield live, target
                        return
                finally:
                    await transaction.rollback()
                await asyncio.sleep(0.05)
        raise LiveFactsAway

    async def _swap(self, connection: Connection, advance: Advance, held: Cursor, *, compare: bool) -> Cursor:
        async with connection.transaction():
            live, target = await _locked(connection, held.log_id)
            if compare:
                held = await self._up_to(advance, target)
                await places.hand_over(connection, live, advance.generation, held.log_id)
                await self._decided(live, advance.generation)
            await following.stop_all(connection, live, following.REPLACED)
            await go_live(connection, advance.generation)
        return held

    def _at(self, stage: str, held: Cursor, head: Cursor) -> Progress:
        seconds = time.monotonic() - self._began
        total = max(held.position, head.position)
        compared = self._compared
        if stage != self._stage:
            self._stage = stage
            telemetry.REBUILD.info(stage=stage, events=held.position, differences=compared.count if compared else None)
        if compared is None:
            return Progress(stage, held.position, total, seconds)
        return Progress(
            stage, held.position, total, seconds, compared.count, compared.examples, self._compared_position
        )


@asynccontextmanager
async def _alone(connection: Connection) -> AsyncIterator[None]:
    if not await connection.fetchval("select pg_try_advisory_lock(hashtextextended('metrics rebuild', 0))"):
        raise RebuildRunning
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("select pg_advisory_unlock(hashtextextended('metrics rebuild', 0))")


async def _stopped(connection: Connection, log_id: str) -> bool:
    """Say whether the live facts have stopped following the log."""
    live = await live_generation(connection)
    place = None if live is None else await following.followed(connection, live, log_id)
    return place is not None and bool(place.stopped)


async def _locked(connection: Connection, log_id: str) -> tuple[str, Places]:
    """Return the live generation and where it stands; in every log it stays there until the transaction ends."""
    live = await live_generation(connection)
    if live is not None:
        await following.hold(connection, live)
    held = None if live is None else await places.places(connection, live, log_id)
    if live is None or held is None:
        raise LiveFactsAway
    return live, held


async def _strict(folds: AsyncGenerator[Fold, None], before: int) -> AsyncGenerator[Fold, None]:
    """Yield the same; raise PoisonedRebuild for what live facts would set aside."""
    try:
        async with aclosing(folds) as written:
            async for fold in written:
                if fold.batch.malformed:
                    raise PoisonedRebuild(min(fold.batch.malformed))
                before = fold.step.until
                yield fold
    except (asyncpg.DataError, pl.exceptions.PolarsError) as error:
        raise PoisonedRebuild(before + 1) from error
