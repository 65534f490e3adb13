"""What happens by itself, and when. Ties are in the order of the log."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from heapq import heapify, heappop, heappush
from typing import Final, TypeAlias


class DueKind(IntEnum):
    """What is due."""

    RESERVATION = 1
    """A reservation's deadline, or that of its bridge; of a reservation."""
    STEP = 2
    """The next step of a visit; of a contact."""
    WAIT = 3
    """The longest wait of a visit; of a contact."""
    AGAIN = 4
    """A contact may be offered again to an agent who did not take it; of a contact."""
    SPELL = 5
    """The end of a spell; of an agent."""
    CONTACT = 6
    """The longest life of the contact that was admitted first, when this was awaited; there is one for all of them."""
    DOUBT = 8
    """A source that lost events never said what lives; of a source."""


Due: TypeAlias = tuple[int, int, DueKind, str]
"""When (microseconds), turn, what, whose."""
_FEWEST: Final = 4_096


@dataclass(slots=True)
class Dues:
    """A heap of dues. What has become pointless stays until its time or until there is too much of it."""

    heap: list[Due] = field(default_factory=list)
    turn: int = 0
    bound: int = _FEWEST

    def add(self, due_us: int, kind: DueKind, key: str) -> None:
        """Something will be due."""
        self.turn += 1
        heappush(self.heap, (due_us, self.turn, kind, key))

    def pop(self, now_us: int) -> Due | None:
        """Take the first that is due by now."""
        return heappop(self.heap) if self.heap and self.heap[0][0] <= now_us else None

    def tidy(self, matters: Callable[[Due], bool]) -> None:
        """Drop what no longer matters once there is twice as much as after the last time: O(1) a due on average."""
        if len(self.heap) > self.bound:
            self.heap = [due for due in self.heap if matters(due)]
            heapify(self.heap)
            self.bound = max(_FEWEST, 2 * len(self.heap))
