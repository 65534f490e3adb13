"""Rings of agents' endpoints found again from events: of agents' own streams, and of reservations in routing's log.

Facts say only which streams are to be read, and which queues name the phone system. A ring that a reservation joins
counts by the reservation unless they do, as in the facts.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from contact_life.agent_ring import AgentRing, agent_rings
from contact_life.identity import agent_id, agent_stream_id
from contact_life.overnight import over_midnight
from contact_life.words import RingOutcome, word
from metrics.connection import Connection
from metrics.evidence.evidence import DAY_US, Subject
from metrics.evidence.ring import SAME_MOMENT_US, RingRow
from metrics.explain.decided import Decided, references, rows_of
from metrics.explain.events import Events, Told
from metrics.explain.page import FactRow
from metrics.explain.reading import Again, Read
from metrics.explain.reference import Reached, Reference
from metrics.fact.recount import recounted
from metrics.fact.routing import RESERVATION
from metrics.fact.united import PHONE_SYSTEM
from metrics.figure.definition import Definition
from metrics.report.question import Question
from metrics.report.statement import bind, values_of

_ENDS: Final = {
    "bridged": "answered",
    "rona": "no_answer",
    "offer_failed": "failed",
    "rescinded": "caller_gone",
    "cancelled": "caller_gone",
}
"""What the end of a reservation counts as that nobody had accepted."""
_QUEUES_OF_PHONE: Final = """
select queue from (
    select distinct on (queue) queue, counts from metrics.routed_queue where tenant = $1 order by queue, position desc
) latest where counts = $2
"""
Visits = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class _Ring:
    ring_id: str
    agent: str
    queue: str
    contact_id: str
    visit_id: str
    started_us: int | None
    ended_us: int | None
    ring_us: int | None
    outcome: str
    events: tuple[Reference, ...]


@dataclass(frozen=True, slots=True)
class RingsAgain(Again):
    """Contacts that facts know of, the streams of agents' days, by agent, and queues that name the phone system."""

    contact_ids: tuple[str, ...]
    days: Mapping[str, tuple[str, ...]]
    queues_of_phone: frozenset[str]

    @property
    def streams(self) -> int:
        """Number of streams to read."""
        return len(self.contact_ids) + sum(map(len, self.days.values()))

    async def read(self, events: Events, asked: Question, reached: Reached) -> Read:
        """Find the rings asked about."""
        tenant = asked.scope.tenant
        told = await events.all_told(tenant, [day for days in self.days.values() for day in days], reached, "agent")
        phone = await asyncio.to_thread(_of_phone, tenant, self.days, told, reached.told_log)
        near = {ring.contact_id for ring in phone if _is_asked(ring, asked)}
        decided = await events.all_decided(tenant, _ids(near.union(self.contact_ids)), reached)
        reserved = await asyncio.to_thread(_of_reservations, decided, reached.decided_log)
        rings = [ring for ring in self._counted(phone, reserved) if _is_asked(ring, asked)]
        contacts = await events.all_told(tenant, _ids(ring.contact_id for ring in rings), reached)
        visits = await asyncio.to_thread(_visits, tenant, contacts)
        behind = {ring.ring_id: ring.events for ring in rings}
        rows = [_row(ring, visits.get(ring.contact_id, ())) for ring in rings]
        return Read(rows, lambda fact: behind.get(fact.fact_id, ()))

    def _counted(self, phone: Sequence[_Ring], reserved: Sequence[_Ring]) -> list[_Ring]:
        """Return each ring once, by the source that counts."""
        counted = [ring for ring in reserved if ring.queue not in self.queues_of_phone]
        joined = {(ring.contact_id, ring.agent) for ring in counted}
        apart = (
            ring for ring in phone if ring.queue in self.queues_of_phone or (ring.contact_id, ring.agent) not in joined
        )
        return [*apart, *counted]


