"""The list of contacts, kept beside the log: a follower folds the contacts that new events touch and writes their rows.

The list owns no truth. Rows and cursor change in one transaction, so a process that dies in between changes nothing; a
log that was restored makes the list begin anew. While one call records, the follower takes no more than a share of the
time (`duty`), and less the more calls there are, lest recording be slowed by listing; how far it is, every answer says.
One who has caught up takes little in any case: the longer it rests, the more events of a contact are folded at once.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final, TypeAlias

import asyncpg

from call_events import telemetry
from call_events.read.event_view import observed
from call_events.record.streams import CATEGORY_CONTACT
from contact_life.contact import Contact
from contact_life.fold import fold_contact
from event_log.errors import EventLogError, IncarnationChanged
from event_log.log import Log
from event_log.model import Cursor, Event, Page, Stream
from service_host import logs
from service_host.errors import Refused
from service_host.postgres import Connection, Database

PAGE_EVENTS: Final = 2_000
LEAST_PAUSE_SECONDS: Final = 0.05
LIVE_REST: Final = 9.0
"""So many times what a page took, the follower rests after it where it has caught up."""
MOST_CALLS: Final = 8
"""More calls than this at once do not make the follower rest any longer."""
RETRY_SECONDS: Final = 1.0
LEASE: Final = timedelta(seconds=15)
TenantStream: TypeAlias = tuple[str, Stream]
_CLAIM: Final = """
    update index_cursor
    set follower = $1, lease_until = clock_timestamp() + $2::interval
    where follower = $1 or lease_until < clock_timestamp()
    returning log_id, incarnation, position
"""
_MOVE: Final = """
    update index_cursor
    set lease_until = clock_timestamp() + $2::interval, log_id = $3, incarnation = $4, position = $5
    where follower = $1 and position = $6
"""
_PUT_CONTACT: Final = """
    insert into contact_index (tenant, contact_id, arrived_time, ended_time, phase, contact_end, queues, agents,
        caller_ref, service_number, anomalies, last_position)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    on conflict (tenant, contact_id) do update set arrived_time = excluded.arrived_time,
        ended_time = excluded.ended_time, phase = excluded.phase, contact_end = excluded.contact_end,
        queues = excluded.queues, agents = excluded.agents, caller_ref = excluded.caller_ref,
        service_number = excluded.service_number, anomalies = excluded.anomalies, last_position = excluded.last_position
"""
_PUT_PROGRESS: Final = """
    insert into source_progress (tenant, source_id, last_source_seq) values ($1, $2, $3)
    on conflict (tenant, source_id) do update
    set last_source_seq = greatest(source_progress.last_source_seq, excluded.last_source_seq)
