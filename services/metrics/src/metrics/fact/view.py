"""The SELECT of each view `metrics.<fact>`: visible columns of rows that are facts, and what only SQL can tell.

Roots of linked contacts, ends of agents' spells and overlaps of an agent's services depend on several entities;
they are computed when read, so that the rows themselves never depend on one another.
"""

from typing import Final

from contact_life.observed import EARLIEST_TIME_US
from contact_life.overnight import LONGEST_RING_US
from metrics.fact.declaration import Column, Fact, Kind
from metrics.fact.united import not_reserved, not_routed, reserved_rings, routed_spells

LONGEST_LINK_CHAIN: Final = 16
"""Links followed from a contact to its root; a longer chain, or a circle, ends where it is cut."""

_ADDED: Final = {
    "contact": (
        Column("root_contact_id", Kind.ID, "Contact that figures group it under: itself, or the end of its links."),
    ),
    "agent_spell": (Column("ended_time", Kind.MOMENT, "When it ended: the agent's next change; null while it lasts."),),
}


def view_columns(fact: Fact) -> tuple[Column, ...]:
    """Return the columns of a fact's view, in order."""
    return (*fact.visible, *_ADDED.get(fact.name, ()))


def select_of(fact: Fact, schema: str) -> str:
    """Return the SELECT of a fact's view over the tables of a generation."""
    special = _SPECIAL.get(fact.name)
    return special(fact, schema) if special else _plain(fact, schema)


def _plain(fact: Fact, schema: str) -> str:
    condition = f" where {fact.present}" if fact.present else ""
    return f'select {_names(fact)} from "{schema}".{fact.name}{condition}'  # noqa: S608  # names, all ours


def _names(fact: Fact, alias: str = "") -> str:
    return ", ".join(f"{alias}{column.name}" for column in fact.visible)


def _contact(fact: Fact, schema: str) -> str:
    """Return contacts with their root; links in a circle have the smallest id in it as root."""
    return f"""
with recursive link as (
    select distinct on (tenant, contact_id) tenant, contact_id, to_contact_id from "{schema}".contact_link
    where linked order by tenant, contact_id, linked_time desc, to_contact_id desc
), chain as (
    select tenant, contact_id, to_contact_id as at, array[contact_id] as path from link
    union all
    select chain.tenant, chain.contact_id, link.to_contact_id, chain.path || chain.at
    from chain join link on link.tenant = chain.tenant and link.contact_id = chain.at
    where chain.at <> all(chain.path) and cardinality(chain.path) < {LONGEST_LINK_CHAIN}
), root as (
    select distinct on (tenant, contact_id) tenant, contact_id,
        case when at = any(path) then (select min(id) from unnest(path[array_position(path, at):]) id) else at end
            as root_contact_id
    from chain order by tenant, contact_id, cardinality(path) desc
)
select {_names(fact, "c.")}, coalesce(root.root_contact_id, c.contact_id) as root_contact_id
from "{schema}".contact c left join root on root.tenant = c.tenant and root.contact_id = c.contact_id
""".strip()  # noqa: S608  # names of declarations and of a schema


def _agent_spell(fact: Fact, schema: str) -> str:
    """Return spells: lanes of states, one for each queue named and one for all of them (contact_life.agent_spell).

    Each part is read once, so that Postgres takes a reader's tenant and agent down to the table: a part that is read
    twice is made whole first, of every tenant.
    """
    spans = ("spell_id", "state", "started_time")
    shown = ", ".join(f"span.{one.name}" if one.name in spans else f"bounded.{one.name}" for one in fact.visible)
    lane = "partition by tenant, agent, queue order by place"
    earlier = "partition by tenant, agent order by place rows between unbounded preceding and 1 preceding"
    later = "partition by tenant, agent order by place desc rows between unbounded preceding and 1 preceding"
    return f"""
with change as (
    select *, queue = '' and (told_by = 'logout' or state = 'offline') as ends_all, row_number() over (
        partition by tenant, agent
        order by started_time, array_position(array['login', 'state', 'logout'], told_by), spell_id) as place
    from "{schema}".agent_spell spell where {not_routed("spell", schema)}
), placed as (
    select *, lag(place) over ({lane}) as last_place, lag(told_by = 'logout') over ({lane}) as last_out,
        max(place) filter (where ends_all) over ({earlier}) as all_out_place,
        min(started_time) filter (where ends_all) over ({later}) as all_out_time
    from change
), running as (
    select *, coalesce(not last_out and coalesce(all_out_place, 0) <= last_place, false) as was_running from placed
), told as (
    select *, lag(state) over ({lane}) as last_state, lag(started_time) over ({lane}) as last_time,
        greatest(previous_since, lag(started_time) over ({lane}), {EARLIEST_TIME_US}) as since
    from running where not (told_by = 'login' and was_running)
), marked as (
    select *, coalesce(previous_state <> '' and previous_since is not null and since < started_time
        and (not was_running or (last_state <> previous_state and last_time < since)), false) as missed
    from told
), bounded as (
    select *, least(lead(case when missed then since else started_time end) over ({lane}), all_out_time) as ended_time
    from marked
)
select {shown}, span.ended_time from bounded cross join lateral (
    select bounded.spell_id, bounded.state, bounded.started_time, bounded.ended_time where told_by <> 'logout'
    union all
    select bounded.spell_id || '/before', previous_state, since, bounded.started_time where missed
) span
union all
{routed_spells(fact, schema)}
""".strip()  # noqa: S608  # names of declarations and of a schema


