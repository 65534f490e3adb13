"""Events in columns: out of the values of records, and as a topic cuts them into partitions; pure.

`ptars` makes columns of the values in native code. Where it is missing, or some value is none of ours, the same is made
event by event.
"""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any, Final
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc
from google.protobuf.message import DecodeError

from event_log.packed import SCHEMA, pack, schema_of
from event_log.wire import event_from_wire
from holdfast.log.v1 import event_pb2

NATIVE: Final = find_spec("ptars") is not None
"""Whether this platform has a wheel of the native decoder."""


class MalformedValues(ValueError):
    """Some of the values are no events, or not those that their headers say."""


def events_of(values: Sequence[bytes], positions: Sequence[int], columns: Sequence[str]) -> pa.RecordBatch:
    """Return the events that stand in values, with the positions that their headers say; raise MalformedValues."""
    wanted = list(dict.fromkeys(("position", *columns)))
    batch = _natively(values, wanted) if NATIVE else _plainly(values, wanted)
    if not batch.column("position").equals(pa.array(positions, pa.int64())):
        raise MalformedValues("a value has another position than its header")
    return batch.select(list(columns))


def is_event(value: bytes, position: int) -> bool:
    """Say whether a value is the event of a position."""
    try:
        events_of([value], [position], SCHEMA.names)
    except MalformedValues:
        return False
    return True


def partitions_of(events: pa.Table | pa.RecordBatch, partitions: int) -> pa.Array:
    """Return the partition of each event, as record.partition_of tells it of one; int32."""
    if partitions == 1:
        return pa.array([0] * events.num_rows, pa.int32())
    columns = (events.column(name).to_pylist() for name in ("tenant", "category", "key"))
    return pa.array(
        [
            crc32(b"%b\0%b\0%b" % (tenant.encode(), category.encode(), key)) % partitions
            for tenant, category, key in zip(*columns, strict=True)
        ],
        pa.int32(),
    )


def _natively(values: Sequence[bytes], columns: Sequence[str]) -> pa.RecordBatch:
    try:
        batch = _handler().array_to_record_batch(pa.array(values, pa.binary()))
        arrays = [_as_ours(batch.column(name), SCHEMA.field(name)) for name in columns]
    except (ValueError, pa.ArrowInvalid) as error:
        raise MalformedValues("a value is no event") from error
    return pa.RecordBatch.from_arrays(arrays, schema=schema_of(columns))


def _as_ours(array: pa.Array, field: pa.Field) -> pa.Array:
    """Return a column of the message as events have it: ids that were not told are null."""
    if pa.types.is_fixed_size_binary(field.type) and field.nullable:
        array = pc.if_else(pc.equal(pc.binary_length(array), 0), pa.scalar(None, pa.binary()), array)
    return array if array.type == field.type else array.cast(field.type)


def _plainly(values: Sequence[bytes], columns: Sequence[str]) -> pa.RecordBatch:
    try:
        return pack([event_from_wire(event_pb2.Event.FromString(value)) for value in values], columns)
    except (DecodeError, ValueError, pa.ArrowInvalid) as error:
        raise MalformedValues("a value is no event") from error


@cache
def _handler() -> Any:
    import ptars  # noqa: PLC0415  # only where it is

    descriptor = event_pb2.Event.DESCRIPTOR
    return ptars.HandlerPool([descriptor.file]).get_for_message(descriptor)
