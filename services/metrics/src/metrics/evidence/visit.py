"""Queue visits as evidence: what became of each and how long it waited."""

from dataclasses import dataclass

from metrics.evidence.evidence import Credit, Evidence, Subject, among, first_told, within

BEGUN = ("v.enqueued_time", "v.dequeued_time", "v.bridged_time")
ENDED = ("v.dequeued_time", "v.bridged_time")
"""Instants that credit a visit, the first told counting. One whose beginning was never told is credited by its end."""


@dataclass(frozen=True, slots=True)
class VisitRow:
    """One queue visit. `wait_us` is None while it waits and where no length can be told."""

    outcome: str
    dequeue_kind: str
    wait_us: int | None
    rang: bool
    enqueued_time: int | None


def credited_by(credit: Credit) -> tuple[str, ...]:
    """Return the instants that credit a visit, the first told counting."""
    return BEGUN if credit is Credit.ENQUEUE else ENDED


def ended_only(credit: Credit) -> str:
    """Return the SQL condition that leaves out what has no end yet, where the end is what counts."""
    return "true" if credit is Credit.ENQUEUE else "v.outcome <> 'waiting'"


def _source(_subject: Subject, credit: Credit) -> str:
    instants = credited_by(credit)
    return f"""
    select v.queue as subject, {first_told(*instants)} as credited, v.contact_id, v.visit_id as fact_id,
           v.outcome, v.dequeue_kind, v.wait_us, v.rang, v.enqueued_time, v.wait_clock
    from metrics.queue_visit v
    where v.tenant = {{tenant}} and {within(*instants)} and {ended_only(credit)} and {among("v.queue")}
    """  # noqa: S608  # constants of this module; every value is a parameter


VISIT = Evidence("queue_visit", "Stays of contacts in queues.", frozenset({Subject.QUEUE}), _source, VisitRow)


def _visited(_subject: Subject, credit: Credit) -> str:
    instants = credited_by(credit)
    return f"""
    select v.queue as subject, {first_told(*instants)} as credited, v.contact_id, v.visit_id as fact_id,
           coalesce(r.root_contact_id, v.contact_id) as root_contact_id
    from metrics.queue_visit v
    left join (
        select c.contact_id, c.root_contact_id
        from metrics.contact_link l join metrics.contact c on c.tenant = l.tenant and c.contact_id = l.contact_id
        where l.tenant = {{tenant}} and l.linked
    ) r on r.contact_id = v.contact_id
    where v.tenant = {{tenant}} and {within(*instants)} and {ended_only(credit)} and {among("v.queue")}
    """  # noqa: S608  # constants of this module; every value is a parameter


@dataclass(frozen=True, slots=True)
class VisitedRow:
    """One queue visit and the contact that figures group it under."""

    root_contact_id: str


VISITED = Evidence("queue_visit", "Contacts that were in queues.", frozenset({Subject.QUEUE}), _visited, VisitedRow)
"""Apart from VISIT, since only the count of contacts needs to follow their links."""
