"""Time of one agent in states, found again from events: of the agent's own streams, in routing's log if it counts.

An agent's stream is cut by UTC day, so days are read: from the beginning of the earliest spell that reaches into the
interval to the interval's end.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from contact_life.agent_spell import agent_spells
from contact_life.identity import agent_id, agent_stream_id
from contact_life.words import AgentState, word
from metrics.connection import Connection
from metrics.evidence.evidence import DAY_US, Subject, Terms
from metrics.evidence.state import StateRow
from metrics.explain.decided import Decided, rows_of
from metrics.explain.events import Events, Told
from metrics.explain.reading import Again, Read
from metrics.explain.reference import Reached, Reference
from metrics.fact.routing import ROUTED_SPELL
from metrics.fact.united import ROUTING_SOURCE
from metrics.interval.interval import Interval
from metrics.report.question import Question

AT_MOST_EVENTS: Final = 100
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
_ROUTED: Final = f"""
select exists (
    select from metrics.agent_spell where tenant = $1 and agent = $2 and source_id = '{ROUTING_SOURCE}'
)
"""  # noqa: S608  # a name of ours
_CHANGES: Final = frozenset({"AgentLoggedIn", "AgentLoggedOut", "AgentStateChanged"})
_BUSY: Final = ("on_contact", "wrap_up")
Span = tuple[int, int]
Spell = tuple[str, int, int | None]
"""State, beginning and end; None while it lasts."""


@dataclass(frozen=True, slots=True)
class StatesAgain(Again):
    """The days of one agent's streams, in routing's log if `decided`; whether facts know of a contact they had then."""

    agent: str
    stream_ids: tuple[str, ...]
    had_contacts: bool

    @property
    def streams(self) -> int:
        """Number of streams to read."""
        return len(self.stream_ids)

    async def read(self, events: Events, asked: Question, reached: Reached) -> Read:
        """Find the time in states, and all changes that told it."""
        tenant = asked.scope.tenant
        if self.decided:
            decided = await events.all_decided(tenant, self.stream_ids, reached, "agent")
            spells = await asyncio.to_thread(_decided_spells, decided)
            behind = tuple(
                Reference.of(reached.decided_log, event)
                for told in decided.values()
                for event in told
                if event.type in ROUTED_SPELL.ids
            )
        else:
            told = await events.all_told(tenant, self.stream_ids, reached, "agent")
            spells = await asyncio.to_thread(_told_spells, tenant, self.agent, told)
            behind = tuple(
                Reference.of(reached.told_log, event)
                for found in told.values()
                for event in found
                if event.type in _CHANGES
            )
        rows = _state(spells, asked.interval, asked.terms, had_contacts=self.had_contacts)
        return Read(rows, lambda _: behind[:AT_MOST_EVENTS])


async def states_again(connection: Connection, asked: Question) -> StatesAgain | None:
    """Return the days to read; None where a figure is of no one agent."""
    agents, interval, tenant = asked.scope.subjects, asked.interval, asked.scope.tenant
    if asked.subject is not Subject.AGENT or agents is None or len(agents) != 1:
        return None
    (agent,) = agents
    earliest = await connection.fetchval(_EARLIEST, tenant, agent, interval.from_us, interval.to_us)
    first = min(interval.from_us, interval.from_us if earliest is None else earliest) // DAY_US
    last = min(interval.to_us, asked.terms.now_us) // DAY_US + 1
    span = (interval.from_us, interval.to_us, asked.terms.now_us)
    return StatesAgain(
        decided=await connection.fetchval(_ROUTED, tenant, agent),
        agent=agent,
        stream_ids=tuple(agent_stream_id(tenant, agent, day * DAY_US) for day in range(first, last)),
        had_contacts=await connection.fetchval(_CONTACTS, tenant, agent, *span),
    )


def _told_spells(tenant: str, agent: str, told: Told) -> list[Spell]:
    everything = [event for found in told.values() for event in found]
    return [
        (word(AgentState, spell.state), spell.started_time_us, spell.ended_time_us)
        for spell in agent_spells(agent_id(tenant, agent), everything)
    ]


def _decided_spells(decided: Decided) -> list[Spell]:
    """Return routing's spells: each ends where the next begins."""
    rows = sorted(rows_of(decided, ROUTED_SPELL), key=lambda row: (row["started_time"], row["position"]))
    begun: list[tuple[str, int]] = [(row["state"], row["started_time"]) for row in rows]
    ended: Iterator[int | None] = iter([*(later[1] for _, later in pairwise(begun)), None])
    return [(state, started, next(ended)) for state, started in begun]


def _state(spells: Sequence[Spell], interval: Interval, terms: Terms, *, had_contacts: bool) -> list[StateRow]:
    """Return the one row of the whole interval, none where no spell reaches into it."""
    spans: dict[str, list[Span]] = {}
    for state, started, ended in spells:
        spans.setdefault(state, []).append(_clipped(started, ended, interval, terms))
    there = [span for state, found in spans.items() if state != "offline" for span in found]
    if not _union([*there, *spans.get("offline", ())]):
        return []

    def length(*states: str) -> int:
        return _length(_union(span for state in states for span in spans.get(state, ())))

    present = ("on_contact", "wrap_up", "available", "reserved", "held_for_reconnect")
    is_told = length(*_BUSY) > 0 or not had_contacts
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


def _clipped(started: int, ended: int | None, interval: Interval, terms: Terms) -> Span:
    end = terms.now_us if ended is None else ended
    return max(started, interval.from_us), min(end, interval.to_us, terms.now_us)


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
