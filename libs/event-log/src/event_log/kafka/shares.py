"""How a topic's partitions are shared among relays, and what a new sharing takes over from the old one; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from event_log.kafka.window import Checkpoint
from event_log.model import Cursor


@dataclass(frozen=True, slots=True)
class Share:
    """The n-th of so many equal parts of a topic's partitions; 1 of 1 is the whole."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> "Share":
        """Return the share that `2/3` names; raise ValueError with a sentence."""
        number, slash, of = text.partition("/")
        if not (slash and number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
            raise ValueError("a share is written n/k, with n from 1 to k")
        return cls(int(number), int(of))

    def partitions(self, count: int) -> range:
        """Return its partitions of a topic that has so many."""
        return range(self.number - 1, count, self.of)


def taken_over(held: Sequence[Checkpoint | None], partitions: Sequence[int]) -> Checkpoint | None:
    """Return where new partitions begin after the old shares; None: at the beginning of the log.

    What a partition was sent beyond that place is not sent to it again: its `prev` says so.
    """
    known = [checkpoint for checkpoint in held if checkpoint is not None]
    prevs: Mapping[int, int] = {partition: prev for one in known for partition, prev in one.prevs.items()}
    logs = {(one.cursor.log_id, one.cursor.incarnation) for one in known}
    if len(known) < len(held) or len(logs) != 1 or not set(partitions) <= set(prevs):
        return None
    ((log_id, incarnation),) = logs
    position = min(one.cursor.position for one in known)
    return Checkpoint(Cursor(log_id, incarnation, position), {number: prevs[number] for number in partitions})
