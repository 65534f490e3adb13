"""A queue visit: one stay of a contact in one queue."""

from dataclasses import dataclass

from contact_life.observed import Observed
from contact_life.words import WaitClock


@dataclass(frozen=True, slots=True)
class Visit:
    """One stay of a contact in one queue; instants and lengths in microseconds.

    A visit whose end was not told but that was bridged ended at the bridge, answered. `wait_us` is None while it waits
    and where no length can be told: the end was inferred, or lies before the beginning.
    """

    visit_id: str
    queue: str
    ordinal: int
    priority: int
    step: int
    enqueued_time_us: int | None
    dequeued_time_us: int | None
    dequeue_kind: int
    inferred: bool
    bridged_time_us: int | None
    ringing: bool
    wait_us: int | None
    wait_clock: WaitClock
    source_id: str
    events: tuple[Observed, ...]
