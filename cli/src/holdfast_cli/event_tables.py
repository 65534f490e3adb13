"""Events and contacts as lines and tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.call_events.v1 import call_events_service_pb2 as calls
from holdfast.call_events.v1 import contact_pb2
from holdfast.call_events.v1.leg_pb2 import LegRole
from holdfast.call_events.v1.queueing_pb2 import DequeueKind
from holdfast_cli import output
from holdfast_cli.output import NOTHING, clock

UNKNOWN = "(unknown)"
LEFT_OUT = frozenset({"observation", "visit_id", "assignment_id", "transfer_id", "sealed"})
"""Fields of a body that say nothing in a line."""


def line(event: calls.TenantEvent) -> str:
    """Write one event as a line: when (UTC), what, whose, and what it says."""
    recorded = event.contact_event if event.HasField("contact_event") else event.agent_event
    told = recorded.event
    whose = event.contact_event.event.contact.contact_id or told.source_id
    kind = told.WhichOneof("body") or ""
    words = _words(getattr(told, kind)) if kind else ""
    return f"{instant(told.event_time):<23}  {recorded.envelope.type:<18} {whose:<36}  {words}".rstrip()


def show_contact(answer: calls.GetContactResponse) -> None:
    """Print a contact: what it came to, its visits, spells, legs, anomalies and timeline."""
    told = answer.contact
    output.fields(
        f"Contact {told.contact_id}",
        {
            "phase": told.phase,
            "end": told.end or None,
            "arrived": _instant(told, "arrived_time"),
            "ended": _instant(told, "ended_time"),
            "source": told.source_id,
            "service number": told.service_number or None,
            "caller": told.caller_ref or None,
            "customer": told.customer_ref or None,
            "part of": told.root_contact_id if told.root_contact_id != told.contact_id else None,
        },
    )
    _show("Queue visits", ["queue", "enqueued", "wait", "ended"], [_visit(visit) for visit in told.queue_visits])
    spells = [_assignment(spell) for spell in told.assignments]
    _show("Assignments", ["agent", "queue", "started", "talk", "hold", "wrap-up", "handle"], spells)
    _show("Legs", ["leg", "role", "agent", "answered", "ended"], [_leg(leg) for leg in told.legs])
    _show("Anomalies", ["rule", "detail~"], [[found.rule, found.detail] for found in told.anomalies])
    _show_timeline(answer.events)


def instant(told: Timestamp) -> str:
    """Write an instant in UTC, with the fraction only if there is one."""
    whole = datetime.fromtimestamp(told.seconds, UTC).replace(microsecond=told.nanos // 1000)
    return whole.strftime("%Y-%m-%d %H:%M:%S") + (f".{whole.microsecond:06}".rstrip("0") if whole.microsecond else "")


def _show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    if rows:
        output.say()
        output.table(title, columns, rows)


def _show_timeline(events: Sequence[contact_pb2.RecordedContactEvent]) -> None:
    rows: list[list[object]] = []
    for recorded in events:
        kind = recorded.event.WhichOneof("body") or ""
        words = _words(getattr(recorded.event, kind)) if kind else ""
        voided = " (voided)" if recorded.voided else ""
        rows.append([instant(recorded.event.event_time), recorded.envelope.type + voided, words])
    _show("Events, in UTC", ["when", "what", "says~"], rows)


def _visit(visit: contact_pb2.QueueVisit) -> list[object]:
    wait = clock(visit.wait_us / 1e6) if visit.HasField("wait_us") else NOTHING
    ended = DequeueKind.Name(visit.dequeue_kind).removeprefix("DEQUEUE_KIND_").lower()
    return [visit.queue, _instant(visit, "enqueued_time"), wait, "waiting" if ended == "unspecified" else ended]


def _assignment(spell: contact_pb2.Assignment) -> list[object]:
    lengths = (spell.talk_us, spell.hold_us, spell.wrap_up_us, spell.handle_us)
    parts = [clock(length / 1e6) for length in lengths]
    return [spell.agent or UNKNOWN, spell.queue or None, _instant(spell, "started_time"), *parts]


def _leg(leg: contact_pb2.Leg) -> list[object]:
    role = LegRole.Name(leg.role).removeprefix("LEG_ROLE_").lower()
    return [leg.leg_id, role, leg.agent or None, _instant(leg, "answered_time"), _instant(leg, "ended_time")]


def _instant(message: Any, field: str) -> str | None:
    """Write a message's Timestamp of that name, None if it is not set."""
    return instant(getattr(message, field)) if message.HasField(field) else None


def _words(body: Message) -> str:
    """Write what the body of an event says, without what only programs need."""
    return "  ".join(
        f"{field.name}={_value(field, value)}"
        for field, value in body.ListFields()
        if field.name not in LEFT_OUT and _is_plain(field)
    )


def _is_plain(field: FieldDescriptor) -> bool:
    return field.type != FieldDescriptor.TYPE_MESSAGE


def _value(field: FieldDescriptor, value: Any) -> str:
    """Write a field's value; of an enum its own word, in lower case: DEQUEUE_KIND_ANSWERED is answered."""
    if field.enum_type is None:
        return str(value)
    names = [name for name in field.enum_type.values_by_name if name.endswith("_UNSPECIFIED")]
    prefix = names[0].removesuffix("UNSPECIFIED") if names else ""
    return str(field.enum_type.values_by_number[value].name).removeprefix(prefix).lower()
