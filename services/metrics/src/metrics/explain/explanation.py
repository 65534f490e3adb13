"""A figure explained: its value from facts, a page of facts with their events, the same figure from events alone."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final

from contact_life.observed import Observed
from metrics.as_of import AsOf
from metrics.connection import Connection
from metrics.explain.agents import AgentDays, days_of, events_of, rows_of, shown
from metrics.explain.behind import AT_MOST_EVENTS, events_behind, reason
from metrics.explain.events import Events, Told, Wanted, chunks
from metrics.explain.page import FactPage, FactRow, Place, contacts, page
from metrics.explain.recount import evidence_of
from metrics.fact.recount import recounted
from metrics.figure import again
from metrics.figure.definition import Definition, Figure, figure
from metrics.report.grouped import columns_of, grouped
from metrics.report.question import Question
from service_host import call

RESERVED_SECONDS: Final = 2.0
"""What is kept of the deadline to answer without a recomputed figure."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One fact with its events in words a person can follow."""

    row: FactRow
    reason: str
    events: tuple[Observed, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What facts tell of a figure in one snapshot, and what to read again: contacts, or days of one agent.

    With later pages there are no contacts, since the figure is not computed again.
    """

    figure: Figure
    page: FactPage
    contacts: Wanted | None
    days: AgentDays | None


async def found(
    connection: Connection, asked: Question, definition: Definition, size: int, after: Place | None, at_most: int
) -> Found:  # fmt: skip
    """Return the figure, a page of its facts and, with the first page, the contacts to compute it again from."""
    groups = await grouped(connection, replace(asked, together=True), columns_of([definition], {}))
    listed = await page(connection, asked, definition, size, after)
    again_from = await contacts(connection, asked, definition, at_most) if after is None else None
    days = await days_of(connection, asked, definition.evidence)
    return Found(figure(definition, groups.total, asked.minimum_n), listed, again_from, days)


async def with_events(
    events: Events, asked: Question, definition: Definition, rows: Sequence[FactRow], until: int | None
) -> tuple[Explained, ...]:
    """Return the facts of a page with their events as the log had them at a position."""
    told: Told = {}
    if not definition.evidence.name.startswith("agent_"):
        for part in chunks(list(dict.fromkeys(row.contact_id for row in rows))):
            told |= await events.of(asked.scope.tenant, part, until)
    return await asyncio.to_thread(_explained, told, asked, definition, rows)


async def with_events_of_agent(
    events: Events, asked: Question, definition: Definition, rows: Sequence[FactRow], days: AgentDays, until: int | None
) -> tuple[Explained, ...]:  # fmt: skip
    """Return the facts of a page about one agent with their events."""
    told = await events_of(events, days, until)
    fact = definition.evidence.name
    return tuple(
        Explained(row, reason(definition, row, asked.terms), shown(days, told, fact, row.fact_id)[:AT_MOST_EVENTS])
        for row in rows
    )


async def recomputed_of_agent(
    events: Events, asked: Question, definition: Definition, days: AgentDays, until: int | None
) -> Figure:
    """Return a figure of one agent's rings or states computed again from their events."""
    told = await events_of(events, days, until)
    rows = await rows_of(events, days, told, asked, definition.evidence, until)
    return figure(definition, again.sums(definition, rows, asked.terms), asked.minimum_n)


def _explained(
    told: Mapping[str, Sequence[Observed]], asked: Question, definition: Definition, rows: Sequence[FactRow]
) -> tuple[Explained, ...]:
    fact = definition.evidence.name
    return tuple(
        Explained(
            row,
            reason(definition, row, asked.terms),
            events_behind(row.contact_id, told.get(row.contact_id, ()), fact, row.fact_id),
        )
        for row in rows
    )


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


def until_position(as_of: AsOf) -> int | None:
    """Return the position that facts are whole to; None where they follow no log yet."""
    return as_of.logs[0].position if as_of.logs else None


def _rows(told: Told, asked: Question, definition: Definition) -> list[Any]:
    tenant, evidence = asked.scope.tenant, definition.evidence
    return [
        row
        for contact_id, events in told.items()
        for row in evidence_of(recounted(tenant, contact_id, events), asked, evidence)
    ]
