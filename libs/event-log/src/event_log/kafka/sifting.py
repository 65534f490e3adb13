"""Records of one partition as they come, duplicates and strays and all, sifted into what is new; pure.

What a reader holds is a position: every event of the partition up to it was seen. A record at or before it is a
duplicate. One whose `prev` lies beyond it shows a hole: what is between is to be had from the log. A control record
moves the position though no event came. A record that none of our relays wrote is left out: if it stood in the place of
an event, the next one shows the hole.

Records of an earlier incarnation of the log are left out too; one of a later incarnation, or of another log, ends it
all: what the reader holds may not be what the log holds.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from event_log.errors import IncarnationChanged
from event_log.kafka.batch_form import decoded, header
from event_log.kafka.record import Control, EventPlace, Headers, MalformedRecord, place_of
from event_log.model import Cursor


class Polled(Protocol):
    """A record as it was polled; its headers may still stand as in the batch."""

    @property
    def offset(self) -> int:
        """Where it stands in the partition."""

    @property
    def value(self) -> bytes | None:
        """What it carries."""

    @property
    def headers(self) -> Headers | bytes:
        """What is told of it."""


@dataclass(frozen=True, slots=True)
class Hole:
    """Events of a partition that should have come: those after `after` and up to `to`."""

    partition: int
    after: int
    to: int


@dataclass(slots=True)
class Sifted:
    """What is new of one partition: `values` of events in order; `position` and `next_offset` after it all."""

    partition: int
    position: int
    next_offset: int
    values: list[bytes] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    duplicates: int = 0
    malformed: int = 0


class Sieve:
    """Sifts the records of one partition, from a position on."""

    def __init__(self, partition: int, log: Cursor, position: int) -> None:
        """Begin after a position; the cursor says of which log and incarnation."""
        self.partition = partition
        self.position = position
        self._log = log
        self._event = _event_headers(log)

    def sift(self, records: Iterable[Polled]) -> Sifted:
        """Return what is new in records that follow those before; raise IncarnationChanged."""
        found = Sifted(self.partition, self.position, 0)
        for record in records:
            found.next_offset = record.offset + 1
            try:
                place = self._place(record.headers)
            except MalformedRecord:
                found.malformed += 1
                continue
            if place is not None:
                self._take(found, place, record)
        self.position = found.position
        return found

    def _place(self, headers: Headers | bytes) -> tuple[int, int, bool] | None:
        """Return position, prev and whether it is an event; None for what is of an incarnation before."""
        if isinstance(headers, bytes):
            if quick := self._event.match(headers):
                at, before = int(quick[1]), int(quick[2])
                if at > before:
                    return at, before, True
            headers = decoded(headers)
        place = place_of(headers)
        origin, log = place.origin, self._log
        if origin.log_id == log.log_id and origin.incarnation < log.incarnation:
            return None
        if (origin.log_id, origin.incarnation) != (log.log_id, log.incarnation):
            raise IncarnationChanged(log, Cursor(origin.log_id, origin.incarnation, place.prev))
        match place:
            case Control():
                return place.complete_to, place.prev, False
            case EventPlace():
                return place.position, place.prev, True

    def _take(self, found: Sifted, place: tuple[int, int, bool], record: Polled) -> None:
        position, prev, is_event = place
        if is_event and position <= found.position:
            found.duplicates += 1
            return
        if prev > found.position:
            found.holes.append(Hole(self.partition, found.position, prev))
        if is_event:
            found.values.append(record.value or b"")
            found.positions.append(position)
        found.position = max(found.position, prev, position)


def _event_headers(log: Cursor) -> "re.Pattern[bytes]":
    """Return what the headers of an event of a log begin with, as they stand in a batch; gives position and prev.

    A header there is the length of its name, its name, the length of its value, its value; lengths are doubled, and
    those of numbers are one byte. Words with control characters are left to who decodes header by header.
    """
    origin = b"".join(
        header(name, value)
        for name, value in ((b"log_id", log.log_id.encode()), (b"incarnation", b"%d" % log.incarnation))
    )
    rest = (
        rb"\x0aepoch[\x02-\x28]\d{1,20}",
        rb"\x08type(?:[\x00-\x7f]|[\x80-\xff][\x00-\x7f])[ -~]*",
        rb"\x0ctenant(?:[\x00-\x7f]|[\x80-\xff][\x00-\x7f])[^\x00-\x1f]*",
        rb"\x10position[\x02-\x28](\d{1,19})",
        rb"\x08prev[\x02-\x28](\d{1,19})(?:\x16|\Z)",
    )
    return re.compile(rb"[\x0a-\x7e]" + re.escape(origin) + b"".join(rest))
