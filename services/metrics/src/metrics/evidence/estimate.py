"""Estimates of waits as evidence: what routing expected for a contact in a queue, and what it then waited."""

from dataclasses import dataclass

from metrics.evidence.evidence import Credit, Evidence, Subject, among, within


@dataclass(frozen=True, slots=True)
class EstimateRow:
    """One estimate: wait from then to the bridge less what was estimated; None for who was never bridged."""

    error_us: int | None


def _source(_subject: Subject, _credit: Credit) -> str:
    return f"""
    select e.queue as subject, e.made_time as credited, e.contact_id, e.visit_id as fact_id,
           v.bridged_time - e.made_time - e.estimated_wait_us as error_us
    from metrics.estimate e
    left join metrics.queue_visit v
      on v.tenant = e.tenant and v.contact_id = e.contact_id and v.visit_id = e.visit_id
    where e.tenant = {{tenant}} and {within("e.made_time")} and {among("e.queue")}
    """  # noqa: S608  # constants of this module; every value is a parameter


ESTIMATE = Evidence("estimate", "Waits estimated in queues.", frozenset({Subject.QUEUE}), _source, EstimateRow)
