"""Pages of a log in columns as the windows of a relay: its partitions' events, each serialized once; pure."""

from collections.abc import Container, Iterator
from typing import Any
from zlib import crc32

import pyarrow as pa

from event_log.kafka.window import Outgoing, Window
from event_log.model import Cursor, PackedPage
from event_log.packed import COLUMNS, ID
from holdfast.log.v1 import event_pb2

WINDOW_EVENTS = 1_000
"""Events looked at in one window, of whatever partitions."""
WINDOW_BYTES = 1024 * 1024
"""What the values of a window may weigh together, its last one apart."""


def windows_of(page: PackedPage, mine: Container[int], partitions: int) -> Iterator[Window]:
    """Yield a page as windows of bounded size; the last one says how far the page is complete."""
    rows = list(_rows(page, mine, partitions))
    times = page.batch.column("record_time_us").to_pylist()
    events: list[Outgoing] = []
    weight, start = 0, 0
    for number, (position, event) in enumerate(rows, 1):
        if event is not None:
            events.append(event)
            weight += len(event.value)
        if number < len(rows) and (number - start >= WINDOW_EVENTS or weight >= WINDOW_BYTES):
            yield Window(events, _at(page.complete_to, position), page.head_position, times[start])
            events, weight, start = [], 0, number
    yield Window(events, page.complete_to, page.head_position, times[start] if times else 0)


def _at(cursor: Cursor, position: int) -> Cursor:
    return Cursor(cursor.log_id, cursor.incarnation, position)


def _values(column: pa.Array) -> list[Any]:
    """Return a column's values; ids are many times faster as bytes of any length."""
    values: list[Any] = (column.cast(pa.binary()) if column.type == ID else column).to_pylist()
    return values


def _rows(page: PackedPage, mine: Container[int], partitions: int) -> Iterator[tuple[int, Outgoing | None]]:
    """Yield each event's position, and the event where it is of these partitions."""
    make = event_pb2.Event
    for row in zip(*(_values(page.batch.column(name)) for name in COLUMNS), strict=True):
        position, tenant, source, category, stream, version, event_id, mac, kind, at, recorded, *rest = row
        key = b"%b\0%b" % (category.encode(), stream)
        partition = crc32(b"%b\0%b" % (tenant.encode(), key)) % partitions
        if partition not in mine:
            yield position, None
            continue
        source_seq, correlation, causation, actor, traceparent, payload = rest
        value = make(
            position=position,
            tenant=tenant,
            source_id=source,
            category=category,
            key=stream,
            version=version,
            event_id=event_id,
            body_mac=mac,
            type=kind,
            event_time_us=at,
            record_time_us=recorded,
            source_seq=source_seq,
            correlation_id=correlation,
            causation_id=causation,
            actor=actor,
            traceparent=traceparent,
            payload=payload,
        ).SerializeToString()
        yield position, Outgoing(position, partition, key, value, kind, tenant, traceparent)
