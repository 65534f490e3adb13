"""JSON schemas of protobuf messages, as the protobuf JSON mapping writes them with the fields' own names. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from google.protobuf.descriptor import FieldDescriptor as Kind

Descriptor: TypeAlias = Any
FieldDescriptor: TypeAlias = Any
"""Descriptors come as two types, one of Python and one of C, with no common name."""
REFERENCE: Final = "#/components/schemas/"
_INTEGERS: Final = frozenset({Kind.CPPTYPE_INT32, Kind.CPPTYPE_UINT32})
_LONG: Final = frozenset({Kind.CPPTYPE_INT64, Kind.CPPTYPE_UINT64})
_WELL_KNOWN: Final[Mapping[str, dict[str, Any]]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "examples": ["1.5s"]},
}


def components(messages: Iterable[Descriptor]) -> dict[str, Any]:
    """The schema of each message and of all that they hold, by name."""
    found: dict[str, Any] = {}
    waiting = list(messages)
    while waiting:
        message = waiting.pop()
        if message.name in found or message.full_name in _WELL_KNOWN:
            continue
        found[message.name] = _object(message)
        waiting += [field.message_type for field in _with_entries(message) if field.message_type is not None]
    return found


def reference(message: Descriptor) -> dict[str, Any]:
    """A reference to a message's schema."""
    return {"$ref": f"{REFERENCE}{message.name}"}


def field_schema(field: FieldDescriptor) -> dict[str, Any]:
    """The schema of one field."""
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        return {"type": "object", "additionalProperties": _single(entry.fields_by_name["value"])}
    return {"type": "array", "items": _single(field)} if field.is_repeated else _single(field)


def _object(message: Descriptor) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {field.name: field_schema(field) for field in message.fields},
        "additionalProperties": False,
    }
    choices = {
        oneof.name: [field.name for field in oneof.fields] for oneof in message.oneofs if not oneof.name.startswith("_")
    }
    if choices:
        schema["description"] = " ".join(f"At most one of: {', '.join(names)}." for names in choices.values())
    return schema


def _single(field: FieldDescriptor) -> dict[str, Any]:
    if field.message_type is not None:
        known = _WELL_KNOWN.get(field.message_type.full_name)
        return dict(known) if known else reference(field.message_type)
    if field.enum_type is not None:
        return {"type": "string", "enum": [value.name for value in field.enum_type.values]}
    if field.cpp_type in _LONG:
        return {"type": ["string", "integer"], "format": "int64"}
    if field.cpp_type in _INTEGERS:
        return {"type": "integer", "format": "int32"}
    if field.cpp_type == Kind.CPPTYPE_BOOL:
        return {"type": "boolean"}
    return {"type": "string", "format": "byte"} if field.type == Kind.TYPE_BYTES else {"type": "string"}


def _with_entries(message: Descriptor) -> Iterable[FieldDescriptor]:
    """The fields of a message; for a map those of its value."""
    for field in message.fields:
        entry = field.message_type
        yield entry.fields_by_name["value"] if entry is not None and entry.GetOptions().map_entry else field
