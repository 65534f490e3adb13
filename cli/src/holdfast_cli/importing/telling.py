"""What an import has to tell, and what came of it. Data only: no file and no wire stands here."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactEvent


@dataclass(frozen=True, slots=True)
class Telling:
    """What one record (a row, a call, a line about an agent) amounts to.

    `read` is the share of the file, 0 to 1, that had been read when it was told; `contact` is False for what is told
    of agents and of the source alone.
    """

    contact_events: Sequence[ContactEvent] = ()
    agent_events: Sequence[AgentEvent] = ()
    contact: bool = False
    read: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is. `read` is the share of the file acknowledged, 0 to 1; `seconds_left` is None at first."""

    read: float
    events: int
    seconds: float
    events_per_second: float
    seconds_left: float | None


@dataclass(slots=True)
class ImportSummary:
    """What an import came to.

    `events` is what the file tells, `recorded` what stands in the log only now, `duplicates` what stood there before,
    `skipped` what an interrupted import had seen acknowledged; `refused` and `notes` count by call-events' own words.
    Their sum recorded + duplicates + skipped + all refused is `events`. `oddities` counts what was odd in the file by
    the names that the format documents, `oddity_lines` has the first lines that show each.
    """

    contacts: int = 0
    events: int = 0
    recorded: int = 0
    duplicates: int = 0
    skipped: int = 0
    seconds: float = 0.0
    refused: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    oddities: Counter[str] = field(default_factory=Counter)
    oddity_lines: dict[str, list[int]] = field(default_factory=dict)

    @property
    def events_per_second(self) -> float:
        """Events acknowledged in this run per second of it; 0 for none."""
        told = self.events - self.skipped
        return told / self.seconds if self.seconds > 0 else 0.0
