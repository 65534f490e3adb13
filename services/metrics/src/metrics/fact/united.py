"""Views that unite what a phone system tells of its agents with what routing decided of ours.

For an agent that routing knows, routing's spells count; for a contact and agent that a reservation joins, the
reservation counts and the phone system's ring does not. So nothing counts twice, and figures ask one view.
"""

from typing import Final

from metrics.fact.declaration import Fact

ROUTING_SOURCE: Final = "ivr-routing"
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
    return f'select {shown}, {ended} from "{schema}".routed_spell'  # noqa: S608  # names of declarations and of a schema


def not_routed(alias: str, schema: str) -> str:
    """Return the condition that routing does not know the agent of a phone system's spell."""
    return (
        f'not exists (select from "{schema}".routed_spell routed'  # names, all ours
        f" where routed.tenant = {alias}.tenant and routed.agent = {alias}.agent)"
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
    return f'select {shown} from "{schema}".reservation r'  # noqa: S608  # names of declarations and of a schema


def not_reserved(alias: str, schema: str) -> str:
    """Return the condition that no reservation joins the contact and agent of a phone system's ring."""
    return (
        f'not exists (select from "{schema}".reservation held'  # names, all ours
        f" where held.tenant = {alias}.tenant and held.contact_id = {alias}.contact_id and held.agent = {alias}.agent)"
    )
