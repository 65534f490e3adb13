"""A figure explained: its value from facts, a page of facts with their events, the same figure from events alone."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from metrics.connection import Connection
from metrics.evidence.estimate import ESTIMATE
from metrics.evidence.ring import RING
from metrics.evidence.state import STATE
from metrics.explain.behind import AT_MOST_EVENTS, events_behind, reason
from metrics.explain.estimates import estimates_again
from metrics.explain.events import RESERVED_SECONDS, Events, Told, Wanted, chunks
from metrics.explain.page import FactPage, FactRow, Place, contacts, page
from metrics.explain.reading import Again, Read
from metrics.explain.recount import evidence_of
from metrics.explain.reference import Reached, Reference
from metrics.explain.rings import rings_again
from metrics.explain.states import states_again
from metrics.fact.recount import recounted
from metrics.figure import again
from metrics.figure.definition import Definition, Figure, figure
from metrics.report.grouped import columns_of, grouped
from metrics.report.question import Question
from service_host import call


@dataclass(frozen=True, slots=True)
class Explained:
    """One fact with its events in words a person can follow."""

    row: FactRow
    reason: str
    events: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What facts tell of a figure in one snapshot, and what to read again.

    `again` is for what rests on more than each contact by itself. With later pages there are no contacts, since the
    figure is not computed again.
    """

    figure: Figure
    page: FactPage
    contacts: Wanted | None
    again: Again | None
    is_first: bool


async def found(
    connection: Connection, asked: Question, definition: Definition, size: int, after: Place | None, at_most: int
) -> Found:  # fmt: skip
    """Return the figure, a page of its facts and, with the first page, what to compute it again from."""
    groups = await grouped(connection, replace(asked, together=True), columns_of([definition], {}))
    listed = await page(connection, asked, definition, size, after)
    read = await _again(connection, asked, definition, None if after is None else listed.rows, at_most)
    again_from = await contacts(connection, asked, definition, at_most) if after is None and read is None else None
    return Found(figure(definition, groups.total, asked.minimum_n), listed, again_from, read, after is None)


async def _again(
    connection: Connection, asked: Question, definition: Definition, shown: Sequence[FactRow] | None, at_most: int
) -> Again | None:
    """Return what to read of agents' and routing's own streams, None for what rests on contacts one by one."""
    if definition.evidence is RING:
        return await rings_again(connection, asked, definition, shown, at_most)
    if definition.evidence is STATE:
        return await states_again(connection, asked)
    if definition.evidence is ESTIMATE:
        return await estimates_again(connection, asked, definition, shown, at_most)
    return None


def explained(definition: Definition, rows: Sequence[FactRow], asked: Question, read: Read | None) -> list[Explained]:
    """Return the facts of a page with the events that were read of them; without where nothing was read."""
    return [
        Explained(row, reason(definition, row, asked.terms), read.behind(row)[:AT_MOST_EVENTS] if read else ())
        for row in rows
    ]


async def with_events(
    events: Events, asked: Question, definition: Definition, rows: Sequence[FactRow], reached: Reached
) -> list[Explained]:
    """Return the facts of a page with their events as the log had them at a position."""
    told: Told = {}
    for part in chunks(list(dict.fromkeys(row.contact_id for row in rows))):
        told |= await events.of(asked.scope.tenant, part, reached.told)
    fact = definition.evidence.name

    def behind(row: FactRow) -> tuple[Reference, ...]:
        found = events_behind(row.contact_id, told.get(row.contact_id, ()), fact, row.fact_id)
        return tuple(Reference.of(reached.told_log, event) for event in found)

    return await asyncio.to_thread(explained, definition, rows, asked, Read([], behind))


def figure_of(read: Read, asked: Question, definition: Definition) -> Figure:
    """Return the figure that rows from events give."""
    return figure(definition, again.sums(definition, read.rows, asked.terms), asked.minimum_n)


async def recomputed(
    events: Events, asked: Question, definition: Definition, wanted: Wanted, until: int | None
) -> Figure | None:
    """Return the figure computed again from the contacts' events, or None where the call's time does not suffice."""
    rows: list[Any] = []
    async with aclosing(_ahead(events.all_of(wanted, until))) as parts:
        async for told in parts:
            if call.seconds_left() < RESERVED_SECONDS:
                return None
            rows += await asyncio.to_thread(_rows, told, asked, definition)
    return figure(definition, again.sums(definition, rows, asked.terms), asked.minimum_n)


async def _ahead(parts: AsyncGenerator[Told, None]) -> AsyncGenerator[Told, None]:
    """Give what comes; the next is read while the last is folded."""

    def begin() -> asyncio.Task[Told | None]:
        return asyncio.create_task(_next(parts))

    ahead = begin()
    try:
        while (told := await ahead) is not None:
            ahead = begin()
            yield told
    finally:
        ahead.cancel()
        await asyncio.gather(ahead, return_exceptions=True)
        await parts.aclose()


async def _next(parts: AsyncGenerator[Told, None]) -> Told | None:
    return await anext(parts, None)


def _rows(told: Told, asked: Question, definition: Definition) -> list[Any]:
    tenant, evidence = asked.scope.tenant, definition.evidence
    return [
        row
        for contact_id, events in told.items()
        for row in evidence_of(recounted(tenant, contact_id, events), asked, evidence)
    ]
