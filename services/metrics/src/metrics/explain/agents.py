"""What is about agents by themselves, their rings and states, found again from the events of their own streams.

An agent's stream is cut by UTC day, so days are read: from the beginning of the earliest spell that reaches into the
interval to the interval's end. Only figures of one agent are computed again so; AT_MOST_DAYS bounds them.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from contact_life.agent_ring import agent_rings
from contact_life.agent_spell import AgentSpell, agent_spells
from contact_life.identity import agent_id, agent_stream_id
from contact_life.observed import Observed
from contact_life.words import AgentState, word
from metrics.connection import Connection
from metrics.evidence.evidence import DAY_US, Evidence, Subject, Terms
from metrics.evidence.ring import RING, SAME_MOMENT_US, RingRow
from metrics.evidence.state import STATE, StateRow
from metrics.explain.events import Events, Told, chunks
from metrics.fact.agents import recounted_agent
from metrics.fact.recount import recounted
from metrics.interval.interval import Interval
from metrics.report.question import Question

AT_MOST_DAYS: Final = 400
_EARLIEST: Final = """
select min(started_time) from metrics.agent_spell
where tenant = $1 and agent = $2 and started_time < $4 and coalesce(ended_time, $4) > $3
"""
_CONTACTS: Final = """
select exists (
    select from metrics.assignment
    where tenant = $1 and agent = $2 and started_time < $4 and coalesce(ended_time, $5) > $3
)
"""
_SPELLS: Final = frozenset({"AgentLoggedIn", "AgentLoggedOut", "AgentStateChanged"})
_BUSY: Final = ("on_contact", "wrap_up")
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class AgentDays:
    """The days of one agent's streams that a figure rests on, and whether facts know of a contact they had then."""

    tenant: str
    agent: str
    stream_ids: tuple[str, ...]
    had_contacts: bool


_DECIDED: Final = """
select exists (select from metrics.routed_spell where tenant = $1 and agent = $2)
    or exists (select from metrics.reservation where tenant = $1 and agent = $2)
"""


async def days_of(connection: Connection, asked: Question, evidence: Evidence[Any]) -> AgentDays | None:
    """Return the days to read, None where a figure is of no one agent, rests on contacts or on what routing decided."""
    agents = asked.scope.subjects
    if evidence not in {RING, STATE} or asked.subject is not Subject.AGENT or agents is None or len(agents) != 1:
        return None
    interval, tenant = asked.interval, asked.scope.tenant
    if await connection.fetchval(_DECIDED, tenant, agents[0]):
        return None
    earliest = await connection.fetchval(_EARLIEST, tenant, agents[0], interval.from_us, interval.to_us)
    first = min(interval.from_us, interval.from_us if earliest is None else earliest) // DAY_US
    last = min(interval.to_us, asked.terms.now_us) // DAY_US + 1
    days = range(first, min(last, first + AT_MOST_DAYS + 1))
    streams = tuple(agent_stream_id(tenant, agents[0], day * DAY_US) for day in days)
    span = (interval.from_us, interval.to_us, asked.terms.now_us)
    return AgentDays(tenant, agents[0], streams, await connection.fetchval(_CONTACTS, tenant, agents[0], *span))


async def events_of(events: Events, days: AgentDays, until: int | None) -> Told:
    """Return the events of the days by stream."""
    told: Told = {}
    for part in chunks(days.stream_ids):
        told |= await events.of(days.tenant, part, until, category="agent")
    return told


async def rows_of(
    events: Events, days: AgentDays, told: Told, asked: Question, evidence: Evidence[Any], until: int | None
) -> list[Any]:  # fmt: skip
    """Return the rows of the evidence that an agent's events give."""
    if evidence is STATE:
        return _state(days, told, asked.interval, asked.terms)
    rings = [ring for ring in _rings(days, told) if _is_asked(ring, asked)]
    visits: dict[str, Sequence[Mapping[str, Any]]] = {}
    for part in chunks(sorted({str(ring["contact_id"]) for ring in rings if _is_id(str(ring["contact_id"]))})):
        contacts = await events.of(days.tenant, part, until)
        visits |= await asyncio.to_thread(_visits, days.tenant, contacts)
    return [_ring(ring, visits.get(ring["contact_id"], ())) for ring in rings]


