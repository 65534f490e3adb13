"""A consumer's cursor and its parked events move with its effects, or not at all."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from event_log.consuming import Consumer, CursorMoved
from event_log.memory import MemoryLog
from event_log.model import Cursor, Event
from event_log_testing import every_event, fill
from service_host.postgres import migrate

Session = asyncpg.Connection
FIRST, SECOND = Cursor("log", 1, 10), Cursor("log", 1, 20)


@pytest.fixture
async def session(fresh_database: str) -> "AsyncIterator[Session[asyncpg.Record]]":
    opened = await asyncpg.connect(fresh_database)
    await migrate(opened, package="event_log.consumer_migrations", schema="facts")
    yield opened
    await opened.close()


@pytest.fixture
async def events() -> list[Event]:
    log = MemoryLog()
    await fill(log, range(1, 6))
    await fill(log, [6], tenant="shop")
    return await every_event(log)


@pytest.fixture
def consumer() -> Consumer:
    return Consumer("contacts", "facts")


async def test_a_new_consumer_has_no_cursor(session: "Session[asyncpg.Record]", consumer: Consumer) -> None:
    assert await consumer.cursor(session) is None


async def test_a_cursor_moves_on(session: "Session[asyncpg.Record]", consumer: Consumer) -> None:
    await consumer.move(session, None, FIRST)
    await consumer.move(session, FIRST, SECOND)
    assert await consumer.cursor(session) == SECOND


@pytest.mark.parametrize("held", [None, SECOND, Cursor("log", 2, 10), Cursor("other", 1, 10)])
async def test_a_cursor_moves_only_from_where_it_is(
    session: "Session[asyncpg.Record]", consumer: Consumer, held: Cursor | None
) -> None:
    await consumer.move(session, None, FIRST)
    with pytest.raises(CursorMoved):
        await consumer.move(session, held, Cursor("log", 1, 30))
    assert await consumer.cursor(session) == FIRST


async def test_a_cursor_stays_if_the_effects_fail(session: "Session[asyncpg.Record]", consumer: Consumer) -> None:
    await consumer.move(session, None, FIRST)
    transaction = session.transaction()
    await transaction.start()
    await consumer.move(session, FIRST, SECOND)
    with pytest.raises(asyncpg.DivisionByZeroError):
        await session.execute("select 1 / 0")
    await transaction.rollback()
    assert await consumer.cursor(session) == FIRST


async def test_consumers_of_other_names_are_their_own(session: "Session[asyncpg.Record]", consumer: Consumer) -> None:
    await consumer.move(session, None, FIRST)
    assert await Consumer("agents", "facts").cursor(session) is None


async def test_a_parked_event_is_kept_with_its_reason(
    session: "Session[asyncpg.Record]", consumer: Consumer, events: list[Event]
) -> None:
    await consumer.park(session, [(events[2], "unknown field"), (events[4], "no such queue")])
    found = await consumer.parked(session)
    assert [(parked.position, parked.event_id, parked.reason, parked.attempts) for parked in found] == [
        (3, events[2].event_id, "unknown field", 1),
        (5, events[4].event_id, "no such queue", 1),
    ]
    assert [parked.position for parked in await consumer.parked(session, after=3)] == [5]


async def test_an_event_parked_again_counts_its_attempts(
    session: "Session[asyncpg.Record]", consumer: Consumer, events: list[Event]
) -> None:
    await consumer.park(session, [(events[2], "unknown field")])
    await consumer.park(session, [(events[2], "still unknown")])
    (parked,) = await consumer.parked(session)
    assert (parked.reason, parked.attempts) == ("still unknown", 2)


async def test_an_event_is_unparked_with_its_effect(
    session: "Session[asyncpg.Record]", consumer: Consumer, events: list[Event]
) -> None:
    await consumer.park(session, [(event, "x") for event in events])
    assert await consumer.unpark(session, [1, 2, 99]) == 2
    assert await consumer.count_parked(session) == 4
    assert await consumer.count_parked(session, "shop") == 1


async def test_a_rebuild_forgets_cursor_and_parked_events(
    session: "Session[asyncpg.Record]", consumer: Consumer, events: list[Event]
) -> None:
    await consumer.move(session, None, FIRST)
    await consumer.park(session, [(events[0], "x")])
    await consumer.forget(session)
    assert await consumer.cursor(session) is None
    assert await consumer.count_parked(session) == 0
