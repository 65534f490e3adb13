"""What each type of event asks of its body: which fields are ids, instants, lengths, numbers or words of people. Pure.

One table, read from the proto's descriptors and the few lines below; nothing about a type stands anywhere else in this
service. Whether a fact is *plausible* is no question here: facts are never refused for being late or odd.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from asyncpg.pgproto import pgproto
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from call_events.errors import EventRefused
from holdfast.call_events.v1 import contact_event_pb2

LONGEST_NAME: Final = 256
"""Characters of a name or id; it fits into an index of every database that folds it."""
LONGEST_TEXT: Final = 16_384
LONGEST_LENGTH_MS: Final = 1_000_000_000_000
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799
"""The years 1 to 9999, as Timestamp has them."""

_TEXTS: Final[dict[str, tuple[str, ...]]] = {
    "AssistRequested": ("reason",),
    "CallbackFailed": ("cause",),
    "ContactReasonSet": ("reason",),
    "DispositionSet": ("disposition",),
    "EventVoided": ("reason",),
    "AgentEventVoided": ("reason",),
    "InputCollected": ("value",),
    "LegEnded": ("end_cause.text",),
    "NoteAdded": ("text",),
    "SelfServed": ("outcome",),
    "SourceGap": ("reason",),
    "SupervisorIntervened": ("reason",),
    "SurveyAnswered": ("question", "text", "cause"),
    "SystemFaultReported": ("text",),
    "TransferFailed": ("failure",),
    "TransferStarted": ("context.notes",),
}
"""Fields that hold what people typed or said."""
_REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "ContactLinked": ("to_contact_id",),
    "ContactUnlinked": ("to_contact_id",),
    "EventVoided": ("event_id",),
    "AgentEventVoided": ("event_id", "voided_event_time"),
}
_UUIDS: Final = frozenset({"to_contact_id", "resumes_contact_id", "event_id", "contact_id"})
"""References to what only we name; ids that a source may choose (legs, visits, spells) are any text."""


@dataclass(frozen=True, slots=True)
class BodyForm:
    """What one type asks of its body."""

    type: str
    texts: tuple[str, ...]
    uuids: tuple[str, ...]
    times: tuple[str, ...]
    lengths: tuple[str, ...]
    required: tuple[str, ...]
    observed: bool
    attributes: bool
    caller: bool
    endpoint: bool
    input: bool
    checked: bool
    """Any field has a form of its own."""
    words: bool
    """Any field may hold what must be masked, attributes of the observation apart."""


def check_body(body: Message, form: BodyForm) -> None:
    """Raise EventRefused for the first field that is missing or malformed; write ids in their one form."""
    for name in form.required:
        if not _is_told(body, name):
            raise EventRefused("INVALID_FIELD", f"A {form.type} needs this field.", name)
    for name in filter(partial(getattr, body), form.uuids):
        setattr(body, name, str(read_uuid(getattr(body, name), name)))
    for name in filter(body.HasField, form.times):
        microseconds(getattr(body, name), name)
    for name in form.lengths:
        if not 0 <= getattr(body, name) <= LONGEST_LENGTH_MS:
            raise EventRefused("INVALID_FIELD", f"A length is 0 to {LONGEST_LENGTH_MS} ms.", name)


def read_uuid(told: str, field: str) -> UUID:
    """The id; EventRefused if it is none. The driver's own kind of UUID is read and written many times faster."""
    try:
        return pgproto.UUID(told)
    except ValueError:
        return _read_rare_uuid(told, field)


def _read_rare_uuid(told: str, field: str) -> UUID:
    """An id in braces or as a URN; EventRefused if it is none."""
    try:
        return UUID(told)
    except ValueError:
        raise EventRefused("MALFORMED_ID", "An id is a UUID: 8-4-4-4-12 hexadecimal digits.", field) from None


