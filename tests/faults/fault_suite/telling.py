"""What the load tells: contacts of a few queues, each in some calls that follow each other; drawn by chance, no I/O.

Every spell is named by its teller, so that a plain count of events says what the figures must be, whatever their order.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from holdfast.call_events.v1 import leg_pb2, queueing_pb2
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent

SOURCE = "pbx"
FOREIGN_SOURCE = "somebody-else"
NOON_US = 1_767_614_400_000_000
"""2026-01-05T12:00:00Z, a Monday."""
SECOND = 1_000_000
QUEUES = ("sales", "service", "help", "cards")
AGENTS = ("anna", "ben", "carla", "david", "eli", "fatma")
ABANDONING = 0.25
FOREIGN = 0.03
"""The chance that a call carries an event that must be refused."""


@dataclass
class Storyteller:
    """Makes up contacts. `step_us`: by how much the source's clock is wrong; `muddled`: the chance that it shuffles."""

    chance: Random
    step_us: int = 0
    muddled: float = 0.1
    _contacts: int = field(default=0, init=False)

    def contact(self) -> "list[list[ContactEvent]]":
        """Return a contact's events call by call."""
        self._contacts += 1
        contact, queue = self._id(), self.chance.choice(QUEUES)
        start = self.chance.randint(0, 3_000) * SECOND
        wait = self.chance.randint(1, 90) * SECOND
        arriving = [
            self._event(contact, start, contact_arrived={"service_number": "+498001234", "native_id": contact}),
            self._event(contact, start + SECOND, enqueued={"queue": queue, "visit_id": contact}),
        ]
        ending = self._left if self.chance.random() < ABANDONING else self._served
        calls = [arriving, *ending(contact, queue, start + SECOND + wait)]
        return [self._muddle(call) for call in calls]

    def foreign(self, contact: str) -> ContactEvent | None:
        """Return, now and then, an event that is not ours to tell."""
        if self.chance.random() >= FOREIGN:
            return None
        event = self._event(contact, 0, note_added={"text": "not ours"})
        event.source_id = FOREIGN_SOURCE
        return event

    def note(self) -> ContactEvent:
        """Return the one event of a contact that nothing else happens to."""
        return self._event(self._id(), 0, note_added={"text": "is anybody there"})

    def _left(self, contact: str, queue: str, at: int) -> "list[list[ContactEvent]]":
        kind = queueing_pb2.DEQUEUE_KIND_ABANDONED
        return [[self._event(contact, at, dequeued={"queue": queue, "visit_id": contact, "kind": kind})]]

    def _served(self, contact: str, queue: str, at: int) -> "list[list[ContactEvent]]":
        agent, end = self.chance.choice(AGENTS), at + self.chance.randint(5, 300) * SECOND
        spell: dict[str, Any] = {"assignment_id": self._id(), "agent": agent}
        leg = {"leg_id": "a", "role": leg_pb2.LEG_ROLE_AGENT, **spell}
        kind = queueing_pb2.DEQUEUE_KIND_ANSWERED
        answered = [
            self._event(contact, at, dequeued={"queue": queue, "visit_id": contact, "kind": kind}),
            self._event(contact, at, leg_answered={**leg, "visit_id": contact}),
            self._event(contact, at, bridged={"peer_leg_id": "a", "queue": queue, "visit_id": contact, **spell}),
        ]
        return [answered, [self._event(contact, end, leg_ended=leg)]]

    def _muddle(self, call: list[ContactEvent]) -> list[ContactEvent]:
        return self.chance.sample(call, len(call)) if self.chance.random() < self.muddled else call

    def _event(self, contact: str, after_us: int, **body: Any) -> ContactEvent:
        event = ContactEvent(event_id=self._id(), source_id=SOURCE, **body)
        event.contact.contact_id = contact
        event.event_time.FromMicroseconds(NOON_US + after_us + self.step_us)
        return event

    def _id(self) -> str:
        return str(UUID(bytes=self.chance.randbytes(16), version=4))
