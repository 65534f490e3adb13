"""The events of a generated day: made here, and kept by when their source tells them."""

from dataclasses import dataclass
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from contact_life import identity
from holdfast.call_events.v1 import leg_pb2
from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactAlias, ContactEvent, ContactName
from holdfast.call_events.v1.observation_pb2 import TIME_PRECISION_MILLISECOND, Observation
from holdfast_cli.generating.plan import PHONE_SOURCE
from holdfast_cli.importing.event_ids import EventIds

MILLISECOND_US: Final = 1_000
OBSERVED: Final = Observation(time_precision=TIME_PRECISION_MILLISECOND)


@dataclass(slots=True)
class Contact:
    """A generated contact: the phone system's name of it, its id, and how many events were told of it.

    The customer is on `customer_leg`: the leg of their own call, or that of the call back.
    """

    native_id: str
    contact_id: str
    customer_leg: str
    customer_role: leg_pb2.LegRole.ValueType = leg_pb2.LEG_ROLE_CALLER
    told: int = 0

    def next_number(self) -> str:
        """Return the number of the contact's next event."""
        self.told += 1
        return str(self.told)


class Facts:
    """Makes the events of one day; times are milliseconds from that day's beginning."""

    def __init__(self, tenant: str, day_us: int, name: str) -> None:
        """Begin a day at an instant; `name` is what its native ids begin with."""
        self._tenant = tenant
        self._day_us = day_us
        self._name = name
        self._contacts = 0
        self._of_agents = 0
        self._told: list[tuple[int, int, ContactEvent | AgentEvent]] = []

    def contact(self) -> Contact:
        """Return a new contact."""
        self._contacts += 1
        native_id = f"{self._name}.{self._contacts}"
        return Contact(native_id, identity.contact_id(self._tenant, PHONE_SOURCE, native_id), native_id)

    def visit_id(self, contact: Contact, queue: str, time_ms: int) -> str:
        """Return the id of a queue visit begun at a time."""
        return identity.queue_visit_id(contact.contact_id, queue, self._us(time_ms))

    def assignment_id(self, contact: Contact, agent: str, time_ms: int) -> str:
        """Return the id of an agent's spell begun at a time."""
        return identity.assignment_id(contact.contact_id, agent, self._us(time_ms))

    def transfer_id(self, contact: Contact, agent: str, time_ms: int) -> str:
        """Return the id of a transfer begun at a time."""
        return identity.transfer_id(contact.contact_id, agent, self._us(time_ms))

    def second(self, time_ms: int) -> int:
        """Return the whole second of a time, since 1970 UTC."""
        return self._us(time_ms) // 1_000_000

    def tell(self, contact: Contact, time_ms: int, **body: object) -> None:
        """The phone system tells of a contact, at once; `body` is the one field that holds what happened."""
        name = ContactName(contact_id=contact.contact_id)
        self._contact_event(contact, PHONE_SOURCE, name, time_ms, time_ms, body)

    def tell_late(self, contact: Contact, source_id: str, time_ms: int, late_ms: int, **body: object) -> None:
        """Another source tells of a contact, later, by the phone system's name of it."""
        name = ContactName(alias=ContactAlias(native_id=contact.native_id, source_id=PHONE_SOURCE))
        self._contact_event(contact, source_id, name, time_ms, time_ms + late_ms, body)

    def tell_agent(self, agent: str, time_ms: int, **body: object) -> None:
        """The phone system tells of an agent."""
        self._of_agents += 1
        (kind,) = body
        event = AgentEvent(
            event_id=EventIds(PHONE_SOURCE, f"{self._name}/{agent}").of(kind, str(self._of_agents)),
            event_time=self._timestamp(time_ms),
            source_id=PHONE_SOURCE,
            **body,  # type: ignore[arg-type] # the name of the field is the caller's
        )
        self._told.append((time_ms, len(self._told), event))

    def in_turn(self) -> list[ContactEvent | AgentEvent]:
        """Return the day's events in the order in which they are told."""
        return [event for _, _, event in sorted(self._told, key=lambda told: told[:2])]

    def _contact_event(
        self, contact: Contact, source_id: str, name: ContactName, time_ms: int, told_ms: int, body: dict[str, object]
    ) -> None:
        (kind,) = body
        event = ContactEvent(
            event_id=EventIds(source_id, contact.native_id).of(kind, contact.next_number()),
            contact=name,
            event_time=self._timestamp(time_ms),
            source_id=source_id,
            **body,  # type: ignore[arg-type] # the name of the field is the caller's
        )
        self._told.append((told_ms, len(self._told), event))

    def _us(self, time_ms: int) -> int:
        return self._day_us + time_ms * MILLISECOND_US

    def _timestamp(self, time_ms: int) -> Timestamp:
        seconds, micros = divmod(self._us(time_ms), 1_000_000)
        return Timestamp(seconds=seconds, nanos=micros * 1000)
