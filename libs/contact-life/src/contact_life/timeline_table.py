"""Timelines as tables of text: for people at a terminal, and for tests that a contact from the field is pasted into.

    time          event      what                       source
    10:00:05.000  Enqueued   queue=sales priority=2      pbx

Values are those of the bodies' own fields; sealed numbers and raw attributes (`observation.extra`) are left out.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from contact_life.contact import Contact
from contact_life.observed import Observed

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def timeline_rows(contact: Contact, zone: tzinfo = UTC) -> list[tuple[str, str, str, str]]:
    """Return a contact's events in canonical order: instant, type, what was told, source. Voided ones are marked."""
    return [
        (_instant(event.time_us, zone), _mark(event, contact.voided), described(event), event.source_id)
        for event in contact.timeline
    ]


def timeline_table(contact: Contact, zone: tzinfo = UTC) -> str:
    """Return the rows of `timeline_rows` as aligned text with a heading, one line each."""
    return aligned([("time", "event", "what", "source"), *timeline_rows(contact, zone)])


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of equal length as text in columns, two spaces apart, nothing at the ends of lines."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Sequence[str], widths: Iterable[int]) -> str:
    """Return one row as text."""
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _instant(time_us: int, zone: tzinfo) -> str:
    """Return an instant as local date and time to the millisecond; as microseconds where no calendar holds it."""
    try:
        return (_EPOCH + timedelta(microseconds=time_us)).astimezone(zone).isoformat(" ", "milliseconds")
    except OverflowError:
        return f"{time_us} us"


def _mark(event: Observed, voided: frozenset[str]) -> str:
    """Return an event's type, marked if it does not count."""
    return f"({event.type})" if event.event_id in voided else event.type


_HIDDEN = frozenset({"observation", "caller"})


def described(event: Observed) -> str:
    """Return what an event tells, as `name=value` in the order of its fields, names of enumerations as words."""
    if event.body is None:
        return "type not known here"
    fields = event.body.ListFields()
    told = [f"{field.name}={_value(field, value)}" for field, value in fields if field.name not in _HIDDEN]
    inferred = any(field.name == "observation" and value.inferred for field, value in fields)
    return " ".join([*told, "inferred"] if inferred else told)


def _value(field: Any, value: Any) -> str:
    """Return a field's value as one word; what repeats or nests as a list in brackets."""
    if hasattr(value, "items"):
        return "{" + " ".join(f"{key}={inner}" for key, inner in sorted(value.items())) + "}"
    if field.is_repeated:
        return "[" + " ".join(_single(field, inner) for inner in value) + "]"
    return _single(field, value)


def _single(field: Any, value: Any) -> str:
    """Return one value: an enumeration's word, an instant, a nested message's own values, or plain text."""
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        prefix = field.enum_type.values_by_number[0].name.removesuffix("UNSPECIFIED")
        return str(known.name.removeprefix(prefix).lower()) if known else f"unknown_{value}"
    if field.message_type is None:
        return str(value)
    if field.message_type.full_name == "google.protobuf.Timestamp":
        return _instant(value.ToMicroseconds(), UTC).replace(" ", "T")
    return "{" + " ".join(f"{inner.name}={_value(inner, part)}" for inner, part in value.ListFields()) + "}"