def shown(days: AgentDays, told: Told, fact: str, fact_id: str) -> tuple[Observed, ...]:
    """Return the events of one ring, or those that told the agent's states."""
    everything = [event for found in told.values() for event in found]
    if fact == RING.name:
        rings = agent_rings(agent_id(days.tenant, days.agent), everything)
        return tuple(event for ring in rings if ring.ring_id == fact_id for event in ring.events)
    return tuple(event for event in everything if event.type in _SPELLS)


def _rings(days: AgentDays, told: Told) -> Iterator[Mapping[str, Any]]:
    for stream_id, found in told.items():
        yield from recounted_agent(days.tenant, stream_id, found)[RING.name]


def _is_asked(ring: Mapping[str, Any], asked: Question) -> bool:
    began = ring["ended_time"] if ring["started_time"] is None else ring["started_time"]
    return began is not None and asked.interval.from_us <= began < asked.interval.to_us


def _is_id(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _visits(tenant: str, contacts: Told) -> dict[str, Sequence[Mapping[str, Any]]]:
    return {contact_id: recounted(tenant, contact_id, found)["queue_visit"] for contact_id, found in contacts.items()}


def _ring(ring: Mapping[str, Any], visits: Iterable[Mapping[str, Any]]) -> RingRow:
    return RingRow(ring["outcome"], ring["ring_us"], any(_is_over(visit, ring) for visit in visits))


def _is_over(visit: Mapping[str, Any], ring: Mapping[str, Any]) -> bool:
    mine = visit["visit_id"] == ring["visit_id"] or (not ring["visit_id"] and visit["queue"] == ring["queue"])
    ended = visit["dequeued_time"] if visit["bridged_time"] is None else visit["bridged_time"]
    begun, rang = visit["enqueued_time"], ring["ended_time"]
    if not mine or ended is None or begun is None or rang is None:
        return False
    return bool(begun <= rang and ended <= rang + SAME_MOMENT_US)


def _state(days: AgentDays, told: Told, interval: Interval, terms: Terms) -> list[StateRow]:
    """Return the one row of the whole interval, none where no spell reaches into it."""
    everything = [event for found in told.values() for event in found]
    spans: dict[str, list[Span]] = {}
    for spell in agent_spells(agent_id(days.tenant, days.agent), everything):
        spans.setdefault(word(AgentState, spell.state), []).append(_clipped(spell, interval, terms))
    there = [span for state, found in spans.items() if state != "offline" for span in found]
    if not _union([*there, *spans.get("offline", ())]):
        return []

    def length(*states: str) -> int:
        return _length(_union(span for state in states for span in spans.get(state, ())))

    present = ("on_contact", "wrap_up", "available", "reserved", "held_for_reconnect")
    is_told = length(*_BUSY) > 0 or not days.had_contacts
    row = StateRow(
        busy_us=length(*_BUSY) if is_told else None,
        ready_us=length(*_BUSY, "available") if is_told else None,
        staffed_us=_length(_union(there)),
        away_us=length("not_ready", "unreachable", *present) - length(*present),
        available_us=length("available"),
        reserved_us=length("reserved"),
        held_us=length("held_for_reconnect"),
        not_ready_us=length("not_ready"),
        unreachable_us=length("unreachable"),
    )
    return [row]


def _clipped(spell: AgentSpell, interval: Interval, terms: Terms) -> Span:
    end = terms.now_us if spell.ended_time_us is None else spell.ended_time_us
    return max(spell.started_time_us, interval.from_us), min(end, interval.to_us, terms.now_us)


def _union(spans: Iterable[Span]) -> list[Span]:
    """Return disjoint spans in order that cover the same instants."""
    merged: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((start, end))
    return merged


def _length(spans: Iterable[Span]) -> int:
    return sum(end - start for start, end in spans)
