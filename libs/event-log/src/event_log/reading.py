"""The statements of a reader: pages of a stream, many whole streams, pages by position."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from event_log.connections import PooledSession, Session
from event_log.errors import LogUnavailable
from event_log.form import unchanged
from event_log.model import Cursor, Event, Filter, Stream

if TYPE_CHECKING:
    import asyncpg

SCAN_EVENTS = 20_000
"""Positions that one statement looks at where a filter lets only some events pass."""

_FIELDS = (
    "position, tenant, category, key, version, event_id, type, event_time_us, record_time_us, payload, body_mac, "
    "source_id, source_seq, correlation_id, causation_id, actor, traceparent"
)
_E_FIELDS = ", ".join(f"e.{name}" for name in _FIELDS.split(", "))
_HEAD = """
    select l.log_id, (select max(number) from incarnation) as incarnation,
        coalesce((select last from log_flush order by first desc limit 1), 0) as position
    from log l
"""
_KEPT = "select min(after_position) from incarnation where number > $1"
_STREAM = f"""
    select {_E_FIELDS} from streams s cross join lateral (
        select * from events
        where key = s.key and tenant = s.tenant and category = s.category and position <= $7
            and position >= s.first_position and position < s.until_position and version > $4 and version < $5
        order by version {{order}} limit $6
    ) e
    where s.key = $3 and s.tenant = $1 and s.category = $2
    order by e.version {{order}} limit $6
"""  # noqa: S608  # only names of ours
_STREAM_FORWARDS, _STREAM_BACKWARDS = _STREAM.format(order="asc"), _STREAM.format(order="desc")
_STREAMS = f"""
    select w.number, {_E_FIELDS}
    from unnest($2::text[], $3::uuid[]) with ordinality as w (category, key, number)
    join streams s on s.key = w.key and s.tenant = $1 and s.category = w.category
    cross join lateral (
        select * from events
        where key = s.key and tenant = s.tenant and category = s.category and position <= $4
            and position >= s.first_position and position < s.until_position
    ) e
    order by w.number, e.version
"""  # noqa: S608  # only names of ours
_ANY_VERSION = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Range:
    """Positions to look at: after `after`, up to and with `until`."""

    after: int
    until: int

    def cut(self, most: int, *, backwards: bool) -> "Range":
        """Return the first part of it, in reading order, of at most so many positions."""
        if backwards:
            return Range(max(self.after, self.until - most), self.until)
        return Range(self.after, min(self.until, self.after + most))


async def read_head(session: "PooledSession | Session") -> Cursor:
    """Read the log's name, incarnation and last position."""
    row = await session.fetchrow(_HEAD)
    if row is None:
        raise LogUnavailable("the schema holds no log; apply event_log.migrations")
    return Cursor(row["log_id"], row["incarnation"], row["position"])


async def read_unchanged_until(session: PooledSession, held: Cursor) -> Cursor:
    """See Log.unchanged_until."""
    head = await read_head(session)
    return unchanged(held, head, await session.fetchval(_KEPT, held.incarnation))


async def read_stream(
    session: PooledSession,
    tenant: str,
    stream: Stream,
    *,
    after_version: int,
    limit: int,
    backwards: bool,
    until_position: int,
) -> list[Event]:
    """Read some events of one stream, as Log.read_stream says."""
    after, before = (0, after_version or _ANY_VERSION) if backwards else (after_version, _ANY_VERSION)
    query = _STREAM_BACKWARDS if backwards else _STREAM_FORWARDS
    rows = await session.fetch(query, tenant, stream.category, stream.key, after, before, limit, until_position)
    return [_event(row, stream) for row in rows]


async def read_streams(
    session: PooledSession,
    tenant: str,
    streams: Sequence[Stream],
    until_position: int,
) -> list[tuple[Stream, Event]]:
    """Read whole streams, each event beside the stream asked for."""
    categories, keys = [stream.category for stream in streams], [stream.key for stream in streams]
    rows = await session.fetch(_STREAMS, tenant, categories, keys, until_position)
    return [(streams[row[0] - 1], _event(row[1:], streams[row[0] - 1])) for row in rows]


async def read_range(
    session: PooledSession,
    wanted: Filter,
    limit: int,
    positions: Range,
    *,
    backwards: bool,
) -> list[Event]:
    """Read at most `limit` events of some positions that pass the filter, in order."""
    conditions, arguments = conditions_of(wanted, 4)
    query = (
        f"select {_FIELDS} from events where position > $1 and position <= $2{conditions} "  # noqa: S608  # ours
        f"order by position {'desc' if backwards else 'asc'} limit $3"
    )
    rows = await session.fetch(query, positions.after, positions.until, limit, *arguments)
    return [_event(row) for row in rows]


def conditions_of(wanted: Filter, number: int) -> tuple[str, list[object]]:
    """Return a filter as SQL conditions, each led by `and`, with parameters from `number` on."""
    parts: list[str] = []
    arguments: list[object] = []
    for column, value in (("tenant", wanted.tenant), ("category", wanted.categories), ("type", wanted.types)):
        if value:
            test = f"= ${number}" if isinstance(value, str) else f"= any (${number})"
            parts.append(f" and {column} {test}")
            arguments.append(value)
            number += 1
    return "".join(parts), arguments


def _event(row: "asyncpg.Record | tuple[object, ...]", stream: Stream | None = None) -> Event:
    position, tenant, category, key, *rest = row
    return Event(position, tenant, stream or Stream(category, key), *rest)  # type: ignore[arg-type]
