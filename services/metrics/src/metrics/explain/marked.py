"""The events that show what lay outside an agent's hands; no I/O."""

from collections.abc import Iterable
from typing import Final

from contact_life.fold import fold_contact
from contact_life.observed import Observed
from metrics.evidence.survey import ELSEWHERE
from metrics.fact.survey import ANSWERED
from metrics.report.marks import Mark

_FAULTS: Final = frozenset({"SystemFaultReported"})
_INTERVENTIONS: Final = frozenset({"SupervisorIntervened"})


def shown_by(mark: Mark, events: Iterable[Observed]) -> tuple[str, ...]:
    """Return the ids of the events of a mark's contact that show it, in canonical order."""
    contact = fold_contact(mark.contact_id, events)
    match mark.mark:
        case "long_wait":
            parts = [visit.events for visit in contact.visits if visit.visit_id == mark.visit_id]
        case "misrouted":
            parts = [found.events for found in contact.transfers if found.failed_time_us is None]
        case "supervisor_intervention":
            parts = [tuple(event for event in contact.valid if event.type in _INTERVENTIONS)]
        case "not_about_agent":
            parts = [tuple(event for event in contact.valid if _is_of_another_cause(event))]
        case _:
            parts = [tuple(event for event in contact.valid if event.type in _FAULTS)]
    return tuple(event.event_id for part in parts for event in part)


def _is_of_another_cause(event: Observed) -> bool:
    return event.type == ANSWERED and event.body is not None and event.body.cause in ELSEWHERE
