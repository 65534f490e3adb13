"""The events of contacts, read whole from the log as it was at a position.

Few contacts are read stream by stream; many that lie close together in the log are read as one range in columns, which
costs a tenth for each event and passes over those of others.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import polars as pl

from contact_life.identity import id_of
from contact_life.observed import Observed
from event_log.log import Log
from event_log.model import Event, Filter, Stream
from metrics.as_of import AsOf
from metrics.explain.reference import Reached
from metrics.follow.refolding import decoded, observed_of
from service_host import call

AT_ONCE: Final = 250
"""Streams read in one request, and folded in one go."""
MANY: Final = 1_000
"""Contacts from which on a range may be read."""
SPARSE: Final = 40
"""Events of a range for each contact wanted, beyond which streams are read instead."""
LONGEST_RANGE: Final = 2_000_000
RESERVED_SECONDS: Final = 2.0
"""What is kept of the deadline to answer without a recomputed figure."""
_COLUMNS: Final = (
    "position",
    "key",
    "event_id",
    "type",
    "event_time_us",
    "record_time_us",
    "source_id",
    "source_seq",
    "payload",
)
Told = dict[str, list[Observed]]
"""Events by stream, which is a contact or a day of an agent."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Contacts of a tenant, whose events stand from one position to another (0, 0: not known)."""

    tenant: str
    contact_ids: tuple[str, ...]
    first_position: int = 0
    last_position: int = 0

    @property
    def is_dense(self) -> bool:
        """Whether reading the whole range is cheaper than reading the streams."""
        length = self.last_position - self.first_position
        few = len(self.contact_ids) < MANY
        return not few and 0 < length <= min(LONGEST_RANGE, SPARSE * len(self.contact_ids))


class TooSlow(Exception):
    """Reading all the events again takes longer than the call may."""


class Events:
    """Reads streams of the log of what was told and, where it is named, of what routing decided."""

    def __init__(self, log: Log, decisions: Log | None = None) -> None:
        self._log = log
        self._decisions = decisions

    @property
    def knows_decisions(self) -> bool:
        """Whether routing's log can be read."""
        return self._decisions is not None

    async def reached(self, as_of: AsOf) -> Reached:
        """Return how far facts as of then follow the logs; raises what the logs raise."""
        told = (await self._log.head()).log_id
        decided = (await self._decisions.head()).log_id if self._decisions else ""
        return Reached(told, as_of.position(told), decided, as_of.position(decided))

    async def all_told(
        self, tenant: str, stream_ids: Sequence[str], reached: Reached, category: str = "contact"
    ) -> Told:
        """Return the events of streams as far as facts are; raises TooSlow, and what the log raises."""
        told: Told = {}
        for part in chunks(stream_ids):
            _must_have_time()
            told |= await self.of(tenant, part, reached.told, category=category)
        return told

    async def all_decided(
        self, tenant: str, stream_ids: Sequence[str], reached: Reached, category: str = "contact"
    ) -> dict[str, Sequence[Event]]:
        """Do the same with what routing decided; nothing where its log is not followed."""
        decided: dict[str, Sequence[Event]] = {}
        if self._decisions is None or reached.decided is None:
            return decided
        for part in chunks(stream_ids):
            _must_have_time()
            streams = {Stream(category, UUID(stream_id)): stream_id for stream_id in part}
            found = await self._decisions.read_streams(tenant, list(streams), until_position=reached.decided)
            decided |= {streams[stream]: events for stream, events in found.items()}
        return decided

    async def of(self, tenant: str, stream_ids: Sequence[str], until: int | None, *, category: str = "contact") -> Told:
        """Return the events of at most AT_ONCE streams up to a position (None: all); raises what the log raises."""
        streams = {Stream(category, UUID(stream_id)): stream_id for stream_id in stream_ids[:AT_ONCE]}
        found = await self._log.read_streams(tenant, list(streams), until_position=until)
        return {streams[stream]: observed_of(events) for stream, events in found.items()}

    async def all_of(self, wanted: Wanted, until: int | None) -> AsyncGenerator[Told, None]:
        """Give the events of all the contacts wanted, some contacts after the other."""
        if wanted.is_dense:
            parts = await self._ranged(wanted, until)
            for part in parts:
                yield await asyncio.to_thread(_observed, part)
        else:
            for chunk in chunks(wanted.contact_ids):
                yield await self.of(wanted.tenant, chunk, until)

    async def _ranged(self, wanted: Wanted, until: int | None) -> list[pl.DataFrame]:
        contacts = Filter(tenant=wanted.tenant, categories=("contact",))
        last = wanted.last_position if until is None else min(until, wanted.last_position)
        pages = self._log.read_packed(wanted.first_position - 1, filter=contacts, until=last, columns=_COLUMNS)
        batches = [page.batch async for page in pages]
        return await asyncio.to_thread(_parted, batches, wanted.contact_ids)


def _must_have_time() -> None:
    if call.seconds_left() < RESERVED_SECONDS:
        raise TooSlow


def chunks(stream_ids: Sequence[str]) -> Iterable[Sequence[str]]:
    """Cut streams into what one request reads."""
    return (stream_ids[start : start + AT_ONCE] for start in range(0, len(stream_ids), AT_ONCE))


def _parted(batches: Sequence[Any], contact_ids: Sequence[str]) -> list[pl.DataFrame]:
    """Return the events of the contacts wanted, AT_ONCE contacts in each frame."""
    keys = [UUID(contact_id).bytes for contact_id in contact_ids]
    parts = pl.DataFrame({"key": keys, "part": [place // AT_ONCE for place in range(len(keys))]})
    told = pl.concat(
        [pl.DataFrame(pl.from_arrow(batch)).with_columns(pl.col("key").cast(pl.Binary)) for batch in batches]
    )
    joined = told.join(parts, on="key", how="inner").sort("part", "position")
    return joined.partition_by("part", maintain_order=True)


def _observed(part: pl.DataFrame) -> Told:
    found: Told = {}
    for row in part.select(_COLUMNS).iter_rows():
        position, key, event_id, name, told_us, recorded_us, source_id, source_seq, payload = row
        if (body := decoded(name, payload)) is None:  # parked, in facts too
            continue
        event = Observed(position, id_of(event_id), name, told_us, recorded_us, source_id, source_seq, body)
        found.setdefault(id_of(key), []).append(event)
    return found
