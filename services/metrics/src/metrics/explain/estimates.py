"""Estimates of waits found again from events: what routing's log says was estimated, and what then was waited."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metrics.connection import Connection
from metrics.evidence.estimate import EstimateRow
from metrics.explain.behind import events_behind
from metrics.explain.decided import Decided, rows_of
from metrics.explain.events import Events, Told
from metrics.explain.page import FactRow, contacts
from metrics.explain.reading import Again, Read
from metrics.explain.reference import Reached, Reference
from metrics.fact.recount import recounted
from metrics.fact.routing import ESTIMATE
from metrics.figure.definition import Definition
from metrics.report.question import Question

_MADE = "EstimateMade"


@dataclass(frozen=True, slots=True)
class EstimatesAgain(Again):
    """Contacts for whom waits were estimated."""

    contact_ids: tuple[str, ...]

    @property
    def streams(self) -> int:
        """Number of streams to read, in each of both logs."""
        return len(self.contact_ids)

    async def read(self, events: Events, asked: Question, reached: Reached) -> Read:
        """Find the estimates asked about."""
        tenant = asked.scope.tenant
        decided = await events.all_decided(tenant, self.contact_ids, reached)
        told = await events.all_told(tenant, self.contact_ids, reached)
        rows = await asyncio.to_thread(_rows, tenant, asked, decided, told)
        return Read(rows, lambda fact: _behind(fact, decided, told, reached))


async def estimates_again(
    connection: Connection, asked: Question, definition: Definition, page: Sequence[FactRow] | None, at_most: int
) -> EstimatesAgain:
    """Return what to read of estimates; with a page of facts only what that shows."""
    if page is not None:
        return EstimatesAgain(decided=True, contact_ids=tuple({row.contact_id: None for row in page}))
    wanted = await contacts(connection, asked, definition, at_most)
    return EstimatesAgain(decided=True, contact_ids=wanted.contact_ids)


def _rows(tenant: str, asked: Question, decided: Decided, told: Told) -> list[EstimateRow]:
    visits = {
        visit["visit_id"]: visit
        for contact_id, events in told.items()
        for visit in recounted(tenant, contact_id, events)["queue_visit"]
    }
    made = [row for row in rows_of(decided, ESTIMATE) if _is_asked(row, asked)]
    return [EstimateRow(_error_us(row, visits.get(row["visit_id"]))) for row in made]


def _is_asked(row: Mapping[str, Any], asked: Question) -> bool:
    subjects = asked.scope.subjects
    in_time = asked.interval.from_us <= row["made_time"] < asked.interval.to_us
    return in_time and (subjects is None or row["queue"] in subjects)


def _error_us(row: Mapping[str, Any], visit: Mapping[str, Any] | None) -> int | None:
    bridged = visit["bridged_time"] if visit else None
    if bridged is None or row["estimated_wait_us"] is None:
        return None
    return int(bridged - row["made_time"] - row["estimated_wait_us"])


def _behind(fact: FactRow, decided: Decided, told: Told, reached: Reached) -> tuple[Reference, ...]:
    """Return the estimate, and what the visit was waited for."""
    made = [
        event
        for event in decided.get(fact.contact_id, ())
        if event.type == _MADE and event.event_time_us == fact.credited_us
    ]
    waited = events_behind(fact.contact_id, told.get(fact.contact_id, ()), "queue_visit", fact.fact_id)
    return (
        *(Reference.of(reached.decided_log, event) for event in made),
        *(Reference.of(reached.told_log, event) for event in waited),
    )
