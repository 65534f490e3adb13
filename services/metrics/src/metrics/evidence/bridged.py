"""Contacts that were bridged as evidence of whether they had reached the wrong place: each once for a subject.

A contact stands at the subject's first spell on it, whatever interval is asked about. Which department an agent is of
nobody tells: a transfer leads to *another* one if it names a department that is neither that agent's team or queue by
name nor where the transfer before had brought the contact, and if it does not lead back to the same queue.
"""

from dataclasses import dataclass
from typing import Final

from metrics.evidence.assignment import OUT_OF, spells
from metrics.evidence.evidence import Credit, Evidence, Subject, Terms


@dataclass(frozen=True, slots=True)
class BridgedRow:
    """One spell: whether it is the subject's first on its contact, and how the subject's spells on it were passed on.

    `elsewhere_after_us` is the least time from a bridge to a transfer to another department; None without one.
    """

    is_first: bool
    misroute_told: bool
    elsewhere_after_us: int | None


def was_misrouted(row: BridgedRow, terms: Terms) -> bool:
    """Whether a contact, at its first spell, was passed on as a misroute or soon to another department."""
    soon = row.elsewhere_after_us is not None and row.elsewhere_after_us <= terms.misroute_within_us
    return row.is_first and (row.misroute_told or soon)


WAS_MISROUTED_SQL: Final = "(is_first and (misroute_told or elsewhere_after_us <= {misroute_within_us}))"
_SAME: Final = "b.tenant = a.tenant and b.contact_id = a.contact_id"
_OF_SUBJECT: Final = {
    Subject.AGENT: f"{_SAME} and b.agent = a.agent",
    Subject.QUEUE: f"""{_SAME} and exists (
        select from metrics.queue_visit w
        where w.tenant = b.tenant and w.contact_id = b.contact_id and w.visit_id = b.visit_id and w.queue = v.queue)""",
    Subject.FLOW: _SAME,
    Subject.FLOW_PATH: _SAME,
}
"""SQL of the other spells `b` of a spell's subject on its contact."""
_BROUGHT_TO: Final = """(
    select p.to_department from metrics.transfer p
    where p.tenant = b.tenant and p.contact_id = b.contact_id and p.failed_time is null and p.to_department <> ''
      and p.transfer_id <> t.transfer_id and coalesce(p.completed_time, p.started_time) <= b.started_time
    order by coalesce(p.completed_time, p.started_time) desc, p.transfer_id limit 1)"""
_ELSEWHERE: Final = f"""t.to_department not in ('', b.team, b.queue) and (t.to_queue = '' or t.to_queue <> b.queue)
    and t.to_department is distinct from {_BROUGHT_TO}"""


def first_of(subject: Subject) -> str:
    """Return the SQL of a BridgedRow's columns, of a spell `a` joined as `passed_on_by` says."""
    return f"""not exists (
            select from metrics.assignment b where {_OF_SUBJECT[subject]}
              and (b.started_time, b.assignment_id) < (a.started_time, a.assignment_id)) as is_first,
           m.misroute_told, m.elsewhere_after_us"""  # constants of this module


def passed_on_by(subject: Subject) -> str:
    """Return the join of a spell `a` with how its subject passed the contact on."""
    return f"""
    left join lateral (
        select coalesce(bool_or(t.reason = 'misroute'), false) as misroute_told,
               min(coalesce(t.started_time, t.completed_time) - b.bridged_time) filter (where {_ELSEWHERE})
                   as elsewhere_after_us
        from metrics.transfer t join metrics.assignment b on {_OF_SUBJECT[subject]} and {OUT_OF.format(spell="b")}
        where t.tenant = a.tenant and t.contact_id = a.contact_id and t.failed_time is null
    ) m on true"""  # noqa: S608  # constants of this module


def _source(subject: Subject, credit: Credit) -> str:
    return spells(subject, credit, first_of(subject), passed_on_by(subject))


BRIDGED: Final = Evidence(
    "assignment", "Agents' first spells on contacts, with transfers of these.", frozenset(Subject), _source, BridgedRow
)
