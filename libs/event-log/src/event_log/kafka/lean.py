"""Records taken out of a fetched batch with a fifth of the library's work: value and headers as bytes, nothing else.

The library makes an object of fourteen fields for each record and decodes every header; most of a reader's time went
there. Its batches, checksums and offsets are used as they are; where its inside is not what this was written for, its
own records serve, only slower.
"""

from collections.abc import Iterator
from typing import Any, Final

from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError

from event_log.kafka.batch_form import MORE, read_varint

MAGIC: Final = 2
LEAN: Final = hasattr(getattr(Fetcher, "PartitionRecords", None), "_unpack_records")
"""Whether the library is made as this module knows it."""


class LeanRecord:
    """A record: its offset, its value, and its headers as they stand in the batch."""

    __slots__ = ("headers", "offset", "value")

    def __init__(self, offset: int, value: bytes | None, headers: bytes) -> None:
        self.offset = offset
        self.value = value
        self.headers = headers


def records_of(batch: Any) -> Iterator[LeanRecord]:
    """Yield the records of one of the library's batches; raise CorruptRecordError."""
    batch._maybe_uncompress()  # noqa: SLF001  # see above
    buffer, at, base = bytes(batch._buffer), batch._pos, batch.base_offset  # noqa: SLF001
    try:
        for _ in range(batch.records_count):
            length, at = read_varint(buffer, at)
            end = at + length
            at += 1  # attributes
            while buffer[at] & MORE:  # the time since the batch's
                at += 1
            delta, at = read_varint(buffer, at + 1)
            size, at = read_varint(buffer, at)
            size, at = read_varint(buffer, at + max(size, 0))
            value = buffer[at : at + size] if size >= 0 else None
            yield LeanRecord(base + delta, value, buffer[at + max(size, 0) : end])
            at = end
    except IndexError:
        raise CorruptRecordError("a record reaches beyond its batch") from None


def install(consumer: Any) -> None:
    """Have a consumer of ours, and it alone, give lean records."""
    if LEAN:
        consumer._fetcher.PartitionRecords = LeanPartitionRecords  # noqa: SLF001  # see above


class LeanPartitionRecords(Fetcher.PartitionRecords):  # type: ignore[misc]  # it brings no types
    """See the library's class: the records of one partition's fetch, one after the other."""

    def _unpack_records(self, _tp: Any, records: Any, _key: Any, _value: Any) -> Iterator[LeanRecord]:
        while (batch := records.next_batch()) is not None:
            if self.check_crcs and not batch.validate_crc():
                raise CorruptRecordError(f"a batch at offset {batch.base_offset} fails its checksum")
            if batch.magic != MAGIC:
                raise CorruptRecordError("a batch is of a form that no relay of ours writes")
            self.leader_epoch = batch.leader_epoch
            if not batch.is_control_batch:
                for record in records_of(batch):
                    self.next_fetch_offset = record.offset + 1
                    yield record
            self.next_fetch_offset = batch.next_offset
        self.drain()
