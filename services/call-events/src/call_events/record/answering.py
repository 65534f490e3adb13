"""What a teller is told of each event, and the counts of it; pure but for the counters."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from call_events import telemetry
from call_events.errors import EventRefused
from call_events.record.event_form import LONGEST_NAME
from call_events.record.streams import CATEGORY_CONTACT
from call_events.record.told import Told
from event_log.errors import AppendRefused
from event_log.model import Placement

_MESSAGES: Final = {
    "EVENT_ID_REUSED": "This id was told before with another content: give the new fact an id of its own.",
    "STREAM_FULL": "The stream holds 10,000 events and takes no more: what tells so much belongs to another one.",
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one call: events that stand in the log now, and the highest position among them (0: none)."""

    events: int
    position: int


def write_verdicts(events: Iterable[Any], told: Sequence[Told | EventRefused], verdicts: Any) -> Recorded:
    """Add a verdict for each event, in order; one without an outcome was only validated."""
    standing = duplicates = highest = 0
    for event, read in zip(events, told, strict=True):
        verdict = verdicts.add()
        verdict.event_id = event.event_id[:LONGEST_NAME]
        if isinstance(read, EventRefused):
            _refuse(verdict.refused, read)
            continue
        outcome = read.outcome
        if isinstance(outcome, AppendRefused):
            _refuse(verdict.refused, outcome)
            continue
        recorded = verdict.recorded
        _accept(recorded, read)
        if outcome is not None:
            standing += 1
            duplicates += _place(recorded, outcome)
            highest = max(highest, outcome.position)
    _count(standing, duplicates)
    return Recorded(standing, highest)


def _accept(recorded: Any, told: Told) -> None:
    """Say which contact an event belongs to and what was noted of it."""
    stream = told.stream
    if stream is not None and stream.category == CATEGORY_CONTACT:
        recorded.contact_id = str(stream.key)
    else:
        recorded.SetInParent()
    if told.notes:
        recorded.notes.extend(told.notes)
        for note in told.notes:
            telemetry.NOTED.add(1, note)


def _place(recorded: Any, placement: Placement) -> bool:
    """Say where an event stands; whether it stood there before."""
    recorded.version = placement.version
    if placement.duplicate:
        recorded.duplicate = True
    return placement.duplicate


def _refuse(verdict: Any, refused: Any) -> None:
    verdict.reason = refused.reason
    if isinstance(refused, EventRefused):
        verdict.message, verdict.field = refused.message, refused.field
    else:
        verdict.message = _MESSAGES.get(refused.reason, "The log does not take this event.")
    telemetry.REFUSED.add(1, refused.reason)


def _count(standing: int, duplicates: int) -> None:
    if standing > duplicates:
        telemetry.RECORDED_NOW(standing - duplicates)
    if duplicates:
        telemetry.RECORDED_BEFORE(duplicates)
