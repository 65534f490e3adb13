"""The columnar fold of what phone systems tell of their agents, and the full rules for what columns cannot.

    fold_agents(batch, stored)  →  rows by fact, and the streams that only the full rules can fold
    recounted_agent(tenant, stream, events)  →  rows of one stream by the full rules

A stream is one agent's UTC day; rows of several days never depend on each other.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from contact_life.agent_ring import AgentRing, agent_rings
from contact_life.identity import agent_id
from contact_life.observed import Observed
from contact_life.order import in_order, voided_ids
from contact_life.words import AgentState, RingOutcome, word
from metrics.fact.agent import AGENT_RING, AGENT_SPELL
from metrics.fact.batch import Batch
from metrics.fact.catalogue import AGENT_FACTS
from metrics.fact.declaration import OWN_ID, Fact
from metrics.fact.fold import Folded, Rows, parted
from metrics.fact.merge import CONTRADICTED, from_stored, has_rows, merged, stored_columns, to_stored
from metrics.fact.own_id import own_id
from metrics.fact.recount import Row
from metrics.fact.ring_id import with_ring_ids
from metrics.fact.store import Told
from metrics.fact.telling import ROW, column_dtype

_TOLD_BY = {"AgentStateChanged": "state", "AgentLoggedIn": "login", "AgentLoggedOut": "logout"}


def fold_agents(batch: Batch, stored: Mapping[str, pl.DataFrame]) -> Folded:
    """Fold the agents' events of a batch; `stored` has the rows that `told_of` names, as far as there are any."""
    streams = batch.streams.filter(pl.col("category") == "agent")
    if not streams.height:
        return Folded({}, streams)
    known = {
        fact.name: from_stored(fact, stored[fact.name], streams) for fact in AGENT_FACTS if has_rows(fact.name, stored)
    }
    batch, unclear = with_ring_ids(batch, known.get(AGENT_RING.name))
    frames = {fact.name: merged(fact, batch, known.get(fact.name)) for fact in AGENT_FACTS}
    frames[AGENT_RING.name] = _with_lengths(frames[AGENT_RING.name])
    doubts = [*(frame.filter(CONTRADICTED)[ROW] for frame in frames.values()), unclear]
    plain, doubtful = parted(streams, doubts)
    return Folded({fact.name: to_stored(fact, frames[fact.name], plain) for fact in AGENT_FACTS}, doubtful)


def told_of(batch: Batch) -> list[Told]:
    """Return what is told of in streams that had events before: spells and rings by id, rings by their contact too."""
    streams = batch.streams.filter((pl.col("category") == "agent") & (pl.col("first_version") > 1))
    if not streams.height:
        return []
    named = [(fact, fact.entity, OWN_ID) for fact in AGENT_FACTS] + [(AGENT_RING, "contact_id", "contact_id")]
    found = [Told(fact, column, _keys(batch, streams, fact, path)) for fact, column, path in named]
    return [told for told in found if told.keys.height]


def _keys(batch: Batch, streams: pl.DataFrame, fact: Fact, path: str) -> pl.DataFrame:
    bodies = [batch.bodies[event] for event in fact.ids if event in batch.bodies]
    empty = pl.DataFrame(schema={ROW: pl.UInt32, "agent": pl.String, path: pl.String})
    told = pl.concat([empty, *(body.select(ROW, "agent", path) for body in bodies)]).unique()
    named = told.join(streams.select(ROW, "tenant", pl.col("id").alias("stream_id")), on=ROW)
    return named.select("tenant", "agent", path, "stream_id")


def _with_lengths(ring: pl.DataFrame) -> pl.DataFrame:
    between = pl.col("ended_time") - pl.col("told_started_time")
    told = pl.max_horizontal(pl.col("told_ring_us"), pl.when(pl.col("told_ring_us").is_not_null()).then(0))
    length = pl.coalesce(told, pl.when(between >= 0).then(between))
    return ring.with_columns(
        length.alias("ring_us"),
        pl.coalesce("told_started_time", pl.col("ended_time") - length).alias("started_time"),
    )


def recounted_agent(tenant: str, stream_id: str, events: Iterable[Observed]) -> dict[str, list[Row]]:
    """Return the rows of one stream by name of fact."""
    told = list(events)
    ordered = in_order(told)
    voided = voided_ids(ordered, "AgentEventVoided")
    valid = [event for event in ordered if event.event_id not in voided and event.body is not None]
    agents = {
        event.body.agent
        for event in valid
        if event.type in {"AgentRingStarted", "AgentRingEnded"} and event.body is not None
    }
    rings = [ring for agent in sorted(agents) for ring in agent_rings(agent_id(tenant, agent), told)]
    key = {"tenant": tenant, "stream_id": stream_id}
    return {
        AGENT_SPELL.name: [key | row for row in _spells(tenant, valid)],
        AGENT_RING.name: [key | _ring(ring) for ring in rings],
    }


def agent_frames(recounts: Sequence[dict[str, list[Row]]]) -> Rows:
    """Return the rows of many streams as frames by name of fact, in the form of the tables."""
    frames = {}
    for fact in AGENT_FACTS:
        schema = {column.name: column_dtype(column) for column in fact.all_columns}
        rows = [{name: row.get(name) for name in schema} for recount in recounts for row in recount[fact.name]]
        frames[fact.name] = pl.DataFrame(rows, schema=schema).select(stored_columns(fact))
    return frames


def _spells(tenant: str, valid: Sequence[Observed]) -> list[Row]:
    """Return a row for each change of state; of several tellings of one spell the first."""
    rows: dict[str, Row] = {}
    for event in valid:
        if event.type in _TOLD_BY and event.body is not None:
            spell_id = own_id(event.type, event.body, tenant, event.event_time_us)
            row = rows.setdefault(spell_id, {"spell_id": spell_id, **_change(event)})
            row["position"] = min(row["position"], event.position)
    return list(rows.values())


def _change(event: Observed) -> Row:
    body: Any = event.body
    told_by = _TOLD_BY[event.type]
    row = {
        "agent": body.agent,
        "told_by": told_by,
        "queue": body.queue,
        "source_id": event.source_id,
        "started_time": event.time_us,
        "position": event.position,
    }
    if told_by != "state":
        return row | {"state": "available" if told_by == "login" else "offline", "endpoint": body.endpoint}
    since = body.previous_since.ToMicroseconds() if body.HasField("previous_since") else None
    previous = {"previous_state": _word(AgentState, body.previous_state), "previous_since": since}
    return (
        row | previous | {"state": _word(AgentState, body.state), "reason": body.reason, "contact_id": body.contact_id}
    )


def _ring(ring: AgentRing) -> Row:
    started = next((event for event in ring.events if event.type == "AgentRingStarted"), None)
    ended = next((event for event in ring.events if event.type == "AgentRingEnded"), None)
    return {
        "agent": ring.agent,
        "ring_id": ring.ring_id,
        "contact_id": ring.contact_id,
        "visit_id": ring.visit_id,
        "queue": ring.queue,
        "endpoint": ring.endpoint,
        "source_id": ring.source_id,
        "told_ring_id": ended.body.ring_id if ended is not None and ended.body is not None else "",
        "told_started_time": started.time_us if started else None,
        "ended_time": ring.ended_time_us,
        "outcome": _word(RingOutcome, ring.outcome),
        "started_time": ring.started_time_us,
        "ring_us": ring.ring_us,
    }


def _word(kind: type[AgentState] | type[RingOutcome], number: int) -> str:
    return word(kind, number) if number else ""