def microseconds(told: Timestamp, field: str) -> int:
    """The instant in microseconds since 1970 UTC, finer parts cut off; EventRefused if it is no Timestamp."""
    seconds, nanos = told.seconds, told.nanos
    if not (FIRST_SECOND <= seconds <= LAST_SECOND and 0 <= nanos < 1_000_000_000):  # noqa: PLR2004  # nanos of a second
        raise EventRefused("INVALID_FIELD", "An instant lies in the years 1 to 9999.", field)
    return seconds * 1_000_000 + nanos // 1_000


def check_name(told: str, field: str) -> None:
    """Raise EventRefused for a name that no database could be asked for."""
    if len(told) > LONGEST_NAME or "\0" in told:
        raise EventRefused("INVALID_FIELD", f"A name has at most {LONGEST_NAME} characters, none of them NUL.", field)


def check_strings(event: Message, form: BodyForm) -> None:
    """Raise EventRefused for a name that is too long, and for a NUL anywhere: no database keeps one."""
    for path, value in _strings(event, ""):
        if "\0" in value:
            raise EventRefused("INVALID_FIELD", "A text holds no NUL character.", path)
        longest = LONGEST_TEXT if _is_text(path, form) else LONGEST_NAME
        if len(value) > longest:
            raise EventRefused("INVALID_FIELD", f"This field holds at most {longest} characters.", path)


def _is_told(body: Message, name: str) -> bool:
    value = getattr(body, name)
    return body.HasField(name) if isinstance(value, Message) else bool(value)


def _is_text(path: str, form: BodyForm) -> bool:
    within = path.partition(".")[2]
    return within in form.texts or within.startswith(("observation.extra[", "context.attributes["))


def _strings(message: Message, prefix: str) -> Iterator[tuple[str, str]]:
    """Every string of a message with its path, map keys and values too."""
    for field, value in message.ListFields():
        path = f"{prefix}{field.name}"
        for inner, item in _items(field, value):
            if isinstance(item, str):
                yield f"{path}{inner}", item
            elif isinstance(item, Message):
                yield from _strings(item, f"{path}{inner}.")


def _items(field: FieldDescriptor, value: Any) -> Iterator[tuple[str, object]]:
    if not field.is_repeated:
        yield "", value
    elif field.message_type is not None and field.message_type.GetOptions().map_entry:
        for key, item in value.items():
            yield ".key", key
            yield f"[{key}]", item
    else:
        for place, item in enumerate(value):
            yield f"[{place}]", item


def _form(descriptor: Descriptor) -> BodyForm:
    fields = {field.name: field for field in descriptor.fields}
    required = _REQUIRED.get(descriptor.name, ())
    if "agent" in fields and descriptor.name in _OF_AGENTS:
        required = ("agent", *required)
    texts = _TEXTS.get(descriptor.name, ())
    uuids = tuple(name for name in fields if name in _UUIDS)
    times = tuple(name for name, field in fields.items() if _is_timestamp(field))
    lengths = tuple(name for name in fields if name.endswith("_ms"))
    endpoint = descriptor.name == "LegCreated"
    return BodyForm(
        type=descriptor.name,
        texts=texts,
        uuids=uuids,
        times=times,
        lengths=lengths,
        required=required,
        observed="observation" in fields,
        attributes="context" in fields,
        caller="caller" in fields,
        endpoint=endpoint,
        input=descriptor.name == "InputCollected",
        checked=bool(uuids or times or lengths or required),
        words=bool(texts or endpoint),
    )


def _is_timestamp(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.full_name == Timestamp.DESCRIPTOR.full_name


_OF_AGENTS: Final = frozenset(
    {"AgentLoggedIn", "AgentLoggedOut", "AgentStateChanged", "AgentRingStarted", "AgentRingEnded"}
)


def _forms(carrier: Descriptor) -> dict[str, BodyForm]:
    fields = carrier.oneofs_by_name["body"].fields
    return {field.name: _form(field.message_type) for field in fields if field.message_type is not None}


CONTACT_FORMS: Final = _forms(contact_event_pb2.ContactEvent.DESCRIPTOR)
"""Form of each body of ContactEvent, by the name of its field."""
AGENT_FORMS: Final = _forms(contact_event_pb2.AgentEvent.DESCRIPTOR)
"""Form of each body of AgentEvent, by the name of its field."""
