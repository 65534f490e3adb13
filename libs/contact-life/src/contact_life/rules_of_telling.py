"""Rules about how events were told: clocks, counts, types and corrections. What each says stands in `anomaly.RULES`."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from contact_life.examined import Examined, Finding
from contact_life.identity import canonical_id
from contact_life.observed import Observed

LATE_TYPES: Final = frozenset(
    {
        "ContactClosed",
        "ContactLinked",
        "ContactReasonSet",
        "ContactUnlinked",
        "CustomerIdentified",
        "DispositionSet",
        "EventVoided",
        "LegQuality",
        "NoteAdded",
        "SurveyAnswered",
        "SystemFaultReported",
    }
)
"""Types that may happen after the closure: they say something of the contact, nothing goes on."""


def time_out_of_range(seen: Examined) -> Iterator[Finding]:
    """Find instants that are not believed."""
    odd = [event for event in seen.valid if event.time_us != event.event_time_us]
    if odd:
        yield f"{len(odd)} event times are before 1990 or over a day ahead", odd


def clock_went_back(seen: Examined) -> Iterator[Finding]:
    """Find events counted later and told earlier by one source."""
    counted: dict[str, list[Observed]] = {}
    for event in seen.valid:
        if event.source_seq is not None and event.time_us == event.event_time_us:
            counted.setdefault(event.source_id, []).append(event)
    for events in counted.values():
        yield from _steps_back(events)


def _steps_back(events: list[Observed]) -> Iterator[Finding]:
    """Find, among events of one source in order of time, those whose count goes down."""
    if all((one.source_seq or 0) <= (later.source_seq or 0) for one, later in pairwise(events)):
        return
    by_count = sorted(events, key=lambda event: (event.source_seq or 0, event.time_us))
    back = [(one, later) for one, later in pairwise(by_count) if later.time_us < one.time_us]
    most = max(one.time_us - later.time_us for one, later in back)
    shown = [event for pair in back for event in pair]
    yield f"the source's clock went back {len(back)} times, by {most / 1_000_000:.3f} s at most", shown


def event_after_closed(seen: Examined) -> Iterator[Finding]:
    """Find what went on after the closure."""
    closed = seen.contact.closed_time_us
    if closed is None or seen.contact.timeline[-1].time_us <= closed:
        return
    late = [event for event in seen.valid if event.time_us > closed and event.type not in LATE_TYPES]
    if late:
        yield f"{len(late)} events are later than the closure", late


def unknown_event_type(seen: Examined) -> Iterator[Finding]:
    """Find types of a newer schema."""
    unknown = [event for event in seen.valid if event.body is None]
    if unknown:
        yield f"{len(unknown)} events have types that are not known here", unknown


def voided_unknown_event(seen: Examined) -> Iterator[Finding]:
    """Find corrections of events that nobody told."""
    if not seen.contact.voided:
        return
    missing = seen.contact.voided.difference(event.event_id for event in seen.contact.timeline)
    if missing:
        voids = [event for event in seen.valid if event.type == "EventVoided"]
        yield (
            f"{len(missing)} events were voided that nobody told",
            [event for event in voids if canonical_id(event.body.event_id) in missing],
        )
