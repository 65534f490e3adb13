"""Facts brought up to a page of events: folded in columns, and by the full rules where columns cannot."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import polars as pl
from google.protobuf.message import Message

from contact_life.codec import MalformedPayload, decode
from contact_life.observed import Observed
from event_log.log import Log
from event_log.model import MAX_READ_STREAMS, Event, Stream
from event_log.packed import pack
from metrics.fact.agents import agent_frames, fold_agents, recounted_agent
from metrics.fact.at_once import in_one_thread
from metrics.fact.batch import COLUMNS, Batch, batch_of
from metrics.fact.fold import Rows, fold_contacts
from metrics.fact.recount import frames_of, recounted
from metrics.fact.screen import DOUBT
from metrics.follow.places import Reach

Key = tuple[str, str, bytes]
"""A stream's tenant, category and key."""
Whole = Mapping[tuple[str, Stream], Sequence[Event]]
"""All events of some streams, by tenant and stream."""


@dataclass(frozen=True, slots=True)
class Refolded:
    """Rows of facts by name, and the streams (as in Batch) that had to be folded whole."""

    rows: Rows
    whole: pl.DataFrame


async def refolded(
    log: Log, batch: Batch, stored: Mapping[str, pl.DataFrame], reach: Reach, left_out: Collection[int] = ()
) -> Refolded:
    """Return the rows that a batch makes or changes, as they are within reach; `left_out` positions do not count.

    `stored` has all present rows of contacts that had events before, and those of the spells and rings told of again;
    rows of other contacts do not count.
    Raises what the log raises.
    """
    rows, doubtful = await in_one_thread(_folded, batch, stored)
    if not doubtful.height:
        return Refolded(rows, doubtful)
    events = await whole_streams(log, doubtful, reach, left_out)
    again = await in_one_thread(fold_whole, events, _seen_whole(doubtful))
    return Refolded(joined(rows, again), doubtful)


def _seen_whole(doubtful: pl.DataFrame) -> frozenset[Key]:
    """Return the streams that began in the batch: columns saw all of them, and would doubt them again."""
    begun = doubtful.filter(pl.col("first_version") == 1)
    return frozenset(begun.select("tenant", "category", "key").iter_rows())


def _folded(batch: Batch, stored: Mapping[str, pl.DataFrame]) -> tuple[Rows, pl.DataFrame]:
    contacts, agents = fold_contacts(batch, stored), fold_agents(batch, stored)
    return contacts.rows | agents.rows, pl.concat([contacts.doubtful, agents.doubtful])


async def whole_streams(
    log: Log, streams: pl.DataFrame, reach: Reach, left_out: Collection[int] = ()
) -> dict[tuple[str, Stream], list[Event]]:
    """Return the events of whole streams, each as far as it is within reach."""
    found: dict[tuple[str, Stream], list[Event]] = {}
    for (tenant, category), rows in streams.group_by("tenant", "category"):
        wanted = [Stream(str(category), UUID(bytes=key)) for key in rows["key"]]
        for start in range(0, len(wanted), MAX_READ_STREAMS):
            part = wanted[start : start + MAX_READ_STREAMS]
            events = await log.read_streams(str(tenant), part, until_position=reach.highest)
            for stream, told in events.items():
                until = reach.of(str(tenant), stream)
                known = [event for event in told if event.position <= until and event.position not in left_out]
                found[str(tenant), stream] = known
    return found


def fold_whole(events: Whole, odd: Collection[Key] = ()) -> Rows:
    """Return the rows of contacts and agents' streams of which all events are given; columns cannot fold `odd` ones."""
    contacts = {key: told for key, told in events.items() if key[1].category == "contact"}
    agents = {key: told for key, told in events.items() if key[1].category == "agent"}
    recounts = [recounted_agent(tenant, str(of.key), observed_of(told)) for (tenant, of), told in agents.items()]
    rows = _whole_contacts(contacts, odd) if contacts else {}
    return rows | (agent_frames(recounts) if recounts else {})


def _whole_contacts(events: Whole, odd: Collection[Key]) -> Rows:
    """Fold contacts in columns once more, since all events may show what some did not, and by the rules if need be."""
    again = [event for of, told in events.items() if _key(*of) not in odd for event in told]
    folded = fold_contacts(batch_of(pack(again, COLUMNS)), {}) if again else None
    doubtful = {*odd, *(folded.doubtful.select("tenant", "category", "key").iter_rows() if folded else ())}
    recounts = [
        recounted(of[0], str(of[1].key), observed_of(told)) for of, told in events.items() if _key(*of) in doubtful
    ]
    rows = folded.rows if folded else {}
    return joined(rows, frames_of(recounts)) if recounts else rows


def _key(tenant: str, stream: Stream) -> Key:
    return tenant, stream.category, stream.key.bytes


def observed_of(events: Sequence[Event]) -> list[Observed]:
    """Return events as the rules take them; what this version cannot decode is left out, since it is parked."""
    found = []
    for event in events:
        if (body := decoded(event.type, event.payload)) is None:
            continue
        times = (event.event_time_us, event.record_time_us)
        found.append(
            Observed(event.position, str(event.event_id), event.type, *times, event.source_id, event.source_seq, body)
        )
    return found


def decoded(event_type: str, payload: bytes) -> Message | None:
    """Return the body of an event; None for one that is parked: garbage, or of a type newer than this version."""
    try:
        return decode(event_type, payload)
    except MalformedPayload:
        return None


def joined(one: Rows, other: Rows) -> Rows:
    """Return the rows of both."""
    both = {name: pl.concat([one[name], other[name]]) for name in one.keys() & other.keys()}
    return {**one, **other, **both}


def doubting(batch: Batch, irregular: Collection[tuple[str, str]]) -> Batch:
    """Return the batch with more streams (tenant, id) that are to be folded whole."""
    if not irregular:
        return batch
    known = pl.struct("tenant", "id").is_in([{"tenant": tenant, "id": stream} for tenant, stream in irregular])
    return replace(batch, streams=batch.streams.with_columns((pl.col(DOUBT) | known).alias(DOUBT)))
