"""Callbacks as evidence: asked for, and what became of them. A queue that keeps the place is credited."""

from dataclasses import dataclass

from metrics.evidence.evidence import Credit, Evidence, Subject, among, within

_ASKED = ("c.callback_requested_time",)


@dataclass(frozen=True, slots=True)
class CallbackRow:
    """One contact that asked for a callback: reached when, promised when, given up when."""

    promised_time: int | None
    completed_time: int | None
    failed_time: int | None


def _source(_subject: Subject, _credit: Credit) -> str:
    return f"""
    select c.callback_queue as subject, c.callback_requested_time as credited, c.contact_id, c.contact_id as fact_id,
           c.contact_end, c.callback_promised_time as promised_time, c.callback_completed_time as completed_time,
           c.callback_failed_time as failed_time
    from metrics.contact c
    where c.tenant = {{tenant}} and {within(*_ASKED)} and {among("c.callback_queue")}
    """  # noqa: S608  # constants of this module; every value is a parameter


CALLBACK = Evidence("contact", "Callbacks asked for.", frozenset({Subject.QUEUE}), _source, CallbackRow)
