"""What is doubted of a source: it told that it lost events, and has not said what lives. Changed by evolve alone."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Doubt:
    """One gap. `gap_us` is of the source's clock, the others are routing's; microseconds since 1970 UTC."""

    source_id: str
    gap_us: int
    since_us: int
    due_us: int
