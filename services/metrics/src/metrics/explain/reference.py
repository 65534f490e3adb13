"""An event by where it stands, and how far logs are read: what explanations name; no I/O."""

from dataclasses import dataclass
from typing import Self

from contact_life.observed import Observed
from event_log.model import Event


@dataclass(frozen=True, slots=True)
class Reference:
    """An event by its log and place there."""

    log_id: str
    event_id: str
    position: int
    type: str
    event_time_us: int

    @classmethod
    def of(cls, log_id: str, event: Observed | Event) -> Self:
        """Return the reference of an event of a log."""
        return cls(log_id, str(event.event_id), event.position, event.type, event.event_time_us)


@dataclass(frozen=True, slots=True)
class Reached:
    """How far facts are whole: in the log of what was told, and in that of what routing decided; None: not at all."""

    told_log: str
    told: int | None
    decided_log: str = ""
    decided: int | None = None
