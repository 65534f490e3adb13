"""What lay outside an agent's hands in one spell on a contact, from facts recorded then.

Only what facts can show stands here: long_wait (the contact had waited beyond the threshold before this agent),
misrouted (it had reached the wrong place: this agent passed it on as a misroute, or within a minute to another queue or
department, or got it by such a transfer), supervisor_intervention, system_fault. A spell may have several. Each is told
twice in one place, as SQL of CONTEXT's columns and as Python of the same, as measures are.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from metrics.evidence.assignment import LAST_TRANSFER, MISROUTED_SQL, PASSED, PassedRow, is_misrouted
from metrics.evidence.evidence import Subject, Terms


@dataclass(frozen=True, slots=True)
class Context(PassedRow):
    """One spell: how long its visit had waited, where it was passed on, and what else happened meanwhile."""

    wait_us: int | None
    received_misrouted: bool
    intervened: bool
    faulty: bool


@dataclass(frozen=True, slots=True)
class Circumstance:
    """Something outside the agent's hands, by its name."""

    name: str
    sql: str
    of: Callable[[Any, Terms], bool]


CONTEXT: Final = f"""v.wait_us, {PASSED},
           exists (
               select from metrics.transfer p
               where p.tenant = a.tenant and p.contact_id = a.contact_id and p.reason = 'misroute'
                 and p.failed_time is null and p.assignment_id <> a.assignment_id
                 and coalesce(p.completed_time, p.started_time) <= a.started_time
           ) as received_misrouted,
           coalesce(c.intervened_time >= a.started_time, false)
               and coalesce(c.intervened_time <= a.ended_time, true) as intervened,
           c.fault_time is not null and coalesce(c.fault_time <= a.ended_time, true) as faulty"""
"""SQL of the columns of a Context, of a spell `a` joined as `context_of` says."""
_VISIT: Final = """
    left join metrics.queue_visit v
      on v.tenant = a.tenant and v.contact_id = a.contact_id and v.visit_id = a.visit_id"""
_CONTACT: Final = """
    left join lateral (
        select k.intervened_time, k.fault_time from metrics.disturbed_contact k
        where k.tenant = a.tenant and k.contact_id = a.contact_id offset 0
    ) c on true"""
"""`offset 0` keeps the contact a look-up by key, whatever the planner believes of tables not analysed yet."""


def context_of(subject: Subject) -> str:
    """Return the joins that CONTEXT needs, where a subject's spells are looked for; a queue's come with their visit."""
    return f"{LAST_TRANSFER}{'' if subject is Subject.QUEUE else _VISIT}{_CONTACT}"


def _waited(row: Context, terms: Terms) -> bool:
    return row.wait_us is not None and row.wait_us > terms.long_wait_us


OF_SPELLS: Final = (
    Circumstance("long_wait", "coalesce(wait_us > {long_wait_us}, false)", _waited),
    Circumstance(
        "misrouted",
        f"(coalesce({MISROUTED_SQL}, false) or received_misrouted)",
        lambda row, terms: is_misrouted(row, terms) or row.received_misrouted,
    ),
    Circumstance("supervisor_intervention", "intervened", lambda row, _: row.intervened),
    Circumstance("system_fault", "faulty", lambda row, _: row.faulty),
)
