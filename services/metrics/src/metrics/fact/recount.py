"""Rows of one contact's facts by the full rules, event by event; for contacts that columns cannot fold.

The rules are `contact_life`'s; here its state only becomes rows. Columns that are the fold's memory stay empty: such
a contact is folded from all its events each time.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import polars as pl

from contact_life.assignment import Assignment
from contact_life.contact import Anomaly, Contact
from contact_life.fold import fold_contact
from contact_life.leg import Leg
from contact_life.observed import Observed
from contact_life.transfer import Transfer
from contact_life.visit import Visit
from contact_life.words import (
    ContactLinkReason,
    DequeueKind,
    Direction,
    EndedHow,
    LegRole,
    ReleaseSide,
    TransferKind,
    TransferReason,
    word,
)
from metrics.fact.catalogue import CONTACT_FACTS
from metrics.fact.merge import stored_columns
from metrics.fact.surveyed import survey_rows
from metrics.fact.telling import column_dtype

Row = dict[str, Any]


def recounted(tenant: str, contact_id: str, events: Iterable[Observed]) -> dict[str, list[Row]]:
    """Return the rows of a contact by name of fact; columns that are left out are absent."""
    contact = fold_contact(contact_id, events)
    valid = [event for event in contact.timeline if event.event_id not in contact.voided]
    key = {"tenant": tenant, "contact_id": contact_id}
    rows = {
        "contact": [_contact(contact, valid)],
        "contact_link": _links(valid),
        "leg": [_leg(leg) for leg in contact.legs],
        "queue_visit": [_visit(visit, contact) for visit in contact.visits],
        "assignment": [_assignment(spell) for spell in contact.assignments],
        "transfer": [_transfer(transfer) for transfer in contact.transfers],
        "survey": survey_rows(contact, valid),
        "anomaly": [_anomaly(number, found, contact) for number, found in enumerate(contact.anomalies, 1)],
    }
    return {name: [key | row for row in found] for name, found in rows.items()}


def frames_of(recounts: Sequence[dict[str, list[Row]]]) -> dict[str, pl.DataFrame]:
    """Return the rows of many contacts as frames by name of fact, in the form of the tables."""
    frames = {}
    for fact in CONTACT_FACTS:
        schema = {column.name: column_dtype(column) for column in fact.all_columns}
        rows = [row for recount in recounts for row in recount[fact.name]]
        told = pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)
        frames[fact.name] = told.select(stored_columns(fact))
    return frames


def _word(kind: Any, number: int) -> str:
    return word(kind, number) if number else ""


def _contact(contact: Contact, valid: Sequence[Observed]) -> Row:
    flow = contact.flows[0] if contact.flows else None
    first = _Told(valid)
    exits = first.of("FlowExited")
    return {
        "source_id": contact.source_id,
        "direction": _word(Direction, contact.direction),
        "service_number": contact.service_number,
        "caller_ref": contact.caller_ref,
        "customer_ref": contact.customer_ref,
        "language": contact.language,
        "reason": contact.reason,
        "resumes_contact_id": contact.resumes_contact_id,
        "flow": flow.flow if flow else "",
        "flow_version": flow.version if flow else "",
        "flow_queue": exits[-1].body.queue if exits else "",
        "arrived_time": contact.arrived_time_us,
        "flow_entered_time": min((at.time_us for at in first.of("FlowEntered")), default=None),
        "flow_exited_time": max((at.time_us for at in exits), default=None),
        "self_served_time": first.time("SelfServed"),
        "first_enqueued_time": first.time("Enqueued"),
        "bridged_time": min((spell.bridged_time_us for spell in contact.assignments), default=None),
        "voicemail_time": first.time("VoicemailLeft"),
        **_callback(first),
        "fault_time": first.time("SystemFaultReported"),
        "intervened_time": first.time("SupervisorIntervened"),
        "closed_time": contact.closed_time_us,
        **_extent(contact),
        "ended_time": contact.ended_time_us,
        "contact_end": str(contact.end),
        "anomalies": len(contact.anomalies),
        "irregular": True,
    }


def _extent(contact: Contact) -> Row:
    """Return the first and last instants and positions, of voided events too: they are part of its life in the log."""
    timeline = contact.timeline
    return {
        "first_time": min((event.time_us for event in timeline), default=None),
        "last_time": max((event.time_us for event in timeline), default=None),
        "first_position": min((event.position for event in timeline), default=0),
        "last_position": max((event.position for event in timeline), default=0),
    }


def _callback(told: "_Told") -> Row:
    requests = [event.body for event in told.of("CallbackRequested")]
    promised = [body.promised_time.ToMicroseconds() for body in requests if body.HasField("promised_time")]
    return {
        "callback_requested_time": told.time("CallbackRequested"),
        "callback_queue": max((body.queue for body in requests), default=""),
        "callback_promised_time": min(promised, default=None),
        "callback_completed_time": told.time("CallbackCompleted"),
        "callback_failed_time": told.time("CallbackFailed"),
    }


class _Told:
    """Valid events with a body, in canonical order, by type."""

    def __init__(self, events: Iterable[Observed]) -> None:
        self._events: dict[str, list[Observed]] = {}
        for event in events:
            if event.body is not None:
                self._events.setdefault(event.type, []).append(event)

    def of(self, name: str) -> list[Observed]:
        """Return the events of a type."""
        return self._events.get(name, [])

    def time(self, name: str) -> int | None:
        """Return the instant of the first event of a type."""
        return min((event.time_us for event in self.of(name)), default=None)


def _links(valid: Sequence[Observed]) -> list[Row]:
    """Return a row for each contact that was linked to, whether the link still stands or not."""
    rows: dict[str, Row] = {}
    for event in valid:
        if event.body is None or event.type not in {"ContactLinked", "ContactUnlinked"}:
            continue
        to = event.body.to_contact_id
        if not to:
            continue
        row = rows.setdefault(to, {"to_contact_id": to, "position": 0})
        linked = event.type == "ContactLinked"
        row["linked"] = linked
        row["linked_time" if linked else "unlinked_time"] = event.time_us
        row["position"] = max(row["position"], event.position)
        if linked:
            row["reason"] = _word(ContactLinkReason, event.body.reason)
    return list(rows.values())


def _leg(leg: Leg) -> Row:
    return {
        "leg_id": leg.leg_id,
        "role": _word(LegRole, leg.role),
        "direction": _word(Direction, leg.direction),
        "endpoint": leg.endpoint,
        "trunk": leg.trunk,
        "agent": leg.agent,
        "created_time": leg.created_time_us,
        "ringing_time": leg.ringing_time_us,
        "answered_time": leg.answered_time_us,
        "ended_time": leg.ended_time_us,
        "end_cause_protocol": leg.end_cause.protocol,
        "end_cause_code": leg.end_cause.code,
        "ended_how": _word(EndedHow, leg.ended_how),
        "release_side": _word(ReleaseSide, leg.release_side),
        "inferred": leg.inferred,
    }


def _visit(visit: Visit, contact: Contact) -> Row:
    answering = [spell for spell in contact.assignments if spell.visit_id == visit.visit_id]
    spell = min(answering, key=lambda found: found.bridged_time_us) if answering and visit.bridged_time_us else None
    kind = _word(DequeueKind, visit.dequeue_kind)
    return {
        "visit_id": visit.visit_id,
        "queue": visit.queue,
        "priority": visit.priority,
        "enqueued_time": visit.enqueued_time_us,
        "dequeued_time": visit.dequeued_time_us,
        "dequeue_kind": kind,
        "bridged_time": visit.bridged_time_us,
        "rang": visit.ringing,
        "outcome": outcome_of(kind, str(contact.end), bridged=visit.bridged_time_us is not None),
        "wait_us": visit.wait_us,
        "wait_clock": str(visit.wait_clock),
        "inferred": visit.inferred,
        "assignment_id": spell.assignment_id if spell else "",
        "agent": spell.agent if spell else "",
    }


_ELSEWHERE: Final = ("answered_elsewhere", "removed")


def outcome_of(kind: str, contact_end: str, *, bridged: bool) -> str:
    """Return what became of a visit that ended as `kind` in a contact that ended so (empty: not yet)."""
    if bridged or kind == "answered":
        return "answered"
    if kind == "abandoned" or (not kind and contact_end.startswith("abandoned")):
        return "abandoned"
    if not kind and not contact_end:
        return "waiting"
    return "elsewhere" if not kind or kind in _ELSEWHERE else "flow_out"


def _assignment(spell: Assignment) -> Row:
    return {
        "assignment_id": spell.assignment_id,
        "agent": spell.agent,
        "queue": spell.queue,
        "visit_id": spell.visit_id,
        "leg_id": spell.leg_ids[-1] if spell.leg_ids else "",
        "team": spell.team,
        "site": spell.site,
        "supervisor": spell.supervisor,
        "endpoint": spell.endpoint,
        "started_time": spell.started_time_us,
        "bridged_time": spell.bridged_time_us,
        "talk_ended_time": spell.talk_ended_time_us,
        "ended_time": spell.ended_time_us,
        "talk_us": spell.talk_us,
        "hold_us": spell.hold_us,
        "wrap_up_us": spell.wrap_up_us,
        "handle_us": spell.handle_us,
        "inferred": spell.inferred,
        "mixed_clock": spell.mixed_clock,
        "disposition": spell.disposition,
    }


def _transfer(transfer: Transfer) -> Row:
    return {
        "transfer_id": transfer.transfer_id,
        "kind": _word(TransferKind, transfer.kind),
        "reason": _word(TransferReason, transfer.reason),
        "agent": transfer.agent,
        "assignment_id": transfer.assignment_id,
        "to_queue": transfer.target_queue,
        "to_agent": transfer.target_agent,
        "to_department": transfer.target_department,
        "to_endpoint": transfer.target_endpoint,
        "to_contact_id": transfer.to_contact_id,
        "started_time": transfer.started_time_us,
        "completed_time": transfer.completed_time_us,
        "failed_time": transfer.failed_time_us,
    }


def _anomaly(ordinal: int, found: Anomaly, contact: Contact) -> Row:
    shown = set(found.event_ids)
    times = [event.time_us for event in contact.timeline if event.event_id in shown]
    fact, fact_id = _about(shown, contact)
    return {
        "ordinal": ordinal,
        "rule": found.rule,
        "detail": found.detail,
        "fact": fact,
        "fact_id": fact_id,
        "event_ids": list(found.event_ids),
        "event_time": min(times, default=None),
    }


def _about(shown: set[str], contact: Contact) -> tuple[str, str]:
    """Return the part that has all the events shown, if one has: its fact and its key."""
    parts = [("queue_visit", visit.visit_id, visit.events) for visit in contact.visits]
    parts += [("assignment", spell.assignment_id, spell.events) for spell in contact.assignments]
    parts += [("transfer", transfer.transfer_id, transfer.events) for transfer in contact.transfers]
    parts += [("leg", leg.leg_id, leg.events) for leg in contact.legs]
    for fact, fact_id, events in parts:
        if shown and shown <= {event.event_id for event in events}:
            return fact, fact_id
    return "", ""
