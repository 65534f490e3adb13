"""The SELECT of each view `metrics.<fact>`: visible columns of rows that are facts, and what only SQL can tell.

Roots of linked contacts, ends of agents' spells and overlaps of an agent's services depend on several entities;
they are computed when read, so that the rows themselves never depend on one another.
"""

from typing import Final

from contact_life.observed import EARLIEST_TIME_US
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
    """Return contacts with their root; links in a circle have the smallest id in it as root (contact_life.link)."""
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
    """Return rings, each once: one that began on one UTC day and ended on the next was told in two streams."""
    across = {
        "started_time": "coalesce(ring.started_time, earlier.told_started_time) as started_time",
        "ring_us": "coalesce(ring.ring_us, ring.ended_time - earlier.told_started_time) as ring_us",
    }
    shown = ", ".join(across.get(column.name, f"ring.{column.name}") for column in fact.visible)
    same = "{0}.tenant = ring.tenant and {0}.agent = ring.agent and {0}.ring_id = ring.ring_id"
    return f"""
select {shown} from "{schema}".agent_ring ring
left join "{schema}".agent_ring earlier on ring.told_started_time is null and ring.ended_time is not null
    and {same.format("earlier")} and earlier.told_started_time <= ring.ended_time
    and earlier.stream_id <> ring.stream_id
where {not_reserved("ring", schema)} and (ring.ended_time is not null or not exists (
    select from "{schema}".agent_ring later
    where {same.format("later")} and later.ended_time is not null and later.stream_id <> ring.stream_id))
union all
{reserved_rings(fact, schema)}
""".strip()  # noqa: S608  # names of declarations and of a schema


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
