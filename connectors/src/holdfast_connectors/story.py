"""What happens to one contact, as events of call-events. Ids follow from what is told: told again it is the same event.

The phone system's own clock is in every event; the count of the source's events is the teller's business.
"""

from typing import Any, Final

from contact_life import identity
from holdfast.call_events.v1 import (
    after_pb2,
    arrival_pb2,
    contact_event_pb2,
    leg_pb2,
    observation_pb2,
    queueing_pb2,
    talk_pb2,
)
from holdfast.ivr_routing.v1 import instruction_pb2

_US: Final = 1_000_000


def inferred(ended: contact_event_pb2.ContactEvent) -> contact_event_pb2.ContactEvent:
    """Say of a leg's end that nobody told it: neither how it came about, nor by whom, nor why."""
    leg = ended.leg_ended
    for unknown in ("ended_how", "release_side", "end_cause", "instruction_id"):
        leg.ClearField(unknown)
    leg.observation.inferred = True
    return ended


class Story:
    """Makes the events of one contact; each method gives one event that happened at `at_us`."""

    def __init__(self, source_id: str, native_id: str) -> None:
        """Begin a contact that the source calls by its first leg's id."""
        self._source = source_id
        self.native_id = native_id
        self.led_by = ""
        """The instruction that is carried out."""
        self._caused: dict[str, str] = {}
        """Instructions by the legs that were set up for them."""

    def arrived(self, at_us: int, service_number: str, number: str) -> contact_event_pb2.ContactEvent:
        """A customer called."""
        body = arrival_pb2.ContactArrived(
            direction=observation_pb2.DIRECTION_INBOUND, service_number=service_number, native_id=self.native_id
        )
        body.caller.number = number
        return self._event(at_us, "contact_arrived", self.native_id, contact_arrived=body)

    def leg_created(
        self, at_us: int, leg_id: str, role: "leg_pb2.LegRole.ValueType", ring: instruction_pb2.Ring | None = None
    ) -> contact_event_pb2.ContactEvent:
        """A leg was set up; for an agent's the ring that asked for it."""
        body = leg_pb2.LegCreated(leg_id=leg_id, role=role)
        if ring is not None:
            body.endpoint, body.agent, body.reservation_id = ring.endpoint, ring.agent, ring.reservation_id
        if role != leg_pb2.LEG_ROLE_CALLER:
            body.instruction_id = self._caused[leg_id] = self.led_by
        return self._event(at_us, "leg_created", leg_id, leg_created=body)

    def enqueued(self, at_us: int, music: instruction_pb2.QueueMusic) -> contact_event_pb2.ContactEvent:
        """The caller began to wait."""
        body = queueing_pb2.Enqueued(visit_id=music.visit_id, queue=music.queue, priority=music.priority)
        return self._event(at_us, "enqueued", music.visit_id, enqueued=body)

    def dequeued(
        self, at_us: int, music: instruction_pb2.QueueMusic, kind: "queueing_pb2.DequeueKind.ValueType"
    ) -> contact_event_pb2.ContactEvent:
        """The caller waits no longer."""
        body = queueing_pb2.Dequeued(visit_id=music.visit_id, queue=music.queue, kind=kind)
        return self._event(at_us, "dequeued", music.visit_id, dequeued=body)

    def ringing(self, at_us: int, leg_id: str, ring: instruction_pb2.Ring) -> contact_event_pb2.ContactEvent:
        """An agent's endpoint rings."""
        body = leg_pb2.LegRinging(leg_id=leg_id, role=leg_pb2.LEG_ROLE_AGENT, agent=ring.agent)
        body.instruction_id = self._caused.get(leg_id, "")
        body.visit_id, body.reservation_id = ring.visit_id, ring.reservation_id
        return self._event(at_us, "leg_ringing", leg_id, leg_ringing=body)

    def answered(self, at_us: int, leg_id: str, ring: instruction_pb2.Ring) -> contact_event_pb2.ContactEvent:
        """An agent's endpoint was answered."""
        body = leg_pb2.LegAnswered(leg_id=leg_id, role=leg_pb2.LEG_ROLE_AGENT, agent=ring.agent)
        body.instruction_id = self._caused.get(leg_id, "")
        body.visit_id, body.reservation_id = ring.visit_id, ring.reservation_id
        return self._event(at_us, "leg_answered", leg_id, leg_answered=body)

    def reached(self, at_us: int, leg_id: str) -> contact_event_pb2.ContactEvent:
        """A customer who was called answered."""
        body = leg_pb2.LegAnswered(leg_id=leg_id, role=leg_pb2.LEG_ROLE_CALLBACK)
        body.instruction_id = self._caused.get(leg_id, "")
        return self._event(at_us, "leg_answered", leg_id, leg_answered=body)

    def bridged(
        self, at_us: int, leg_id: str, ring: instruction_pb2.Ring, customer_leg: str = ""
    ) -> contact_event_pb2.ContactEvent:
        """The customer, on the caller's leg if on no other, and an agent hear each other."""
        customer = customer_leg or self.native_id
        body = talk_pb2.Bridged(leg_id=customer, peer_leg_id=leg_id, agent=ring.agent, queue=ring.queue)
        body.instruction_id = self._caused.get(leg_id, "")
        body.visit_id, body.reservation_id = ring.visit_id, ring.reservation_id
        return self._event(at_us, "bridged", leg_id, bridged=body)

    def leg_ended(
        self,
        at_us: int,
        leg_id: str,
        role: "leg_pb2.LegRole.ValueType",
        side: "observation_pb2.ReleaseSide.ValueType",
        *,
        agent: str = "",
        cause: str = "16",
    ) -> contact_event_pb2.ContactEvent:
        """A leg ended, by whom and why (Q.850); whom the platform let go, it did by an instruction, if by any."""
        how = observation_pb2.ENDED_HOW_RECEIVED_BYE
        body = leg_pb2.LegEnded(leg_id=leg_id, role=role, agent=agent, ended_how=how, release_side=side)
        if side == observation_pb2.RELEASE_SIDE_PLATFORM:
            body.ended_how = observation_pb2.ENDED_HOW_SENT_BYE
            body.instruction_id = self._caused.get(leg_id, self.led_by)
        body.end_cause.protocol, body.end_cause.code = "q850", cause
        return self._event(at_us, "leg_ended", leg_id, leg_ended=body)

    def wrap_up_started(self, at_us: int, agent: str, spell: str) -> contact_event_pb2.ContactEvent:
        """An agent works after the contact."""
        return self._event(at_us, "wrap_up_started", spell, wrap_up_started=after_pb2.WrapUpStarted(agent=agent))

    def wrap_up_ended(self, at_us: int, agent: str, spell: str) -> contact_event_pb2.ContactEvent:
        """An agent is done with the contact."""
        return self._event(at_us, "wrap_up_ended", spell, wrap_up_ended=after_pb2.WrapUpEnded(agent=agent))

    def _event(self, at_us: int, kind: str, native_id: str, **body: Any) -> contact_event_pb2.ContactEvent:
        event = contact_event_pb2.ContactEvent(
            event_id=identity.event_id(self._source, native_id, kind), source_id=self._source, **body
        )
        event.contact.alias.native_id = self.native_id
        event.event_time.FromMicroseconds(at_us)
        return event
