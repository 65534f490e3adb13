"""A row of the bank's archive as the events of a contact. Pure; the row's meaning is in `bank_row`.

A month makes a quarter of a million events, so what all of them share is built once. The revision in an event's id
holds what the row told of it: the same row, written differently, is the same events; a corrected one is others.
"""

from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from contact_life import identity
from holdfast.call_events.v1.arrival_pb2 import ContactArrived, CustomerIdentified
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent, ContactName
from holdfast.call_events.v1.ivr_pb2 import FlowEntered, FlowExited
from holdfast.call_events.v1.leg_pb2 import LEG_ROLE_AGENT, LegAnswered, LegEnded
from holdfast.call_events.v1.observation_pb2 import (
    DIRECTION_CALLBACK,
    DIRECTION_INBOUND,
    TIME_PRECISION_SECOND,
    Observation,
)
from holdfast.call_events.v1.queueing_pb2 import (
    DEQUEUE_KIND_ABANDONED,
    DEQUEUE_KIND_ANSWERED,
    Dequeued,
    Enqueued,
)
from holdfast.call_events.v1.talk_pb2 import Bridged
from holdfast_cli.importing.bank_row import Instants, Row, is_rounded
from holdfast_cli.importing.event_ids import EventIds
from holdfast_cli.importing.local_days import LocalDays

FLOW: Final = "vru"
RETURNED_CALLS: Final = "TT"
"""The type of calls that the bank returned; their direction is callback."""
AGENT_LEG: Final = "agent"
_SECOND_US: Final = 1_000_000
_OBSERVED: Final = Observation(time_precision=TIME_PRECISION_SECOND)
_ENTERED: Final = FlowEntered(observation=_OBSERVED, flow=FLOW)


class BankEvents:
    """Turns rows into events, for one tenant and source."""

    def __init__(self, *, tenant: str, source_id: str, days: LocalDays) -> None:
        """Begin; `days` knows the wall clock of the archive."""
        self._tenant = tenant
        self._source_id = source_id
        self._days = days

    def of(self, row: Row, instants: Instants) -> list[ContactEvent]:
        """Return the events of a row, in the order of a call's life; ValueError if its date does not exist."""
        told = _Told(self._source_id, row, identity.contact_id(self._tenant, self._source_id, row.native_id))
        offset = self._days.instant(row.date, instants.entry) - instants.entry
        told.arrival(instants.entry + offset)
        told.flow(instants.entry + offset, instants.flow_exit + offset)
        if instants.enqueued is not None and instants.dequeued is not None:
            told.wait(instants.enqueued + offset, instants.dequeued + offset)
        if instants.answered is not None and instants.ended is not None:
            told.service(instants.answered + offset, instants.ended + offset)
        return told.events


def customer_of(row: Row) -> str:
    """Return the customer of a row as the bank names people; empty if unknown, or rounded beyond recognition."""
    return "" if not row.customer.strip("0") or is_rounded(row.customer) else row.customer


class _Told:
    """The events of one row while they are made; instants in seconds since 1970 UTC."""

    __slots__ = ("_contact", "_ids", "_name", "_row", "_source_id", "_visit", "events")

    def __init__(self, source_id: str, row: Row, contact: str) -> None:
        self._source_id = source_id
        self._row = row
        self._contact = contact
        self._name = ContactName(contact_id=contact)
        self._ids = EventIds(source_id, row.native_id)
        self._visit = ""
        self.events: list[ContactEvent] = []

    def arrival(self, entry: int) -> None:
        row = self._row
        direction = DIRECTION_CALLBACK if row.queue == RETURNED_CALLS else DIRECTION_INBOUND
        arrived = ContactArrived(observation=_OBSERVED, direction=direction, native_id=row.native_id)
        self._add("ContactArrived", entry, f"{entry}/{direction}", contact_arrived=arrived)
        customer = customer_of(row)
        if customer:
            identified = CustomerIdentified(observation=_OBSERVED, customer_ref=customer, method="typed_id")
            self._add("CustomerIdentified", entry, f"{entry}/{customer}", customer_identified=identified)

    def flow(self, entry: int, left: int) -> None:
        queue = self._row.queue
        self._add("FlowEntered", entry, f"{entry}", flow_entered=_ENTERED)
        exited = FlowExited(observation=_OBSERVED, flow=FLOW, queue=queue)
        self._add("FlowExited", left, f"{left}/{queue}", flow_exited=exited)

    def wait(self, enqueued: int, dequeued: int) -> None:
        row = self._row
        self._visit = visit = identity.queue_visit_id(self._contact, row.queue, enqueued * _SECOND_US)
        begun = Enqueued(observation=_OBSERVED, visit_id=visit, queue=row.queue, priority=row.priority)
        self._add("Enqueued", enqueued, f"{enqueued}/{row.queue}/{row.priority}", enqueued=begun)
        kind = DEQUEUE_KIND_ANSWERED if row.outcome == "AGENT" else DEQUEUE_KIND_ABANDONED
        ended = Dequeued(observation=_OBSERVED, visit_id=visit, queue=row.queue, kind=kind)
        self._add("Dequeued", dequeued, f"{dequeued}/{visit}/{kind}", dequeued=ended)

    def service(self, answered: int, ended: int) -> None:
        agent, queue, visit = self._row.server, self._row.queue, self._visit
        spell = identity.assignment_id(self._contact, agent, answered * _SECOND_US)
        on_answer = LegAnswered(
            observation=_OBSERVED,
            leg_id=AGENT_LEG,
            role=LEG_ROLE_AGENT,
            agent=agent,
            assignment_id=spell,
            visit_id=visit,
        )
        self._add("LegAnswered", answered, f"{spell}/{visit}", leg_answered=on_answer)
        bridged = Bridged(
            observation=_OBSERVED, peer_leg_id=AGENT_LEG, agent=agent, assignment_id=spell, visit_id=visit, queue=queue
        )
        self._add("Bridged", answered, f"{spell}/{visit}", bridged=bridged)
        on_end = LegEnded(
            observation=_OBSERVED, leg_id=AGENT_LEG, role=LEG_ROLE_AGENT, agent=agent, assignment_id=spell
        )
        self._add("LegEnded", ended, f"{ended}/{spell}", leg_ended=on_end)

    def _add(self, kind: str, instant: int, revision: str, **body: object) -> None:
        """Add an event; `body` is the one field that holds what happened."""
        event = ContactEvent(
            event_id=self._ids.of(kind, revision),
            contact=self._name,
            event_time=Timestamp(seconds=instant),
            source_id=self._source_id,
            **body,  # type: ignore[arg-type] # the name of the field is the caller's
        )
        self.events.append(event)
