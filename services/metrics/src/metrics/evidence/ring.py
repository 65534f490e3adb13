"""Rings of agents' endpoints as evidence, as the phone system tells them."""

from dataclasses import dataclass

from metrics.evidence.evidence import SECOND_US, Credit, Evidence, Subject, among, first_told, within

_BEGUN = ("r.started_time", "r.ended_time")
SAME_MOMENT_US = SECOND_US
"""Phone systems stamp whole seconds: who stopped ringing a second before the visit ended lost a race to that end."""


@dataclass(frozen=True, slots=True)
class RingRow:
    """One ring: its outcome as told, how long it rang, and whether the visit was over when it ended."""

    outcome: str
    ring_us: int | None
    over: bool


def _source(subject: Subject, _credit: Credit) -> str:
    name = "r.agent" if subject is Subject.AGENT else "r.queue"
    return f"""
    select {name} as subject, {first_told(*_BEGUN)} as credited, r.contact_id, r.ring_id as fact_id,
           r.outcome, r.ring_us, r.agent, r.source_id = 'ivr-routing' as reserved,
           exists (
               select from metrics.queue_visit v
               where v.tenant = r.tenant and v.contact_id = r.contact_id
                 and (v.visit_id = r.visit_id or (r.visit_id = '' and v.queue = r.queue))
                 and v.enqueued_time <= r.ended_time
                 and coalesce(v.bridged_time, v.dequeued_time) <= r.ended_time + {SAME_MOMENT_US}
           ) as over
    from metrics.agent_ring r
    where r.tenant = {{tenant}} and {within(*_BEGUN)} and {among(name)} and {{team}} is null
      and ({{queues}} is null or r.queue = any({{queues}}))
    """  # noqa: S608  # constants of this module; every value is a parameter


RING = Evidence(
    "agent_ring", "Rings of agents' endpoints.", frozenset({Subject.QUEUE, Subject.AGENT}), _source, RingRow
)
"""Rings carry no team, so that those who may read one team only see none."""
