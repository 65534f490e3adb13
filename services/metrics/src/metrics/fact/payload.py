"""Payloads of one event type as columns; the only module here that knows how protobuf becomes columns.

`ptars` does it in native code. Where it is missing, or gives another schema than expected, the same columns are made
message by message; a test keeps both equal. A column is named by its path in the message (`end_cause.code`). What the
path leads through and was not told gives the default of the field: empty text, 0, false; an instant not told is null.
A repeated field of texts is a list.
A path with a question mark at its end (`agent_snapshot?`) says whether that message was told.

    MalformedPayload   some of the payloads are no message of their type; nothing says which
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any, Final, Protocol

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from metrics.fact.payload_kinds import MESSAGES

NATIVE: Final = find_spec("ptars") is not None
"""Whether this platform has a wheel of the native decoder."""

_US: Final = pa.timestamp("us", tz="UTC")
_DTYPES: Final[Mapping[int, type[pl.DataType]]] = {
    FieldDescriptor.CPPTYPE_STRING: pl.String,
    FieldDescriptor.CPPTYPE_BOOL: pl.Boolean,
    FieldDescriptor.CPPTYPE_ENUM: pl.Int32,
    FieldDescriptor.CPPTYPE_INT32: pl.Int32,
    FieldDescriptor.CPPTYPE_INT64: pl.Int64,
    FieldDescriptor.CPPTYPE_MESSAGE: pl.Int64,
}
"""What a path's last field becomes; a message there is a Timestamp, in microseconds."""


class MalformedPayload(ValueError):
    """Some of the payloads are no message of their type."""


class Columns(Protocol):
    """Makes columns of the payloads of one type."""

    def __call__(self, event_type: str, payloads: pa.Array, paths: Sequence[str]) -> pl.DataFrame:
        """Return a column for each path; raise MalformedPayload."""


def columns_of(event_type: str, payloads: pa.Array, paths: Sequence[str]) -> pl.DataFrame:
    """Return a column for each path, a row for each payload (binary); raise MalformedPayload."""
    made = native_columns if NATIVE else message_columns
    return made(event_type, payloads, paths)


def native_columns(event_type: str, payloads: pa.Array, paths: Sequence[str]) -> pl.DataFrame:
    """Do what columns_of says with ptars."""
    try:
        batch = _handler(event_type).array_to_record_batch(payloads)
    except ValueError as error:
        raise MalformedPayload(event_type) from error
    leaves = [_leaf(batch, event_type, path) for path in paths]
    return pl.DataFrame(pa.RecordBatch.from_arrays(leaves, names=list(paths))) if paths else pl.DataFrame()


def message_columns(event_type: str, payloads: pa.Array, paths: Sequence[str]) -> pl.DataFrame:
    """Do what columns_of says with a message for each payload."""
    made = MESSAGES[event_type]
    try:
        messages = [made.FromString(payload) for payload in payloads.to_pylist()]
    except DecodeError as error:
        raise MalformedPayload(event_type) from error
    return pl.DataFrame(
        {
            path: pl.Series([_value(m, path.split(".")) for m in messages], dtype=_dtype(event_type, path))
            for path in paths
        }
    )


@cache
def _handler(event_type: str) -> Any:
    import ptars  # noqa: PLC0415  # only where it is

    descriptor = MESSAGES[event_type].DESCRIPTOR
    pool = ptars.HandlerPool([descriptor.file], config=ptars.PtarsConfig(timestamp_unit="us", duration_unit="us"))
    return pool.get_for_message(descriptor)


def _leaf(batch: pa.RecordBatch, event_type: str, path: str) -> pa.Array:
    """Return the values at a path; all in Arrow, where a call costs a tenth of what it does in Polars."""
    if path.endswith("?"):
        return pc.is_valid(batch.column(path[:-1]))
    first, *rest = path.split(".")
    found = batch.column(first)
    if rest:
        found = pc.struct_field(found, rest)
    if pa.types.is_timestamp(found.type):
        return found.cast(_US).cast(pa.int64())
    field = _field(event_type, path)
    return pc.fill_null(found, field.default_value) if found.null_count and not field.has_presence else found


@cache
def _field(event_type: str, path: str) -> FieldDescriptor:
    descriptor: Any = MESSAGES[event_type].DESCRIPTOR
    field: FieldDescriptor | None = None
    for name in path.split("."):
        assert descriptor is not None, f"{event_type} has no {path}"
        field = descriptor.fields_by_name[name]
        descriptor = field.message_type
    assert field is not None
    return field


def _dtype(event_type: str, path: str) -> type[pl.DataType] | pl.DataType:
    if path.endswith("?"):
        return pl.Boolean
    field = _field(event_type, path)
    kind = _DTYPES[field.cpp_type]
    return pl.List(kind) if field.is_repeated else kind


def _value(message: Message, path: list[str]) -> Any:
    name, *rest = path
    if name.endswith("?"):
        return message.HasField(name[:-1])
    if rest:
        return _value(getattr(message, name), rest)
    field = message.DESCRIPTOR.fields_by_name[name]
    if field.is_repeated:
        return list(getattr(message, name))
    if field.has_presence and not message.HasField(name):
        return None
    value = getattr(message, name)
    return value.ToMicroseconds() if field.message_type is not None else value
