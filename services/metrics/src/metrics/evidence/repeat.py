"""First contacts as evidence: whether the same person came again for the same reason.

First means that none by the same customer_ref for the same reason came in the days before. Reconnects (linked contacts)
and contacts that the centre set up are left out. A contact is its first queue's, and its last agent's.
"""

from dataclasses import dataclass
from typing import Final

from metrics.evidence.evidence import Credit, Evidence, Subject, among

_CAME: Final = "coalesce(c.arrived_time, c.first_time)"
_THEIRS: Final = "c.tenant = {tenant} and c.root_contact_id = c.contact_id and c.direction in ('', 'inbound')"
_QUEUE: Final = """
    left join lateral (
        select v.queue as name from metrics.queue_visit v
        where v.tenant = {tenant} and v.contact_id = k.contact_id order by v.enqueued_time, v.visit_id limit 1
    ) whose on true"""
_AGENT: Final = """
    left join lateral (
        select a.agent as name from metrics.assignment a
        where a.tenant = {tenant} and a.contact_id = k.contact_id and ({team} is null or a.team = {team})
        order by a.started_time desc, a.assignment_id limit 1
    ) whose on true"""


@dataclass(frozen=True, slots=True)
class FirstRow:
    """One first contact: whether it was repeated, was served, and whether the days to repeat it in are over."""

    repeated: bool
    served: bool
    final: bool


@dataclass(frozen=True, slots=True)
class ComingRow:
    """One contact that came by itself: whether customer and reason are known, so that a repeat could be told."""

    known: bool


def _whose(subject: Subject) -> str:
    return _AGENT if subject is Subject.AGENT else _QUEUE


def _firsts(subject: Subject, _credit: Credit) -> str:
    return f"""
    select whose.name as subject, k.came as credited, k.contact_id, k.contact_id as fact_id,
           coalesce(k.next - k.came <= {{repeat_within_us}}, false) as repeated,
           k.contact_end in ('handled', 'contained') as served,
           k.came + {{repeat_within_us}} <= {{now_us}} as final
    from (
        select c.contact_id, c.contact_end, {_CAME} as came,
               lag({_CAME}) over visits as previous, lead({_CAME}) over visits as next
        from metrics.contact c
        where {_THEIRS} and c.customer_ref <> '' and c.reason <> ''
          and {_CAME} >= {{from_us}} - {{repeat_within_us}} and {_CAME} < {{to_us}} + {{repeat_within_us}}
        window visits as (partition by c.customer_ref, c.reason order by {_CAME}, c.contact_id)
    ) k {_whose(subject)}
    where k.came >= {{from_us}} and k.came < {{to_us}}
      and (k.previous is null or k.came - k.previous > {{repeat_within_us}})
      and whose.name is not null and {among("whose.name")}
    """  # noqa: S608  # constants of this module; every value is a parameter


def _coming(subject: Subject, _credit: Credit) -> str:
    return f"""
    select whose.name as subject, k.came as credited, k.contact_id, k.contact_id as fact_id, k.known
    from (
        select c.contact_id, {_CAME} as came, c.customer_ref <> '' and c.reason <> '' as known
        from metrics.contact c
        where {_THEIRS} and {_CAME} >= {{from_us}} and {_CAME} < {{to_us}}
    ) k {_whose(subject)}
    where whose.name is not null and {among("whose.name")}
    """  # noqa: S608  # constants of this module; every value is a parameter


_BOTH: Final = frozenset({Subject.QUEUE, Subject.AGENT})
FIRST = Evidence("contact", "First contacts of a person for a reason.", _BOTH, _firsts, FirstRow)
COMING = Evidence("contact", "Contacts that came by themselves.", _BOTH, _coming, ComingRow)
