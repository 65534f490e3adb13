"""Views that unite what a phone system tells of its agents with what routing decided of ours.

For an agent that routing knows, routing's spells count; for a contact and agent that a reservation joins, the
reservation counts and the phone system's ring does not. Where a queue's latest configuration names the phone system it
is the other way round: its reservations do not count, nor do routing's spells of agents who serve such queues only. So
nothing counts twice, and figures ask one view.
"""

from typing import Final

from metrics.fact.declaration import Fact
from metrics.fact.routing_rules import BETWEEN_QUEUES

ROUTING_SOURCE: Final = "ivr-routing"
PHONE_SYSTEM: Final = "phone_system"
"""What a queue names, as the fact `routed_queue` has it, for the phone system to count."""
_BETWEEN: Final = f"chr({ord(BETWEEN_QUEUES)})"
_RING_OUTCOMES: Final = """case when r.accepted_time is not null or r.outcome = 'bridged' then 'answered'
        when r.outcome = 'rona' then 'no_answer' when r.outcome = 'offer_failed' then 'failed'
        when r.outcome in ('rescinded', 'cancelled') then 'caller_gone' else r.outcome end"""


def routed_spells(fact: Fact, schema: str) -> str:
    """Return the SELECT of routing's spells in the columns of `agent_spell`'s view."""
    given = {
        "queue": "''",
        "endpoint": "''",
        "source_id": f"'{ROUTING_SOURCE}'",
    }
    shown = ", ".join(f"{given.get(column.name, column.name)}" for column in fact.visible)
    ended = "lead(started_time) over (partition by tenant, agent order by started_time, position)"
    return f"""
select {shown}, {ended} from "{schema}".routed_spell spell
where not {_is_told_by_phone("spell", schema)}
""".strip()  # noqa: S608  # names of declarations and of a schema


def not_routed(alias: str, schema: str) -> str:
    """Return the condition that routing's spells do not count for the agent of a phone system's spell."""
    return (
        f'not exists (select from "{schema}".routed_spell routed'  # names, all ours
        f" where routed.tenant = {alias}.tenant and routed.agent = {alias}.agent"
        f" and not {_is_told_by_phone('routed', schema)})"
    )


def reserved_rings(fact: Fact, schema: str) -> str:
    """Return the SELECT of reservations in the columns of `agent_ring`'s view."""
    given = {
        "ring_id": "r.reservation_id",
        "source_id": f"'{ROUTING_SOURCE}'",
        "ended_time": "coalesce(r.accepted_time, r.ended_time)",
        "outcome": _RING_OUTCOMES,
        "started_time": "r.ringing_time",
        "ring_us": "coalesce(r.rang_us, coalesce(r.accepted_time, r.ended_time) - r.ringing_time)",
    }
    shown = ", ".join(given.get(column.name, f"r.{column.name}") for column in fact.visible)
    return f"""
select {shown} from "{schema}".reservation r
where not {_names_phone("r.tenant", "r.queue", schema)}
""".strip()  # noqa: S608  # names of declarations and of a schema


def not_reserved(alias: str, schema: str) -> str:
    """Return the condition that no reservation that counts joins the contact and agent of a phone system's ring.

    A ring for a queue that names the phone system counts, even if the contact was held for the agent in another queue.
    """
    return (
        f'not exists (select from "{schema}".reservation held'  # names, all ours
        f" where held.tenant = {alias}.tenant and held.contact_id = {alias}.contact_id and held.agent = {alias}.agent"
        f" and not {_names_phone('held.tenant', 'held.queue', schema)}"
        f" and ({alias}.queue in ('', held.queue) or not {_names_phone(f'{alias}.tenant', f'{alias}.queue', schema)}))"
    )


def _names_phone(tenant: str, queue: str, schema: str) -> str:
    """Return the condition that the latest configuration of a queue names the phone system."""
    return f"""exists (
    select from "{schema}".routed_queue named
    where named.tenant = {tenant} and named.queue = {queue} and named.counts = '{PHONE_SYSTEM}'
        and not exists (
            select from "{schema}".routed_queue newer
            where newer.tenant = named.tenant and newer.queue = named.queue and newer.position > named.position))"""  # noqa: S608


def _is_told_by_phone(alias: str, schema: str) -> str:
    """Return the condition that all queues of an agent, and at least one, name the phone system."""
    return f"""exists (
    select from "{schema}".routed_agent serving
    where serving.tenant = {alias}.tenant and serving.agent = {alias}.agent and serving.queues <> ''
        and not exists (
            select from "{schema}".routed_agent newer
            where newer.tenant = serving.tenant and newer.agent = serving.agent and newer.position > serving.position)
        and not exists (
            select from string_to_table(serving.queues, {_BETWEEN}) served (queue)
            where not {_names_phone("serving.tenant", "served.queue", schema)}))"""  # noqa: S608
