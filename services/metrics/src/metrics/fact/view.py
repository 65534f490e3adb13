"""The SELECT of each view `metrics.<fact>`: visible columns of rows that are facts, and what only SQL can tell.

Roots of linked contacts, ends of agents' spells and overlaps of an agent's services depend on several entities;
they are computed when read, so that the rows themselves never depend on one another.
"""

from typing import Final

from metrics.fact.declaration import Column, Fact, Kind

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
    special = {"contact": _contact, "agent_spell": _agent_spell, "anomaly": _anomaly}.get(fact.name)
    return special(fact, schema) if special else _plain(fact, schema)


def _plain(fact: Fact, schema: str) -> str:
    condition = f" where {fact.present}" if fact.present else ""
    return f'select {_names(fact)} from "{schema}".{fact.name}{condition}'


def _names(fact: Fact, alias: str = "") -> str:
    return ", ".join(f"{alias}{column.name}" for column in fact.visible)


def _contact(fact: Fact, schema: str) -> str:
    return f"""
with recursive chain (tenant, contact_id, root_contact_id, steps) as (
    select tenant, contact_id, to_contact_id, 1 from "{schema}".contact_link where linked
    union all
    select chain.tenant, chain.contact_id, link.to_contact_id, chain.steps + 1
    from chain join "{schema}".contact_link link
      on link.tenant = chain.tenant and link.contact_id = chain.root_contact_id and link.linked
    where chain.steps < {LONGEST_LINK_CHAIN} and link.to_contact_id <> chain.contact_id
), root as (
    select distinct on (tenant, contact_id) tenant, contact_id, root_contact_id
    from chain order by tenant, contact_id, steps desc, root_contact_id
)
select {_names(fact, "c.")}, coalesce(root.root_contact_id, c.contact_id) as root_contact_id
from "{schema}".contact c left join root on root.tenant = c.tenant and root.contact_id = c.contact_id
""".strip()


def _agent_spell(fact: Fact, schema: str) -> str:
    return f"""
select {_names(fact)},
    case when queue = '' then next_any else least(next_same, next_all) end as ended_time
from (
    select *,
        lead(started_time) over (partition by tenant, agent order by started_time, spell_id) as next_any,
        lead(started_time) over (partition by tenant, agent, queue order by started_time, spell_id) as next_same,
        min(started_time) filter (where queue = '') over (
            partition by tenant, agent order by started_time desc, spell_id desc
            rows between unbounded preceding and 1 preceding) as next_all
    from "{schema}".agent_spell
) spell
""".strip()


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
""".strip()
