"""What agents' desktops are told of reservations, with what is known of the contact at that moment. Pure."""

from typing import Final

from holdfast.ivr_routing.v1 import agent_service_pb2 as pb
from ivr_routing.core import events as e
from ivr_routing.core.reservation import Reservation
from ivr_routing.core.words import ExpiryKind
from ivr_routing.loop.call import Call
from ivr_routing.loop.desk import Decided, Desk

_ENDS: Final = {
    e.ReservationAccepted: "accepted",
    e.ReservationRejected: "rejected",
    e.ReservationRescinded: "rescinded",
    e.ReservationCancelled: "cancelled",
    e.ReservationBridged: "bridged",
    e.ReservationBridgeFailed: "bridge_failed",
}


def news(desk: Desk, event: Decided) -> pb.WatchReservationsResponse | None:
    """What an event tells the agent whom it concerns; None if it concerns none."""
    if isinstance(event, e.ReservationCreated):
        held = desk.core.reservations.get(event.reservation_id)
        return offered(desk, held) if held is not None else None
    end = _end_of(event)
    if not end:
        return None
    ended = pb.ReservationEnd(reservation_id=event.reservation_id, end=end)  # type: ignore[union-attr]  # by _end_of
    return pb.WatchReservationsResponse(ended=ended, agent=event.agent)  # type: ignore[union-attr]  # the same


def offered(desk: Desk, held: Reservation) -> pb.WatchReservationsResponse:
    """The news that a contact is held for an agent."""
    return pb.WatchReservationsResponse(offered=offer(desk, held), agent=held.agent)


def _end_of(event: Decided) -> str:
    if isinstance(event, e.ReservationExpired):
        return "rona" if event.kind is ExpiryKind.RONA else "offer_failed"
    return _ENDS.get(type(event), "")


def offer(desk: Desk, held: Reservation) -> pb.ReservationOffer:
    """A contact held for an agent."""
    made = pb.ReservationOffer(
        reservation_id=held.reservation_id, contact_id=held.contact_id, queue=held.queue, endpoint=held.endpoint
    )
    made.deadline.FromMicroseconds(held.deadline_us)
    call = desk.calls.get(held.contact_id)
    if call is not None:
        made.context.CopyFrom(context(desk, call))
    return made


def context(desk: Desk, call: Call) -> pb.ContactContext:
    """What an agent is shown of a contact; nothing sensitive is known here."""
    made = pb.ContactContext(
        caller_ref=call.caller_ref,
        customer_ref=call.customer_ref,
        identified_by=call.identified_by,
        service_number=call.service_number,
        language=call.language,
        flow=f"{call.flow} {call.version}".strip(),
        path=call.path,
        attributes=call.known,
        notes=call.notes.values(),
    )
    made.arrived_time.FromMicroseconds(call.admitted_us)
    contact = desk.core.contacts.get(call.contact_id)
    if contact is not None and contact.visit is not None:
        made.enqueued_time.FromMicroseconds(contact.visit.opened_us)
    for earlier in desk.history.of(call):
        one = made.earlier_contacts.add(
            contact_id=earlier.contact_id, queue=earlier.queue, agent=earlier.agent, end=earlier.end
        )
        one.arrived_time.FromMicroseconds(earlier.admitted_us)
    return made
