"""Time of agents in states as evidence: one row for an agent and part of the interval.

Spells of several queues or sources overlap, so lengths are taken of the union of all spells on the wall clock, clipped
to the part. A state that some queue still gives outweighs one that keeps the agent away.
"""

from dataclasses import dataclass
from typing import Final

from metrics.evidence.evidence import Credit, Evidence, Subject, among


@dataclass(frozen=True, slots=True)
class StateRow:
    """Lengths of unions of spells. Busy and ready are None where no source tells when the agent is on a contact."""

    busy_us: int | None
    ready_us: int | None
    staffed_us: int
    away_us: int
    available_us: int
    reserved_us: int
    held_us: int
    not_ready_us: int
    unreachable_us: int


_UNIONS: Final = {
    "busy": "state in ('on_contact', 'wrap_up')",
    "available": "state = 'available'",
    "reserved": "state = 'reserved'",
    "held": "state = 'held_for_reconnect'",
    "not_ready": "state = 'not_ready'",
    "unreachable": "state = 'unreachable'",
    "staffed": "state <> 'offline'",
}


def _union(name: str, condition: str) -> str:
    return f"coalesce(range_agg(during) filter (where {condition}), int8multirange()) as {name}"


def _length(multirange: str) -> str:
    return f"(select coalesce(sum(upper(one) - lower(one)), 0)::bigint from unnest({multirange}) one)"  # noqa: S608


def _source(_subject: Subject, _credit: Credit) -> str:
    unions = ", ".join(_union(name, condition) for name, condition in _UNIONS.items())
    apart = ", ".join(
        f"{_length(name)} as {name}_us" for name in ("available", "reserved", "held", "not_ready", "unreachable")
    )
    return f"""
    select agent as subject, starts as credited, ''::text as contact_id, agent || '@' || starts as fact_id,
           case when told then {_length("busy")} end as busy_us,
           case when told then {_length("busy + available")} end as ready_us,
           {_length("staffed")} as staffed_us,
           {_length("(not_ready + unreachable) - (busy + available + reserved + held)")} as away_us,
           {apart}
    from (
        select merged.*, not isempty(busy) or not exists (
                   select from metrics.assignment a
                   where a.tenant = {{tenant}} and a.agent = merged.agent
                     and a.started_time < merged.ends and coalesce(a.ended_time, {{now_us}}) > merged.starts
               ) as told
        from (
            select agent, starts, ends, {unions}
            from (
                select s.agent, s.state, p.starts, p.ends,
                       int8range(greatest(s.started_time, p.starts),
                                 least(coalesce(s.ended_time, {{now_us}}), {{now_us}}, p.ends)) as during
                from metrics.agent_spell s
                join unnest({{starts}}, {{ends}}) as p(starts, ends)
                  on s.started_time < least(p.ends, {{now_us}}) and coalesce(s.ended_time, {{now_us}}) > p.starts
                where s.tenant = {{tenant}} and {among("s.agent")} and {{team}} is null
            ) clipped
            where not isempty(during) group by agent, starts, ends
        ) merged
    ) agents
    """  # noqa: S608  # constants of this module; every value is a parameter


STATE = Evidence("agent_spell", "Time of agents in states.", frozenset({Subject.AGENT}), _source, StateRow)
"""Spells carry no team, so that those who may read one team only see none."""