def _agent_ring(fact: Fact, schema: str) -> str:
    """Return rings, each once: one over midnight was told in two streams (contact_life.overnight)."""
    across = {
        "ring_id": "coalesce(begun.ring_id, ring.ring_id)",
        "contact_id": _first_told("contact_id"),
        "visit_id": _first_told("visit_id"),
        "queue": _first_told("queue"),
        "endpoint": _first_told("endpoint"),
        "source_id": _first_told("source_id"),
        "started_time": "coalesce(begun.told_started_time, ring.started_time)",
        "ring_us": "coalesce(ring.ring_us, ring.ended_time - begun.told_started_time)",
    }
    shown = ", ".join(f"{across.get(column.name, f'ring.{column.name}')} as {column.name}" for column in fact.visible)
    return f"""
select {shown} from "{schema}".agent_ring ring
left join lateral (
    select begun.* from "{schema}".agent_ring begun where {_one_ring("begun", "ring", schema)}
    order by begun.told_started_time desc, begun.ring_id desc limit 1
) begun on ring.told_started_time is null and ring.ended_time is not null
where {not_reserved("ring", schema)} and (ring.ended_time is not null or not exists (
    select from "{schema}".agent_ring ended where {_one_ring("ring", "ended", schema)}))
union all
{reserved_rings(fact, schema)}
""".strip()  # noqa: S608  # names of declarations and of a schema


def _first_told(column: str) -> str:
    return f"coalesce(nullif(begun.{column}, ''), ring.{column})"


def _one_ring(begun: str, ended: str, schema: str) -> str:
    """Return the condition that a beginning without an end and an end without a beginning are one ring."""
    alike = " and ".join(
        f"({begun}.{name} = {ended}.{name} or {begun}.{name} = '' or {ended}.{name} = '')"
        for name in ("visit_id", "queue", "endpoint")
    )
    theirs = f"other.tenant = {begun}.tenant and other.agent = {begun}.agent"
    return f"""{begun}.tenant = {ended}.tenant and {begun}.agent = {ended}.agent
    and {begun}.stream_id <> {ended}.stream_id and {begun}.told_started_time <= {ended}.ended_time
    and {begun}.ended_time is null and {ended}.told_started_time is null
    and ({begun}.ring_id = {ended}.ring_id or (
        {ended}.told_ring_id = '' and {begun}.contact_id = {ended}.contact_id and {alike}
        and {begun}.told_started_time >= {ended}.ended_time - {LONGEST_RING_US}
        and not exists (
            select from "{schema}".agent_ring other
            where {theirs} and other.ring_id = {begun}.ring_id and other.stream_id <> {begun}.stream_id)
        and not exists (
            select from "{schema}".agent_ring other
            where {theirs} and other.contact_id = {begun}.contact_id and (
                (other.ended_time is null and other.told_started_time <= {ended}.ended_time
                    and (other.told_started_time, other.ring_id) > ({begun}.told_started_time, {begun}.ring_id))
                or (other.told_started_time is null and other.told_ring_id = ''
                    and other.ended_time >= {begun}.told_started_time
                    and (other.ended_time, other.ring_id) < ({ended}.ended_time, {ended}.ring_id))))))"""  # noqa: S608


def _anomaly(fact: Fact, schema: str) -> str:
    return f"""
select {_names(fact)} from "{schema}".anomaly
union all
select tenant, contact_id, 0, 'overlapping_services',
    'the agent served another contact at the same time', 'assignment', assignment_id, '{{}}'::text[], started_time
from (
    select tenant, contact_id, assignment_id, started_time,
        max(talk_ended_time) over (partition by tenant, agent order by started_time, assignment_id
            rows between unbounded preceding and 1 preceding) as busy_until
    from "{schema}".assignment where bridged_time is not null and agent <> ''
) served where busy_until > started_time
""".strip()  # noqa: S608  # names of declarations and of a schema


_SPECIAL: Final = {"contact": _contact, "agent_spell": _agent_spell, "agent_ring": _agent_ring, "anomaly": _anomaly}