async def rings_again(
    connection: Connection, asked: Question, definition: Definition, page: Sequence[FactRow] | None, at_most: int
) -> RingsAgain:
    """Return what to read of rings; with a page of facts only what that shows."""
    found = await _known(connection, asked, definition, at_most) if page is None else _shown(page)
    days = {(row["agent"], row["day"]) for row in found if not row["reserved"]}
    if page is None and asked.subject is Subject.AGENT:
        first, last = asked.interval.from_us, min(asked.interval.to_us, asked.terms.now_us)
        asked_days = range(first // DAY_US, last // DAY_US + 1)
        days |= {(agent, day) for agent in asked.scope.subjects or () for day in asked_days}
    decided = any(row["reserved"] for row in found)
    named = await connection.fetch(_QUEUES_OF_PHONE, asked.scope.tenant, PHONE_SYSTEM)
    return RingsAgain(
        decided,
        tuple({row["contact_id"]: None for row in found}),
        _streams(asked.scope.tenant, days),
        frozenset(row["queue"] for row in named),
    )


async def _known(connection: Connection, asked: Question, definition: Definition, at_most: int) -> list[Any]:
    source = definition.evidence.source(asked.subject, asked.interval.credit)
    text = f"""
    select distinct contact_id, agent, credited / {DAY_US} as day, reserved from ({source}) evidence
    limit {at_most + 1}
    """  # noqa: S608  # texts of this package; every value is a parameter
    statement = bind(text, values_of(asked))
    return list(await connection.fetch(statement.text, *statement.values))


def _shown(page: Sequence[FactRow]) -> list[Any]:
    return [row.columns | {"day": row.credited_us // DAY_US} for row in page]


def _streams(tenant: str, days: Iterable[tuple[str, int]]) -> dict[str, tuple[str, ...]]:
    """Return the streams of agents' days, and of the days beside them: a ring may last over midnight."""
    by_agent: dict[str, set[int]] = {}
    for agent, day in days:
        by_agent.setdefault(agent, set()).update((day - 1, day, day + 1))
    return {
        agent: tuple(agent_stream_id(tenant, agent, day * DAY_US) for day in sorted(found))
        for agent, found in sorted(by_agent.items())
    }


def _ids(texts: Iterable[str]) -> list[str]:
    return sorted(filter(_is_id, set(texts)))


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _is_asked(ring: _Ring, asked: Question) -> bool:
    began, scope = ring.ended_us if ring.started_us is None else ring.started_us, asked.scope
    name = ring.agent if asked.subject is Subject.AGENT else ring.queue
    return (
        began is not None
        and asked.interval.from_us <= began < asked.interval.to_us
        and (scope.subjects is None or name in scope.subjects)
        and (scope.queues is None or ring.queue in scope.queues)
        and scope.team is None
    )


def _of_phone(tenant: str, days: Mapping[str, Sequence[str]], told: Told, log_id: str) -> list[_Ring]:
    return [
        _of_ring(ring, log_id)
        for agent, streams in days.items()
        for ring in over_midnight(agent_rings(agent_id(tenant, agent), told.get(day, ())) for day in streams)
    ]


def _of_ring(ring: AgentRing, log_id: str) -> _Ring:
    return _Ring(
        ring.ring_id,
        ring.agent,
        ring.queue,
        ring.contact_id,
        ring.visit_id,
        ring.started_time_us,
        ring.ended_time_us,
        ring.ring_us,
        word(RingOutcome, ring.outcome) if ring.outcome else "",
        tuple(Reference.of(log_id, event) for event in ring.events),
    )


def _of_reservations(decided: Decided, log_id: str) -> list[_Ring]:
    behind = references(decided, RESERVATION, "reservation_id", log_id)
    return [_of_reservation(row, behind[row["reservation_id"]]) for row in rows_of(decided, RESERVATION)]


def _of_reservation(row: Mapping[str, Any], events: tuple[Reference, ...]) -> _Ring:
    ended = row["ended_time"] if row["accepted_time"] is None else row["accepted_time"]
    started, length = row["ringing_time"], row["rang_us"]
    if length is None and ended is not None and started is not None:
        length = ended - started
    accepted = row["accepted_time"] is not None
    outcome = "answered" if accepted else _ENDS.get(row["outcome"], row["outcome"])
    names = (row["reservation_id"], row["agent"], row["queue"], row["contact_id"], row["visit_id"])
    return _Ring(*names, started, ended, length, outcome, events)


def _visits(tenant: str, contacts: Told) -> Visits:
    return {contact_id: recounted(tenant, contact_id, found)["queue_visit"] for contact_id, found in contacts.items()}


def _row(ring: _Ring, visits: Iterable[Mapping[str, Any]]) -> RingRow:
    return RingRow(ring.outcome, ring.ring_us, any(_is_over(visit, ring) for visit in visits))


def _is_over(visit: Mapping[str, Any], ring: _Ring) -> bool:
    mine = visit["visit_id"] == ring.visit_id or (not ring.visit_id and visit["queue"] == ring.queue)
    ended = visit["dequeued_time"] if visit["bridged_time"] is None else visit["bridged_time"]
    begun, rang = visit["enqueued_time"], ring.ended_us
    if not mine or ended is None or begun is None or rang is None:
        return False
    return bool(begun <= rang and ended <= rang + SAME_MOMENT_US)
