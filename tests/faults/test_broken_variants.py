"""The suite's checks catch what they are for: mechanisms built wrong on purpose, on a real Postgres.

Each stands beside the mechanism as it is built, in the very same interleaving. Relays and readers of topics built wrong
are caught in test_crash_simulation.py.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import pytest

from event_log.model import Cursor
from event_log.postgres import open_log
from event_log_testing import a_schema, appending, contact, event, every_event
from fault_suite import checks
from fault_suite.checks import Row, Seen
from fault_suite.history import History, Operation
from fault_suite.verdict import Findings, exit_status
from metrics.follow import following
from metrics.follow.following import CursorMoved
from metrics.schema import bring_up_to_date

Session = asyncpg.Connection
EVENTS = 5
GENERATION, LOG = "facts_1", Cursor("log", 1, 0)


@pytest.fixture
async def sessions(fresh_database: str) -> "AsyncIterator[tuple[Session[asyncpg.Record], Session[asyncpg.Record]]]":
    one, other = await asyncpg.connect(fresh_database), await asyncpg.connect(fresh_database)
    yield one, other
    await one.close()
    await other.close()


def told(*events: str) -> History:
    operations = (Operation(n, "teller", float(n), one, (one,), answered=True) for n, one in enumerate(events, 1))
    return History({operation.number: operation for operation in operations})


def wrong(history: History, log: list[Row], seen: Seen) -> Findings:
    findings = Findings()
    checks.check_log(log, findings)
    checks.check_history(history, log, findings)
    checks.check_feed(seen, log, findings, whole=True)
    return findings


class SequencedLog:
    """The log as it must not be built: positions come from a sequence, when a row is written, not when it commits."""

    TABLE = "create table sequenced (position bigserial primary key, event_id text not null)"
    READ = "select position, event_id from sequenced where position > $1 order by position"

    def __init__(self) -> None:
        self.seen: list[tuple[int, str]] = []

    async def tail(self, session: "Session[asyncpg.Record]") -> None:
        """Read what comes after what was seen, as a reader by position does."""
        rows = await session.fetch(self.READ, self.seen[-1][0] if self.seen else 0)
        self.seen += [(row["position"], row["event_id"]) for row in rows]


async def test_positions_from_a_sequence_are_caught(
    sessions: "tuple[Session[asyncpg.Record], Session[asyncpg.Record]]",
) -> None:
    slow, swift = sessions
    log = SequencedLog()
    await swift.execute(log.TABLE)
    async with slow.transaction():
        await slow.execute("insert into sequenced (event_id) values ('slow')")
        await swift.execute("insert into sequenced (event_id) values ('swift')")
        await log.tail(swift)
    await log.tail(swift)
    stands = [Row(row["position"], row["event_id"], 1, row["event_id"]) for row in await swift.fetch(log.READ, 0)]
    findings = wrong(told("slow", "swift"), stands, Seen("a tail", 1, log.seen))
    assert findings.lost > 0
    assert exit_status(findings) == 1


async def test_positions_as_they_are_built_pass_the_same_checks(fresh_database: str) -> None:
    schema = await a_schema(fresh_database)
    async with open_log(fresh_database, schema) as log:
        seen: list[tuple[int, str]] = []
        for number in (1, 2):
            await log.append(appending(contact(number), event(number)))
            page = await log.read(seen[-1][0] if seen else 0)
            seen += [(found.position, str(found.event_id)) for found in page.events]
        stands = [Row(e.position, str(e.key), e.version, str(e.event_id)) for e in await every_event(log)]
    history = told(str(UUID(int=1)), str(UUID(int=2)))
    assert wrong(history, stands, Seen("a tail", 1, seen)).clean


@dataclass
class Counting:
    """A consumer that counts events: one number, and a cursor kept as metrics keeps it."""

    session: "Session[asyncpg.Record]"

    @classmethod
    async def made(cls, session: "Session[asyncpg.Record]") -> "Counting":
        """Make the tables, and begin to follow."""
        await bring_up_to_date(session)
        await session.execute("create table counted (events bigint not null)")
        await session.execute("insert into counted values (0)")
        await session.execute("insert into metrics.generation (schema_name, declaration) values ($1, '')", GENERATION)
        await following.begin(session, GENERATION, LOG)
        return cls(session)

    async def count(self, events: int) -> None:
        """Let events have their effect."""
        await self.session.execute("update counted set events = events + $1", events)

    async def place(self) -> Cursor:
        """Return how far it has come."""
        found = await following.followed(self.session, GENERATION, LOG.log_id)
        assert found is not None
        return found.cursor

    async def move(self, held: Cursor) -> None:
        """Move the cursor behind all events."""
        await following.move(self.session, GENERATION, held, EVENTS, record_time_us=0, head_position=EVENTS)

    async def findings(self) -> Findings:
        """Compare the figure with the recount."""
        findings = Findings()
        shown = float(await self.session.fetchval("select events from counted"))
        checks.check_figures({"all": {"events": shown}}, {"all": {"events": float(EVENTS)}}, findings)
        return findings


async def test_a_cursor_outside_the_transaction_is_caught(
    sessions: "tuple[Session[asyncpg.Record], Session[asyncpg.Record]]",
) -> None:
    counting = await Counting.made(sessions[0])
    await counting.count(EVENTS)  # committed; then it dies before it has moved the cursor
    assert await counting.place() == LOG
    await counting.count(EVENTS)  # so its successor does it again
    await counting.move(LOG)
    assert (await counting.findings()).double_counted == 1


async def test_a_cursor_within_the_transaction_passes_the_same_check(
    sessions: "tuple[Session[asyncpg.Record], Session[asyncpg.Record]]",
) -> None:
    counting = await Counting.made(sessions[0])
    dying = counting.session.transaction()
    await dying.start()
    await counting.count(EVENTS)
    await counting.move(LOG)
    await dying.rollback()
    async with counting.session.transaction():
        await counting.count(EVENTS)
        await counting.move(await counting.place())
    assert (await counting.findings()).clean


async def test_two_consumers_of_whom_none_is_fenced_are_caught(
    sessions: "tuple[Session[asyncpg.Record], Session[asyncpg.Record]]",
) -> None:
    one = await Counting.made(sessions[0])
    for counting in (one, Counting(sessions[1])):  # both read the same events; neither looks where the cursor is by now
        async with counting.session.transaction():
            await counting.count(EVENTS)
            await counting.session.execute("update metrics.cursor set position = $1", EVENTS)
    assert (await one.findings()).double_counted == 1


async def test_two_consumers_as_they_are_built_pass_the_same_check(
    sessions: "tuple[Session[asyncpg.Record], Session[asyncpg.Record]]",
) -> None:
    one, other = await Counting.made(sessions[0]), Counting(sessions[1])
    held = await one.place()
    async with one.session.transaction():
        await one.count(EVENTS)
        await one.move(held)
    late = other.session.transaction()
    await late.start()
    await other.count(EVENTS)
    with pytest.raises(CursorMoved):
        await other.move(held)
    await late.rollback()
    assert (await one.findings()).clean
