"""One event as a fold sees it. What it means stands elsewhere."""

from dataclasses import dataclass, field
from typing import Any, Final

EARLIEST_TIME_US: Final = 631_152_000_000_000
"""1990-01-01T00:00:00Z. No phone system that tells us anything is older; a clock before it was never set."""

LATEST_AHEAD_US: Final = 86_400_000_000
"""A source's clock may be a day ahead of ours (a zone forgotten); beyond that it is not believed."""


@dataclass(frozen=True, slots=True)
class Observed:
    """An event of a contact's or an agent's stream, decoded.

    `body` is anything with the fields of its type's protobuf message (so these rules import none), or None where this
    version knows no such type. `event_id` is a UUID in
    lower case with hyphens. `time_us` is the instant that all lengths are taken from: the event time, or the record
    time where the event time is not believable.
    """

    position: int
    event_id: str
    type: str
    event_time_us: int
    record_time_us: int
    source_id: str
    source_seq: int | None
    body: Any
    time_us: int = field(init=False)

    def __post_init__(self) -> None:
        """Set the instant to reckon with."""
        told, recorded = self.event_time_us, self.record_time_us
        believable = EARLIEST_TIME_US <= told <= recorded + LATEST_AHEAD_US
        object.__setattr__(self, "time_us", told if believable else recorded)
