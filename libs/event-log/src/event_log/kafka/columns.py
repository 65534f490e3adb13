"""Events in columns, as a topic cuts them into partitions; pure."""

from zlib import crc32

import pyarrow as pa


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
