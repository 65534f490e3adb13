"""What a teller is told of each event, and the counts of it; pure but for the counters."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from call_events import telemetry
from call_events.errors import EventRefused
from call_events.event_form import LONGEST_NAME
from call_events.recording import CATEGORY_CONTACT, Told
from event_log.errors import AppendRefused
from event_log.log import Verdict
from event_log.model import Appended

_MESSAGES: Final = {
    "EVENT_ID_REUSED": "This id was told before with another content: give the new fact an id of its own.",
    "STREAM_FULL": "The stream holds 10,000 events and takes no more: what tells so much belongs to another one.",
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one call: events that stand in the log now, and the highest position among them (0: none)."""

    events: int
    position: int


def write_verdicts(
    events: Iterable[Any], told: Sequence[Told | EventRefused], answers: Iterator[Verdict], verdicts: Any
) -> Recorded:
    """Add a verdict for each event, in order; without answers the events were only validated."""
    outcomes: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    highest = 0
    for event, read in zip(events, told, strict=True):
        verdict = verdicts.add()
        verdict.event_id = event.event_id[:LONGEST_NAME]
        if isinstance(read, EventRefused):
            _refuse(verdict.refused, read, outcomes)
            continue
        answer = next(answers, None)
        if isinstance(answer, AppendRefused):
            _refuse(verdict.refused, EventRefused(answer.reason, _MESSAGES.get(answer.reason, "")), outcomes)
            continue
        position = _accept(verdict.recorded, read, answer, outcomes)
        highest = max(highest, position)
        notes.update(read.notes)
    _count(outcomes, notes)
    return Recorded(outcomes["recorded"] + outcomes["duplicate"], highest)


def _accept(recorded: Any, told: Told, answer: Appended | None, outcomes: Counter[str]) -> int:
    """Say where an event stands; its position, 0 if it was only validated."""
    stream = told.stream
    if stream is not None and stream.category == CATEGORY_CONTACT:
        recorded.contact_id = told.event.contact.contact_id or str(stream.key)
    if told.notes:
        recorded.notes.extend(told.notes)
    recorded.SetInParent()
    if answer is None:
        outcomes["validated"] += 1
        return 0
    placement = answer.placements[0]
    recorded.version = placement.version
    if placement.duplicate:
        recorded.duplicate = True
    outcomes["duplicate" if placement.duplicate else "recorded"] += 1
    return placement.position


def _refuse(verdict: Any, refused: EventRefused, outcomes: Counter[str]) -> None:
    verdict.reason = refused.reason
    verdict.message = refused.message
    verdict.field = refused.field
    outcomes[refused.reason] += 1


def _count(outcomes: Counter[str], notes: Counter[str]) -> None:
    for outcome, count in outcomes.items():
        counter = telemetry.RECORDED if outcome.islower() else telemetry.REFUSED
        counter.add(count, outcome)
    for note, count in notes.items():
        telemetry.NOTED.add(count, note)
