"""Facts of contacts brought up to a page of events: folded in columns, and by the full rules where columns cannot."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import polars as pl

from contact_life.codec import MalformedPayload, decode
from contact_life.observed import Observed
from event_log.log import Log
from event_log.model import MAX_READ_STREAMS, Event, Stream
from event_log.packed import pack
from metrics.fact.batch import COLUMNS, Batch, batch_of
from metrics.fact.fold import Folded, Rows, fold_contacts
from metrics.fact.recount import frames_of, recounted


@dataclass(frozen=True, slots=True)
class Refolded:
    """Rows of all facts of the contacts, and which of the contacts (streams as in Batch) had to be folded whole."""

    rows: Rows
    whole: pl.DataFrame


async def refolded(
    log: Log, batch: Batch, stored: Mapping[str, pl.DataFrame], until: int, left_out: Collection[int] = ()
) -> Refolded:
    """Return the rows of a batch's contacts as they are at a position; events at `left_out` positions do not count.

    `stored` has the present rows of contacts that had events before. Raises what the log raises.
    """
    folded = await asyncio.to_thread(fold_contacts, batch, stored)
    if not folded.doubtful.height:
        return Refolded(folded.rows, folded.doubtful)
    events = await whole_streams(log, folded.doubtful, until, left_out)
    again = await asyncio.to_thread(fold_whole, events)
    return Refolded(joined(folded.rows, again), folded.doubtful)


async def whole_streams(
    log: Log, streams: pl.DataFrame, until: int, left_out: Collection[int] = ()
) -> dict[tuple[str, Stream], list[Event]]:
    """Return the events of whole streams up to a position."""
    found: dict[tuple[str, Stream], list[Event]] = {}
    for (tenant, category), rows in streams.group_by("tenant", "category"):
        wanted = [Stream(str(category), UUID(bytes=key)) for key in rows["key"]]
        for start in range(0, len(wanted), MAX_READ_STREAMS):
            part = wanted[start : start + MAX_READ_STREAMS]
            events = await log.read_streams(str(tenant), part, until_position=until)
            for stream, told in events.items():
                found[str(tenant), stream] = [event for event in told if event.position not in left_out]
    return found


def fold_whole(events: Mapping[tuple[str, Stream], Sequence[Event]]) -> Rows:
    """Return the rows of contacts of which all events are given."""
    folded = _in_columns(events)
    doubtful = {(tenant, key) for tenant, key in folded.doubtful.select("tenant", "key").iter_rows()}
    recounts = [
        recounted(tenant, str(stream.key), observed_of(told))
        for (tenant, stream), told in events.items()
        if (tenant, stream.key.bytes) in doubtful
    ]
    return joined(folded.rows, frames_of(recounts))


def _in_columns(events: Mapping[tuple[str, Stream], Sequence[Event]]) -> Folded:
    return fold_contacts(batch_of(pack([event for told in events.values() for event in told], COLUMNS)), {})


def observed_of(events: Sequence[Event]) -> list[Observed]:
    """Return events as the rules take them; malformed ones are left out, since they are parked."""
    found = []
    for event in events:
        try:
            body = decode(event.type, event.payload)
        except MalformedPayload:
            continue
        times = (event.event_time_us, event.record_time_us)
        found.append(
            Observed(event.position, str(event.event_id), event.type, *times, event.source_id, event.source_seq, body)
        )
    return found


def joined(one: Rows, other: Rows) -> Rows:
    """Return the rows of both."""
    names = dict.fromkeys((*one, *other))
    return {name: pl.concat([rows[name] for rows in (one, other) if name in rows]) for name in names}
