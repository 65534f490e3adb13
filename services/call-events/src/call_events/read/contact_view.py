"""A contact's state as the proto tells it. Pure."""

from collections.abc import Iterable

from call_events.read import event_view
from call_events.read.event_view import write_time
from contact_life.assignment import Assignment
from contact_life.contact import Contact
from contact_life.leg import Leg
from contact_life.visit import Visit
from contact_life.words import Direction
from event_log.model import Event
from holdfast.call_events.v1 import contact_pb2 as pb


def contact(state: Contact, root_contact_id: str) -> pb.Contact:
    """The contact; `root_contact_id` is the one that its links lead to."""
    found = pb.Contact(
        contact_id=state.contact_id,
        root_contact_id=root_contact_id,
        phase=state.phase,
        end=state.end,
        direction=state.direction or Direction.INBOUND,  # type: ignore[arg-type]  # a number, newer ones too
        caller_ref=state.caller_ref,
        customer_ref=state.customer_ref,
        service_number=state.service_number,
        source_id=state.source_id,
        queue_visits=[_visit(visit) for visit in state.visits],
        assignments=[_assignment(spell) for spell in state.assignments],
        legs=[_leg(leg) for leg in state.legs],
        anomalies=[pb.Anomaly(rule=a.rule, detail=a.detail, event_ids=a.event_ids) for a in state.anomalies],
        reason=state.reason,
        closed=state.closed,
    )
    write_time(found.arrived_time, state.arrived_time_us)
    write_time(found.ended_time, state.ended_time_us)
    return found


def _visit(visit: Visit) -> pb.QueueVisit:
    found = pb.QueueVisit(
        visit_id=visit.visit_id,
        queue=visit.queue,
        ordinal=visit.ordinal,
        dequeue_kind=visit.dequeue_kind,  # type: ignore[arg-type]  # a number, newer ones too
        wait_us=visit.wait_us,
        wait_clock=visit.wait_clock,
        priority=visit.priority,
    )
    write_time(found.enqueued_time, visit.enqueued_time_us)
    write_time(found.dequeued_time, visit.dequeued_time_us)
    return found


def _assignment(spell: Assignment) -> pb.Assignment:
    found = pb.Assignment(
        assignment_id=spell.assignment_id,
        agent=spell.agent,
        ordinal=spell.ordinal,
        visit_id=spell.visit_id,
        queue=spell.queue,
        talk_us=spell.talk_us or 0,
        hold_us=spell.hold_us or 0,
        wrap_up_us=spell.wrap_up_us or 0,
        handle_us=spell.handle_us or 0,
        disposition=spell.disposition,
    )
    write_time(found.started_time, spell.started_time_us)
    write_time(found.bridged_time, spell.bridged_time_us)
    write_time(found.talk_ended_time, spell.talk_ended_time_us)
    write_time(found.ended_time, spell.ended_time_us)
    return found


def _leg(leg: Leg) -> pb.Leg:
    found = pb.Leg(
        leg_id=leg.leg_id,
        role=leg.role,  # type: ignore[arg-type]  # a number, newer ones too
        agent=leg.agent,
        ended_how=leg.ended_how,  # type: ignore[arg-type]  # a number, newer ones too
        release_side=leg.release_side,  # type: ignore[arg-type]  # a number, newer ones too
    )
    cause = leg.end_cause
    if cause.protocol or cause.code or cause.text:
        found.end_cause.protocol, found.end_cause.code, found.end_cause.text = cause.protocol, cause.code, cause.text
    write_time(found.created_time, leg.created_time_us)
    write_time(found.ringing_time, leg.ringing_time_us)
    write_time(found.answered_time, leg.answered_time_us)
    write_time(found.ended_time, leg.ended_time_us)
    return found


def timeline(state: Contact, events: Iterable[Event], *, with_position: bool) -> list[pb.RecordedContactEvent]:
    """The contact's events in the order of the fold, with those that were voided."""
    by_id = {str(event.event_id): event for event in reversed(tuple(events))}
    return [
        event_view.contact_event(
            by_id[seen.event_id], with_position=with_position, voided=seen.event_id in state.voided
        )
        for seen in state.timeline
    ]
