"""What lay outside an agent's hands, spell by spell, from facts recorded then.

Only marks that facts can show stand here: long_wait (the contact had waited beyond the threshold before this agent),
misrouted (it had reached the wrong place: this agent passed it on as a misroute, or within a minute to another queue or
department, or got it by such a transfer), supervisor_intervention, system_fault. A spell may have several.
"""

from dataclasses import dataclass
from typing import Any, Final

from metrics.connection import Connection
from metrics.evidence.assignment import LAST_TRANSFER, LENGTHS, PASSED, spells
from metrics.evidence.evidence import Credit, Subject
from metrics.figure.handling import MISROUTED_SQL
from metrics.report.question import Question
from metrics.report.statement import bind, values_of

NAMES: Final = ("long_wait", "misrouted", "supervisor_intervention", "system_fault")
AT_MOST: Final = 200
"""Marked spells that one answer names; all of them count."""

_COLUMNS: Final = f"""{LENGTHS}, a.visit_id, v.wait_us, {PASSED},
           exists (
               select from metrics.transfer p
               where p.tenant = a.tenant and p.contact_id = a.contact_id and p.reason = 'misroute'
                 and p.failed_time is null and p.assignment_id <> a.assignment_id
                 and coalesce(p.completed_time, p.started_time) <= a.started_time
           ) as received_misrouted,
           c.intervened_time between a.started_time and coalesce(a.ended_time, {{now_us}}) as intervened,
           c.fault_time <= coalesce(a.ended_time, {{now_us}}) as faulty"""
_JOINED: Final = f"""{LAST_TRANSFER}
    left join metrics.queue_visit v on v.tenant = a.tenant and v.contact_id = a.contact_id and v.visit_id = a.visit_id
    left join lateral (
        select k.intervened_time, k.fault_time from metrics.contact k
        where k.tenant = a.tenant and k.contact_id = a.contact_id offset 0
    ) c on true"""  # noqa: S608  # constants of this package
"""`offset 0` keeps the contact a look-up by key, whatever the planner believes of tables not analysed yet."""
MARKED: Final = f"""
    select spell.*,
           coalesce(wait_us > {{long_wait_us}}, false) as long_wait,
           coalesce({MISROUTED_SQL}, false) or received_misrouted as misrouted,
           coalesce(intervened, false) as supervisor_intervention,
           coalesce(faulty, false) as system_fault
    from ({spells(Subject.AGENT, Credit.ENQUEUE, _COLUMNS, _JOINED)}) spell
    """  # noqa: S608  # constants of this package; every value is a parameter
"""SQL of an agent's spells: all columns of ASSIGNMENT and PASSED_ON, and every mark as a column."""
ANY: Final = " or ".join(NAMES)


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark of one spell, with its measure in a sentence."""

    mark: str
    contact_id: str
    assignment_id: str
    visit_id: str
    reason: str


async def marks(connection: Connection, question: Question) -> tuple[Mark, ...]:
    """Return the marks of the latest AT_MOST marked spells, in order of time."""
    text = f"select * from ({MARKED}) marked where {ANY} order by credited desc, fact_id limit {AT_MOST}"  # noqa: S608
    asked = bind(text, values_of(question))
    records = await connection.fetch(asked.text, *asked.values)
    return tuple(mark for record in reversed(records) for mark in _of(record, question))


def _of(record: Any, question: Question) -> list[Mark]:
    return [
        Mark(name, record["contact_id"], record["fact_id"], record["visit_id"], _reason(name, record, question))
        for name in NAMES
        if record[name]
    ]


def _reason(name: str, record: Any, question: Question) -> str:
    match name:
        case "long_wait":
            limit = question.terms.long_wait_us // 1_000_000
            return f"waited {record['wait_us'] // 1_000_000} s, the threshold is {limit} s"
        case "misrouted" if record["received_misrouted"]:
            return "reached this agent after a transfer told as a misroute"
        case "misrouted":
            return "had reached the wrong place: passed on as a misroute, or within 60 s elsewhere"
        case "supervisor_intervention":
            return "a supervisor took part"
        case _:
            return "something the contact needed did not work"
