"""Tellings in batches: few enough events for one request, and the point in the file that a batch completes. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactEvent
from holdfast_cli.importing.telling import Telling


@dataclass(slots=True)
class Batch:
    """Events that are told together. When all are acknowledged, the file is told up to telling `tellings`."""

    tellings: int
    contact_events: list[ContactEvent] = field(default_factory=list)
    agent_events: list[AgentEvent] = field(default_factory=list)
    contacts: int = 0
    read: float = 0.0

    @property
    def events(self) -> int:
        """How many events it holds."""
        return len(self.contact_events) + len(self.agent_events)

    def takes(self, telling: Telling, most: int) -> bool:
        """Whether a telling fits; an empty batch takes any."""
        contact_events = len(self.contact_events) + len(telling.contact_events)
        agent_events = len(self.agent_events) + len(telling.agent_events)
        return not self.events or (contact_events <= most and agent_events <= most)

    def add(self, telling: Telling) -> None:
        """Take a telling."""
        self.tellings += 1
        self.contact_events += telling.contact_events
        self.agent_events += telling.agent_events
        self.contacts += telling.contact
        self.read = telling.read


def batches_of(tellings: Iterable[Telling], most: int, start: int = 0) -> Iterator[Batch]:
    """Give tellings in batches of at most `most` events of a kind; only a single telling of more makes a bigger one.

    `start` is how many tellings of the file come before the first one given.
    """
    batch = Batch(start)
    for telling in tellings:
        if not batch.takes(telling, most):
            told = batch.tellings
            yield batch
            batch = Batch(told)
        batch.add(telling)
    if batch.events:
        yield batch


class Acknowledged:
    """How many tellings are acknowledged without a gap, though batches are acknowledged in any order."""

    def __init__(self, tellings: int = 0) -> None:
        """Begin with what was acknowledged before."""
        self.tellings = tellings
        self._sent: dict[int, bool] = {}

    def sent(self, batch: Batch) -> None:
        """A batch is on its way; batches are told here in order."""
        self._sent[batch.tellings] = False

    def acknowledge(self, batch: Batch) -> None:
        """A batch is acknowledged."""
        self._sent[batch.tellings] = True
        for tellings in list(self._sent):
            if not self._sent[tellings]:
                return
            del self._sent[tellings]
            self.tellings = tellings