"""
_BEGIN_ANEW: Final = (
    "delete from contact_index",
    "delete from source_progress",
    "update index_cursor set log_id = '', incarnation = 0, position = 0",
)


class LostLease(Exception):
    """Another process follows now."""


class ContactIndex:
    """Follows the log for the list; one process at a time, any may take over."""

    def __init__(self, log: Log, database: Database, follower: str, duty: float, calls: Callable[[], int]) -> None:
        """Remember who follows; `calls` says how many calls record at the moment."""
        self._log = log
        self._database = database
        self._follower = follower
        self._rest = 1 / duty - 1
        self._calls = calls

    async def run(self) -> None:
        """Follow until cancelled; whatever fails is told and tried again."""
        while True:
            try:
                await self._follow_or_begin_anew()
            except (LostLease, Refused, EventLogError, asyncpg.PostgresError) as failed:
                telemetry.INDEX_FAILED.warning(
                    error_class=type(failed).__name__, places=logs.places(failed.__traceback__)
                )
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow_or_begin_anew(self) -> None:
        try:
            await self._follow()
        except IncarnationChanged as changed:
            await self._database.run(_begin_anew)
            telemetry.INDEX_REBUILT.warning(log_id=changed.actual.log_id, incarnation=changed.actual.incarnation)

    async def _follow(self) -> None:
        """Take the lease and follow from where the list stands; ends by an exception only."""
        cursor = await self._claim()
        while cursor is None:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            cursor = await self._claim()
        async for page in self._log.subscribe(cursor, limit=PAGE_EVENTS):
            began = time.monotonic()
            await self._take(cursor.position, page)
            cursor = page.complete_to
            telemetry.INDEX_BEHIND.set(page.head_position - cursor.position)
            live = LIVE_REST if cursor.position >= page.head_position else 0.0
            rest = max(live, self._rest * min(self._calls(), MOST_CALLS)) * (time.monotonic() - began)
            await asyncio.sleep(max(LEAST_PAUSE_SECONDS, rest))

    async def _claim(self) -> Cursor | None:
        row = await self._database.fetchrow(_CLAIM, self._follower, LEASE)
        return Cursor(row["log_id"], row["incarnation"], row["position"]) if row else None

    async def _take(self, after: int, page: Page) -> None:
        """Bring the list to the end of a page."""
        streams = await self._whole_streams(page)
        folded = sorted(streams.items(), key=lambda item: (item[0][0], item[0][1].key))
        rows = [row for name, events in folded if (row := await self._row(name, events))]
        progress = _progress(page.events)
        to = page.complete_to

        async def write(session: Connection) -> None:
            moved = await session.execute(_MOVE, self._follower, LEASE, to.log_id, to.incarnation, to.position, after)
            if moved != "UPDATE 1":
                raise LostLease
            await session.executemany(_PUT_CONTACT, rows)
            await session.executemany(_PUT_PROGRESS, progress)

        await self._database.run(write)

    async def _whole_streams(self, page: Page) -> Mapping[TenantStream, Sequence[Event]]:
        """All events of every contact that the page touches; those begun in it need no reading."""
        touched: dict[TenantStream, list[Event]] = defaultdict(list)
        for event in page.events:
            if event.category == CATEGORY_CONTACT:
                touched[event.tenant, event.stream].append(event)
        whole: dict[TenantStream, Sequence[Event]] = {n: e for n, e in touched.items() if e[0].version == 1}
        older: dict[str, list[Stream]] = defaultdict(list)
        for tenant, stream in touched.keys() - whole.keys():
            older[tenant].append(stream)
        for tenant, streams in older.items():
            found = await self._log.read_streams(tenant, streams, until_position=page.complete_to.position)
            whole |= {(tenant, stream): found[stream] for stream in streams}
        return whole

    async def _row(self, name: TenantStream, events: Sequence[Event]) -> tuple[object, ...] | None:
        """A contact's row; None for one that cannot be folded, which must not hold up the others."""
        await asyncio.sleep(0)
        tenant, stream = name
        try:
            state = fold_contact(str(stream.key), map(observed, events))
        except Exception as failed:  # noqa: BLE001  # one contact's trouble is not the list's
            telemetry.CONTACT_NOT_FOLDED.error(contact_id=str(stream.key), error_class=type(failed).__name__)
            return None
        return (tenant, stream.key, *_columns(state), events[-1].position)


def _columns(state: Contact) -> tuple[object, ...]:
    first = min(event.time_us for event in state.timeline)
    return (
        first if state.arrived_time_us is None else state.arrived_time_us,
        state.ended_time_us,
        state.phase,
        state.end,
        list(dict.fromkeys(visit.queue for visit in state.visits)),
        list(dict.fromkeys(spell.agent for spell in state.assignments if spell.agent)),
        state.caller_ref,
        state.service_number,
        len(state.anomalies),
    )


def _progress(events: Iterable[Event]) -> list[tuple[str, str, int]]:
    """The highest count of each source, in order of key."""
    highest: dict[tuple[str, str], int] = {}
    for event in events:
        if event.source_seq is not None:
            source = (event.tenant, event.source_id)
            highest[source] = max(event.source_seq, highest.get(source, event.source_seq))
    return sorted((tenant, source, seq) for (tenant, source), seq in highest.items())


async def _begin_anew(session: Connection) -> None:
    for statement in _BEGIN_ANEW:
        await session.execute(statement)
