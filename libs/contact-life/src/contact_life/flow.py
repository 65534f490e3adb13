"""A contact's stay in an IVR flow."""

from dataclasses import dataclass

from contact_life.observed import Observed


@dataclass(frozen=True, slots=True)
class Flow:
    """One stay of a contact in one IVR flow; instants and lengths in microseconds.

    `nodes` is the path in the order visited. `length_us` is None while it runs and where no length can be told.
    """

    flow: str
    version: str
    ordinal: int
    entered_time_us: int | None
    exited_time_us: int | None
    inferred: bool
    length_us: int | None
    nodes: tuple[str, ...]
    self_served: bool
    events: tuple[Observed, ...]
