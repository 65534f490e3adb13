"""Agents' spells on contacts as evidence: how long each handled, and where it passed the contact on.

A queue's spells are those of its visits, credited when the visit is; an agent's are credited when they began; a flow's
are those of the contacts that had entered it, credited when these left it.
"""

from dataclasses import dataclass

from metrics.evidence.evidence import Credit, Evidence, Subject, Terms, among, first_told, within
from metrics.evidence.flow import LEFT, shown_as, walked
from metrics.evidence.visit import credited_by, ended_only


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """One assignment. Lengths are None while it is open."""

    handle_us: int | None
    talk_us: int | None
    hold_us: int | None
    wrap_up_us: int | None


@dataclass(frozen=True, slots=True)
class PassedRow:
    """One assignment and the last transfer out of it that did not fail.

    `passed_reason` is None without a transfer and empty for one without a reason; `passed_after_us` counts from the
    bridge; `passed_elsewhere` says that it went to another queue or department.
    """

    passed_reason: str | None
    passed_after_us: int | None
    passed_elsewhere: bool


def is_misrouted(row: PassedRow, terms: Terms) -> bool:
    """Whether a contact had reached the wrong place: said so, or passed elsewhere right after the bridge."""
    soon = row.passed_after_us is not None and row.passed_after_us <= terms.misroute_within_us
    return row.passed_reason == "misroute" or (row.passed_elsewhere and soon)


MISROUTED_SQL = "(passed_reason = 'misroute' or (passed_elsewhere and passed_after_us <= {misroute_within_us}))"
LENGTHS = "a.handle_us, a.talk_us, a.hold_us, a.wrap_up_us"
PASSED = """t.reason as passed_reason, t.started_time - a.bridged_time as passed_after_us,
           coalesce(t.to_department <> '' or (t.to_queue <> '' and t.to_queue <> a.queue), false) as passed_elsewhere"""
OUT_OF = """(t.assignment_id = {spell}.assignment_id
           or (t.assignment_id = '' and t.agent <> '' and {spell}.assignment_id = (
               select n.assignment_id from metrics.assignment n
               where n.tenant = t.tenant and n.contact_id = t.contact_id and n.agent = t.agent
               order by coalesce(n.started_time <= coalesce(t.started_time, t.completed_time), false) desc,
                   n.started_time desc, n.assignment_id limit 1)))"""
"""Whether a transfer `t` led out of a spell: one that names none, out of its agent's latest spell begun before it."""
LAST_TRANSFER = f"""
    left join lateral (
        select t.reason, coalesce(t.started_time, t.completed_time) as started_time, t.to_queue, t.to_department
        from metrics.transfer t
        where t.tenant = a.tenant and t.contact_id = a.contact_id and t.failed_time is null
          and {OUT_OF.format(spell="a")}
        order by coalesce(t.started_time, t.completed_time) desc nulls last, t.transfer_id limit 1
    ) t on true"""  # noqa: S608  # constants of this module
"""One transfer for each assignment: it is handed on once, however often that was tried."""


def spells(subject: Subject, credit: Credit, columns: str, joined: str = "", key: str = "a.assignment_id") -> str:
    """Return the SQL of a subject's assignments: a key and `columns` of `a` (and of `v`, the visit, for a queue)."""
    if subject is Subject.AGENT:
        return f"""
        select a.agent as subject, a.started_time as credited, a.contact_id, {key} as fact_id, {columns}
        from metrics.assignment a {joined}
        where a.tenant = {{tenant}} and {within("a.started_time")} and {among("a.agent")}
          and ({{team}} is null or a.team = {{team}}) and ({{queues}} is null or a.queue = any({{queues}}))
        """  # noqa: S608  # constants of this package; every value is a parameter
    if subject in {Subject.FLOW, Subject.FLOW_PATH}:
        return f"""
        select {shown_as(subject)} as subject, {first_told(*LEFT)} as credited,
               a.contact_id, {key} as fact_id, {columns}
        from metrics.contact c
        join metrics.assignment a on a.tenant = c.tenant and a.contact_id = c.contact_id
        {walked(subject)} {joined}
        where c.tenant = {{tenant}} and {within(*LEFT)} and c.flow_entered_time is not null and {among("c.flow")}
        """  # noqa: S608  # constants of this package; every value is a parameter
    instants = credited_by(credit)
    return f"""
    select v.queue as subject, {first_told(*instants)} as credited, a.contact_id, {key} as fact_id, {columns}
    from metrics.queue_visit v
    join metrics.assignment a on a.tenant = v.tenant and a.contact_id = v.contact_id and a.visit_id = v.visit_id
    {joined}
    where v.tenant = {{tenant}} and {within(*instants)} and {ended_only(credit)} and {among("v.queue")}
    """  # noqa: S608  # constants of this package; every value is a parameter


def _assignments(subject: Subject, credit: Credit) -> str:
    return spells(subject, credit, LENGTHS)


def _passed(subject: Subject, credit: Credit) -> str:
    return spells(subject, credit, PASSED, LAST_TRANSFER)


_BOTH = frozenset({Subject.QUEUE, Subject.AGENT})
ASSIGNMENT = Evidence("assignment", "Agents' spells on contacts.", _BOTH, _assignments, AssignmentRow)
PASSED_ON = Evidence(
    "assignment", "Agents' spells on contacts, with transfers out of them.", frozenset(Subject), _passed, PassedRow
)
