"""Transfers as evidence of whom they reached: a queue, or an agent."""

from dataclasses import dataclass

from metrics.evidence.evidence import Credit, Evidence, Subject, among, first_told, within

_WHEN = ("t.completed_time", "t.started_time")


@dataclass(frozen=True, slots=True)
class TransferRow:
    """One transfer that did not fail, and why it was done."""

    reason: str


def _source(subject: Subject, _credit: Credit) -> str:
    name = "t.to_agent" if subject is Subject.AGENT else "t.to_queue"
    return f"""
    select {name} as subject, {first_told(*_WHEN)} as credited, t.contact_id, t.transfer_id as fact_id, t.reason
    from metrics.transfer t
    where t.tenant = {{tenant}} and {within(*_WHEN)} and t.failed_time is null and {name} <> '' and {among(name)}
      and {{team}} is null and ({{queues}} is null or t.to_queue = any({{queues}}))
    """  # noqa: S608  # constants of this module; every value is a parameter


RECEIVED = Evidence("transfer", "Transfers received.", frozenset({Subject.QUEUE, Subject.AGENT}), _source, TransferRow)
"""Transfers carry no team, so that those who may read one team only see none."""
