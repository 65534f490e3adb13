"""Rows of the events table in Postgres' binary COPY form: written by flushes, hashed by digests, read by the audit.

The bytes that go to the server are the bytes a digest is taken over, and the server gives the same bytes back.
"""

import hashlib
import struct
from collections.abc import Iterator
from functools import lru_cache
from uuid import UUID

from event_log.model import NewEvent, StreamAppend

COLUMNS = (
    "position",
    "event_time_us",
    "record_time_us",
    "source_seq",
    "version",
    "key",
    "event_id",
    "correlation_id",
    "causation_id",
    "tenant",
    "source_id",
    "category",
    "type",
    "actor",
    "traceparent",
    "body_mac",
    "payload",
)
GENESIS_DIGEST = bytes(32)
"""What the first flush's digest is chained to."""

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_NO_IDS = _NULL + _NULL
_COUNT = len(COLUMNS)
_COUNTED = struct.Struct(">hiqiqiqiqiii16si16s").pack
_UNCOUNTED = struct.Struct(">hiqiqiqiiii16si16s").pack
_LENGTH = struct.Struct(">i")
_FIELDS = struct.Struct(">h")


def encode(
    tenant: str,
    part: StreamAppend,
    event: NewEvent,
    position: int,
    version: int,
    record_time_us: int,
) -> bytes:
    """Return an event's row."""
    stream = part.stream
    key, event_id, sequence = stream.key.bytes, event.event_id.bytes, event.source_seq
    time = event.event_time_us
    if sequence is None:
        fixed = _UNCOUNTED(_COUNT, 8, position, 8, time, 8, record_time_us, -1, 4, version, 16, key, 16, event_id)
    else:
        fixed = _COUNTED(
            _COUNT, 8, position, 8, time, 8, record_time_us, 8, sequence, 4, version, 16, key, 16, event_id
        )
    return b"".join(
        (
            fixed,
            _NO_IDS
            if event.correlation_id is None and event.causation_id is None
            else _id(event.correlation_id) + _id(event.causation_id),
            _names(tenant, event.source_id, stream.category, event.type, event.actor),
            _text(event.traceparent) if event.traceparent else b"\0\0\0\0",
            len(event.body_mac).to_bytes(4, "big"),
            event.body_mac,
            len(event.payload).to_bytes(4, "big"),
            event.payload,
        ),
    )


def chain(previous: bytes, rows: bytes | bytearray | memoryview) -> bytes:
    """Return the digest of a flush, chained to the one before."""
    digest = hashlib.sha256(previous)
    digest.update(rows)
    return digest.digest()


def split(rows: memoryview) -> Iterator[tuple[int, int]]:
    """Yield position and length in bytes of each whole row at the start of the bytes, until one is not whole."""
    start, size = 0, len(rows)
    while start + 2 <= size:
        (fields,) = _FIELDS.unpack_from(rows, start)
        if fields < 0:
            return
        end = _end_of_row(rows, start + 2, fields)
        if end > size:
            return
        yield int.from_bytes(rows[start + 6 : start + 14], "big"), end - start
        start = end


def _end_of_row(rows: memoryview, at: int, fields: int) -> int:
    """Return where a row ends, or a place beyond the bytes if it is not whole."""
    size = len(rows)
    for _ in range(fields):
        if at + 4 > size:
            return size + 1
        (length,) = _LENGTH.unpack_from(rows, at)
        at += 4 + max(length, 0)
    return at


def _id(value: UUID | None) -> bytes:
    return _NULL if value is None else b"\0\0\0\x10" + value.bytes


@lru_cache(maxsize=10_000)
def _names(*names: str) -> bytes:
    return b"".join(map(_text, names))


def _text(value: str) -> bytes:
    encoded = value.encode()
    return len(encoded).to_bytes(4, "big") + encoded
