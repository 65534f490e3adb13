"""Events as Arrow columns: the schema that packed pages keep, and making them from events; no I/O.

Ids are fixed binaries of 16 bytes, times int64 microseconds, texts utf8. Columns are named as Event's proto fields.
"""

from collections.abc import Callable, Sequence
from uuid import UUID

import pyarrow as pa

from event_log.model import Event

ID = pa.binary(16)
SCHEMA = pa.schema(
    [
        pa.field("position", pa.int64(), nullable=False),
        pa.field("tenant", pa.string(), nullable=False),
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("key", ID, nullable=False),
        pa.field("version", pa.int32(), nullable=False),
        pa.field("event_id", ID, nullable=False),
        pa.field("body_mac", pa.binary(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("event_time_us", pa.int64(), nullable=False),
        pa.field("record_time_us", pa.int64(), nullable=False),
        pa.field("source_seq", pa.int64()),
        pa.field("correlation_id", ID),
        pa.field("causation_id", ID),
        pa.field("actor", pa.string(), nullable=False),
        pa.field("traceparent", pa.string(), nullable=False),
        pa.field("payload", pa.binary(), nullable=False),
    ],
)
COLUMNS: tuple[str, ...] = tuple(SCHEMA.names)

_IDS: dict[str, Callable[[Event], UUID | None]] = {
    "key": lambda event: event.stream.key,
    "event_id": lambda event: event.event_id,
    "correlation_id": lambda event: event.correlation_id,
    "causation_id": lambda event: event.causation_id,
}


def schema_of(columns: Sequence[str]) -> pa.Schema:
    """Return the schema of some columns, in the order asked for."""
    return pa.schema([SCHEMA.field(name) for name in columns])


def pack(events: Sequence[Event], columns: Sequence[str] = COLUMNS) -> pa.RecordBatch:
    """Return events as a batch of the columns asked for."""
    schema = schema_of(columns)
    arrays = [pa.array(_values(events, field.name), field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _values(events: Sequence[Event], column: str) -> list[object]:
    if read := _IDS.get(column):
        ids = (read(event) for event in events)
        return [None if value is None else value.bytes for value in ids]
    return [getattr(event, column) for event in events]
