"""The contract of a log, kept by every log there is: in memory, in Postgres, and behind gRPC."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import grpc
import pytest

from event_log.errors import (
    EventIdReused,
    Fenced,
    IncarnationChanged,
    InvalidAppend,
    InvalidRead,
    StreamFull,
    VersionConflict,
)
from event_log.grpc_client import GrpcLog
from event_log.grpc_service import LogServicer
from event_log.log import Log
from event_log.memory import MemoryLog
from event_log.model import (
    NONE,
    Append,
    Appended,
    Cursor,
    Event,
    Fence,
    Filter,
    NewEvent,
    Page,
    Placement,
    Stream,
    StreamAppend,
)
from event_log.packed import COLUMNS, SCHEMA, pack
from event_log_testing import a_log, appending, contact, event, fill, ids
from holdfast.log.v1.log_service_pb2_grpc import add_LogServiceServicer_to_server


@pytest.fixture(params=["memory", "postgres", "grpc"])
async def log(request: pytest.FixtureRequest, database: str) -> AsyncIterator[Log]:
    if request.param == "memory":
        yield MemoryLog()
        return
    async with a_log(database) as (postgres_log, _):
        if request.param == "postgres":
            yield postgres_log
            return
        server = grpc.aio.server()
        add_LogServiceServicer_to_server(LogServicer(postgres_log), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield GrpcLog(channel)
        await server.stop(None)


async def read_all(log: Log, wanted: Filter) -> list[Event]:
    """Read every event that passes, page by page."""
    events: list[Event] = []
    cursor: Cursor | int = 0
    while True:
        page = await log.read(cursor, filter=wanted, limit=3)
        events += page.events
        cursor = page.complete_to
        if cursor.position >= page.head_position:
            return events


async def take_pages(pages: AsyncIterator[Page], events: int) -> list[Event]:
    """Follow until so many events came."""
    found: list[Event] = []
    async with asyncio.timeout(30):
        async for page in pages:
            found += page.events
            if len(found) >= events:
                break
    return found


class TestAppending:
    async def test_an_empty_log_is_at_position_zero(self, log: Log) -> None:
        assert (await log.head()).position == 0

    async def test_the_first_event_stands_at_position_and_version_one(self, log: Log) -> None:
        appended = await log.append(appending(contact(1), event(1)))
        assert list(appended.placements) == [Placement(1, 1, duplicate=False)]

    async def test_positions_are_dense_over_all_streams(self, log: Log) -> None:
        await fill(log, range(1, 40))
        assert [found.position for found in (await log.read(0)).events] == list(range(1, 40))

    async def test_the_head_is_the_last_position(self, log: Log) -> None:
        await fill(log, [1, 2, 3])
        assert (await log.head()).position == 3

    async def test_versions_count_within_a_stream(self, log: Log) -> None:
        await fill(log, [1, 2], contact(7))
        await fill(log, [3], contact(8))
        page = await log.read(0)
        assert [found.version for found in page.events] == [1, 2, 1]

    async def test_the_same_key_in_another_category_is_another_stream(self, log: Log) -> None:
        await log.append(appending(Stream("contact", UUID(int=1)), event(1)))
        await log.append(appending(Stream("agent", UUID(int=1)), event(2), expected=NONE))
        assert ids((await log.read_stream("bank", Stream("agent", UUID(int=1)))).events) == [2]

    async def test_the_same_stream_of_another_tenant_is_another_stream(self, log: Log) -> None:
        await fill(log, [1], contact(1), tenant="bank")
        await log.append(appending(contact(1), event(1), tenant="shop", expected=NONE))
        assert (await log.head()).position == 2

    async def test_an_event_is_read_as_it_was_told(self, log: Log) -> None:
        told = NewEvent(
            UUID(int=1),
            "NoteAdded",
            -5,
            b"\x00\xff",
            b"mac",
            "pbx-ü",
            -7,
            UUID(int=2),
            UUID(int=3),
            "agent 'x'",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        await log.append(appending(contact(1), told))
        (found,) = (await log.read(0)).events
        expected = Event(
            1,
            "bank",
            contact(1),
            1,
            told.event_id,
            told.type,
            told.event_time_us,
            found.record_time_us,
            told.payload,
            told.body_mac,
            told.source_id,
            told.source_seq,
            told.correlation_id,
            told.causation_id,
            told.actor,
            told.traceparent,
        )
        assert found == expected

    async def test_what_was_not_told_stays_untold(self, log: Log) -> None:
        await log.append(appending(contact(1), NewEvent(UUID(int=1), "X", 0, b"", b"", "pbx")))
        (found,) = (await log.read(0)).events
        assert (found.source_seq, found.correlation_id, found.causation_id, found.actor) == (None, None, None, "")

    async def test_record_times_never_go_back(self, log: Log) -> None:
        await fill(log, range(1, 30))
        times = [found.record_time_us for found in (await log.read(0)).events]
        assert times == sorted(times)

    async def test_several_events_of_one_append_stand_side_by_side(self, log: Log) -> None:
        appended = await log.append(appending(contact(1), event(1), event(2), event(3)))
        assert [place.position for place in appended.placements] == [1, 2, 3]

    async def test_several_streams_are_written_together(self, log: Log) -> None:
        parts = [StreamAppend(contact(1), [event(1), event(2)]), StreamAppend(contact(2), [event(3)])]
        appended = await log.append(Append("bank", parts))
        assert [(place.position, place.version) for place in appended.placements] == [(1, 1), (2, 2), (3, 1)]

    async def test_many_appends_are_answered_in_order(self, log: Log) -> None:
        verdicts = await log.append_all([appending(contact(number), event(number)) for number in range(1, 200)])
        placements = [place for verdict in verdicts if isinstance(verdict, Appended) for place in verdict.placements]
        assert [place.position for place in placements] == list(range(1, 200))

    async def test_a_later_append_of_one_call_sees_the_earlier_one(self, log: Log) -> None:
        verdicts = await log.append_all(
            [
                appending(contact(1), event(1), expected=NONE),
                appending(contact(1), event(2), expected=1),
                appending(contact(1), event(3), expected=1),
            ]
        )
        assert [type(verdict) for verdict in verdicts] == [Appended, Appended, VersionConflict]

    async def test_many_callers_at_once_get_every_position_once(self, log: Log) -> None:
        calls = (log.append(appending(contact(number % 7), event(number))) for number in range(1, 101))
        answers = await asyncio.gather(*calls)
        assert sorted(answer.placements[0].position for answer in answers) == list(range(1, 101))

    async def test_no_appends_are_no_verdicts(self, log: Log) -> None:
        assert await log.append_all([]) == []


class TestTellingTwice:
    async def test_an_event_told_twice_is_answered_with_its_first_place(self, log: Log) -> None:
        await log.append(appending(contact(1), event(1)))
        appended = await log.append(appending(contact(1), event(1)))
        assert list(appended.placements) == [Placement(1, 1, duplicate=True)]

    async def test_an_event_told_twice_is_written_once(self, log: Log) -> None:
        for _ in range(3):
            await log.append(appending(contact(1), event(1)))
        assert (await log.head()).position == 1

    async def test_an_event_told_twice_in_one_append_is_written_once(self, log: Log) -> None:
        appended = await log.append(appending(contact(1), event(1), event(1)))
        assert list(appended.placements) == [Placement(1, 1, duplicate=False), Placement(1, 1, duplicate=True)]

    async def test_an_event_told_twice_in_one_call_is_written_once(self, log: Log) -> None:
        verdicts = await log.append_all([appending(contact(1), event(1)), appending(contact(1), event(1))])
        assert verdicts == [
            Appended([Placement(1, 1, duplicate=False)]),
            Appended([Placement(1, 1, duplicate=True)]),
        ]

    async def test_an_event_told_by_many_at_once_is_written_once(self, log: Log) -> None:
        answers = await asyncio.gather(*(log.append(appending(contact(1), event(1))) for _ in range(20)))
        assert [place.position for answer in answers for place in answer.placements] == [1] * 20
        assert (await log.head()).position == 1

    async def test_an_event_id_told_with_another_body_is_refused(self, log: Log) -> None:
        await log.append(appending(contact(1), event(1)))
        with pytest.raises(EventIdReused) as refused:
            await log.append(appending(contact(1), event(1, b"another")))
        assert (refused.value.stream, refused.value.event_id) == (contact(1), UUID(int=1))

    async def test_an_event_id_reused_within_one_append_refuses_it_whole(self, log: Log) -> None:
        with pytest.raises(EventIdReused):
            await log.append(appending(contact(1), event(1), event(1, b"another")))
        assert (await log.head()).position == 0

    async def test_the_same_id_in_another_stream_is_another_event(self, log: Log) -> None:
        await log.append(appending(contact(1), event(1)))
        appended = await log.append(appending(contact(2), event(1, b"another")))
        assert list(appended.placements) == [Placement(2, 1, duplicate=False)]

    async def test_new_events_beside_known_ones_are_written(self, log: Log) -> None:
        await log.append(appending(contact(1), event(1)))
        appended = await log.append(appending(contact(1), event(1), event(2)))
        assert list(appended.placements) == [Placement(1, 1, duplicate=True), Placement(2, 2, duplicate=False)]

    async def test_a_repeated_append_does_not_need_the_version_it_once_expected(self, log: Log) -> None:
        once = appending(contact(1), event(1), expected=NONE)
        await log.append(once)
        await fill(log, [2], contact(1))
        assert list((await log.append(once)).placements) == [Placement(1, 1, duplicate=True)]

    async def test_a_repeated_append_does_not_need_the_fence_it_once_held(self, log: Log) -> None:
        fence = await log.acquire_fence("bank", "shard-1")
        once = appending(contact(1), event(1), fence=fence)
        await log.append(once)
        await log.acquire_fence("bank", "shard-1")
        assert list((await log.append(once)).placements) == [Placement(1, 1, duplicate=True)]


class TestExpectingAVersion:
    async def test_a_new_stream_may_be_demanded(self, log: Log) -> None:
        await log.append(appending(contact(1), event(1), expected=NONE))
        with pytest.raises(VersionConflict):
            await log.append(appending(contact(1), event(2), expected=NONE))

    async def test_version_zero_says_the_same_as_none(self, log: Log) -> None:
        await log.append(appending(contact(1), event(1), expected=0))
        with pytest.raises(VersionConflict):
            await log.append(appending(contact(1), event(2), expected=0))

    async def test_the_exact_version_is_accepted(self, log: Log) -> None:
        await fill(log, [1, 2], contact(1))
        appended = await log.append(appending(contact(1), event(3), expected=2))
        assert appended.placements[0].version == 3

    async def test_a_conflict_tells_the_version_and_the_events_that_came_between(self, log: Log) -> None:
        await fill(log, [1, 2, 3], contact(1))
        with pytest.raises(VersionConflict) as conflict:
            await log.append(appending(contact(1), event(4), expected=1))
        assert (conflict.value.stream, conflict.value.actual_version) == (contact(1), 3)
        assert ids(conflict.value.events) == [2, 3]

    async def test_a_conflict_is_told_at_most_a_hundred_events(self, log: Log) -> None:
        await fill(log, range(1, 151), contact(1))
        with pytest.raises(VersionConflict) as conflict:
            await log.append(appending(contact(1), event(200), expected=10))
        assert ids(conflict.value.events) == list(range(11, 111))

    async def test_a_version_that_is_still_to_come_is_a_conflict_without_events(self, log: Log) -> None:
        await fill(log, [1], contact(1))
        with pytest.raises(VersionConflict) as conflict:
            await log.append(appending(contact(1), event(2), expected=5))
        assert (conflict.value.actual_version, conflict.value.events) == (1, ())

    async def test_one_of_many_racing_for_a_version_wins(self, log: Log) -> None:
        calls = [appending(contact(1), event(number), expected=NONE) for number in range(1, 21)]
        verdicts = await asyncio.gather(*(log.append(call) for call in calls), return_exceptions=True)
        assert sorted(type(verdict).__name__ for verdict in verdicts) == ["Appended"] + ["VersionConflict"] * 19

    async def test_a_refused_append_leaves_nothing_behind(self, log: Log) -> None:
        await fill(log, [1], contact(2))
        parts = [StreamAppend(contact(1), [event(5)]), StreamAppend(contact(2), [event(6)], NONE)]
        with pytest.raises(VersionConflict):
            await log.append(Append("bank", parts))
        assert (await log.head()).position == 1
        assert (await log.read_stream("bank", contact(1))).events == []

    async def test_a_refused_append_does_not_fail_its_neighbours(self, log: Log) -> None:
        await fill(log, [1], contact(1))
        verdicts = await log.append_all(
            [
                appending(contact(2), event(2)),
                appending(contact(1), event(3), expected=NONE),
                appending(contact(1), event(1, b"another")),
                appending(contact(3), event(4)),
            ]
        )
        assert [type(verdict) for verdict in verdicts] == [Appended, VersionConflict, EventIdReused, Appended]
        assert (await log.head()).position == 3

    async def test_a_stream_without_events_can_be_a_condition_of_another(self, log: Log) -> None:
        await fill(log, [1], contact(1))
        await log.append(Append("bank", [StreamAppend(contact(1), [], 1), StreamAppend(contact(2), [event(2)])]))
        with pytest.raises(VersionConflict):
            await log.append(Append("bank", [StreamAppend(contact(1), [], 5), StreamAppend(contact(2), [event(3)])]))


class TestFences:
    async def test_epochs_of_a_fence_count_up(self, log: Log) -> None:
        assert await log.acquire_fence("bank", "shard-1") == Fence("shard-1", 1)
        assert await log.acquire_fence("bank", "shard-1") == Fence("shard-1", 2)

    async def test_fences_of_tenants_are_their_own(self, log: Log) -> None:
        await log.acquire_fence("bank", "shard-1")
        assert await log.acquire_fence("shop", "shard-1") == Fence("shard-1", 1)

    async def test_the_holder_of_a_fence_may_append(self, log: Log) -> None:
        fence = await log.acquire_fence("bank", "shard-1")
        await log.append(appending(contact(1), event(1), fence=fence))
        assert (await log.head()).position == 1

    async def test_who_lost_a_fence_is_refused(self, log: Log) -> None:
        old = await log.acquire_fence("bank", "shard-1")
        await log.append(appending(contact(1), event(1), fence=old))
        new = await log.acquire_fence("bank", "shard-1")
        with pytest.raises(Fenced) as refused:
            await log.append(appending(contact(1), event(2), fence=old))
        assert (refused.value.name, refused.value.epoch) == ("shard-1", 1)
        await log.append(appending(contact(1), event(3), fence=new))

    async def test_a_fence_never_given_out_is_refused(self, log: Log) -> None:
        with pytest.raises(Fenced):
            await log.append(appending(contact(1), event(1), fence=Fence("shard-1", 1)))
        await log.acquire_fence("bank", "shard-1")
        with pytest.raises(Fenced):
            await log.append(appending(contact(1), event(1), fence=Fence("shard-1", 2)))

    async def test_a_fenced_append_does_not_fail_its_neighbours(self, log: Log) -> None:
        old = await log.acquire_fence("bank", "shard-1")
        new = await log.acquire_fence("bank", "shard-1")
        verdicts = await log.append_all(
            [
                appending(contact(1), event(1), fence=old),
                appending(contact(2), event(2)),
                appending(contact(3), event(3), fence=new),
            ]
        )
        assert [type(verdict) for verdict in verdicts] == [Fenced, Appended, Appended]


class TestForm:
    async def test_an_append_without_events_is_refused(self, log: Log) -> None:
        with pytest.raises(InvalidAppend):
            await log.append(appending(contact(1)))

    async def test_a_stream_named_twice_is_refused(self, log: Log) -> None:
        with pytest.raises(InvalidAppend):
            await log.append(
                Append("bank", [StreamAppend(contact(1), [event(1)]), StreamAppend(contact(1), [event(2)])])
            )

    @pytest.mark.parametrize("tenant", ["", "x" * 201, "nul\0", "\ud800"])
    async def test_a_tenant_that_no_store_can_keep_is_refused(self, log: Log, tenant: str) -> None:
        with pytest.raises(InvalidAppend):
            await log.append(appending(contact(1), event(1), tenant=tenant))

    async def test_too_many_events_in_one_append_are_refused(self, log: Log) -> None:
        with pytest.raises(InvalidAppend):
            await log.append(appending(contact(1), *map(event, range(1, 1_002))))

    async def test_too_heavy_an_append_is_refused(self, log: Log) -> None:
        heavy = [NewEvent(UUID(int=number), "X", 0, b"x" * 1_000_000, b"", "pbx") for number in range(1, 10)]
        with pytest.raises(InvalidAppend):
            await log.append(appending(contact(1), *heavy))

    async def test_a_malformed_append_does_not_fail_its_neighbours(self, log: Log) -> None:
        bad = NewEvent(UUID(int=1), "nul\0", 0, b"", b"", "pbx")
        verdicts = await log.append_all([appending(contact(1), bad), appending(contact(2), event(2))])
        assert [type(verdict) for verdict in verdicts] == [InvalidAppend, Appended]

    async def test_a_full_stream_is_refused_whole(self, log: Log) -> None:
        for start in range(1, 10_000, 1_000):
            await log.append(appending(contact(1), *map(event, range(start, start + 1_000))))
        with pytest.raises(StreamFull) as refused:
            await log.append(appending(contact(1), event(10_001)))
        assert refused.value.stream == contact(1)
        assert (await log.append(appending(contact(1), event(10_000)))).placements[0].duplicate

    @pytest.mark.parametrize("limit", [0, -1, 10_001])
    async def test_a_limit_out_of_bounds_is_refused(self, log: Log, limit: int) -> None:
        with pytest.raises(InvalidRead):
            await log.read(0, limit=limit)
        with pytest.raises(InvalidRead):
            await log.read_stream("bank", contact(1), limit=limit)

    async def test_an_unknown_column_is_refused(self, log: Log) -> None:
        with pytest.raises(InvalidRead):
            [page async for page in log.read_packed(0, columns=["position", "caller_number"])]


class TestReadingStreams:
    async def test_an_unknown_stream_is_empty(self, log: Log) -> None:
        assert (await log.read_stream("bank", contact(1))).events == []

    async def test_a_stream_is_read_in_order_of_version(self, log: Log) -> None:
        await fill(log, [5, 3, 9], contact(1))
        await fill(log, [4], contact(2))
        assert ids((await log.read_stream("bank", contact(1))).events) == [5, 3, 9]

    async def test_a_stream_is_read_on_from_a_version(self, log: Log) -> None:
        await fill(log, range(1, 8), contact(1))
        assert ids((await log.read_stream("bank", contact(1), after_version=2, limit=3)).events) == [3, 4, 5]

    async def test_a_stream_is_read_backwards_from_its_end(self, log: Log) -> None:
        await fill(log, range(1, 8), contact(1))
        assert ids((await log.read_stream("bank", contact(1), limit=3, backwards=True)).events) == [7, 6, 5]

    async def test_a_stream_is_read_backwards_from_a_version(self, log: Log) -> None:
        await fill(log, range(1, 8), contact(1))
        page = await log.read_stream("bank", contact(1), after_version=3, backwards=True)
        assert ids(page.events) == [2, 1]

    async def test_a_stream_tells_where_it_was_read(self, log: Log) -> None:
        await fill(log, [1, 2, 3])
        assert (await log.read_stream("bank", contact(1))).as_of == await log.head()

    async def test_another_tenant_sees_nothing_of_a_stream(self, log: Log) -> None:
        await fill(log, [1], contact(1))
        assert (await log.read_stream("shop", contact(1))).events == []

    async def test_many_streams_are_read_whole(self, log: Log) -> None:
        await fill(log, range(1, 1_101), contact(1))
        await fill(log, [2_000], contact(2))
        found = await log.read_streams("bank", [contact(2), contact(1), contact(3)])
        assert ids(found[contact(1)]) == list(range(1, 1_101))
        assert (ids(found[contact(2)]), ids(found[contact(3)])) == ([2_000], [])

    async def test_many_streams_are_read_as_they_were(self, log: Log) -> None:
        await fill(log, [1, 2, 3, 4], contact(1))
        found = await log.read_streams("bank", [contact(1)], until_position=2)
        assert ids(found[contact(1)]) == [1, 2]


class TestReadingByPosition:
    async def test_a_page_goes_on_from_a_cursor(self, log: Log) -> None:
        await fill(log, range(1, 8))
        first = await log.read(0, limit=4)
        second = await log.read(first.complete_to, limit=4)
        assert (ids(first.events), ids(second.events)) == ([1, 2, 3, 4], [5, 6, 7])
        assert second.complete_to == await log.head()

    async def test_a_page_tells_the_head(self, log: Log) -> None:
        await fill(log, range(1, 8))
        assert (await log.read(0, limit=2)).head_position == 7

    async def test_a_page_stops_at_a_position(self, log: Log) -> None:
        await fill(log, range(1, 8))
        page = await log.read(2, until=5)
        assert ids(page.events) == [3, 4, 5]
        assert page.complete_to.position == 5

    async def test_an_empty_log_is_read_as_an_empty_page(self, log: Log) -> None:
        page = await log.read(0)
        assert (list(page.events), page.complete_to.position, page.head_position) == ([], 0, 0)

    async def test_pages_go_backwards_from_the_head(self, log: Log) -> None:
        await fill(log, range(1, 8))
        first = await log.read(0, limit=4, backwards=True)
        second = await log.read(first.complete_to, limit=4, backwards=True)
        assert (ids(first.events), ids(second.events)) == ([7, 6, 5, 4], [3, 2, 1])
        assert second.complete_to.position == 1

    @pytest.mark.parametrize(
        ("wanted", "expected"),
        [
            (Filter(), [1, 2, 3, 4, 5, 6]),
            (Filter(tenant="bank"), [1, 2, 3, 6]),
            (Filter(categories=("agent",)), [3]),
            (Filter(types=("LegEnded", "Bridged")), [2, 4, 5]),
            (Filter(tenant="shop", categories=("contact",), types=("Bridged",)), [5]),
            (Filter(tenant="nobody"), []),
        ],
    )
    async def test_a_filter_passes_only_what_was_asked_for(self, log: Log, wanted: Filter, expected: list[int]) -> None:
        await log.append(appending(contact(1), event(1)))
        await log.append(appending(contact(1), event(2, kind="LegEnded")))
        await log.append(appending(Stream("agent", UUID(int=1)), event(3)))
        await log.append(appending(contact(2), event(4, kind="LegEnded"), tenant="shop"))
        await log.append(appending(contact(2), event(5, kind="Bridged"), tenant="shop"))
        await log.append(appending(contact(1), event(6)))
        assert ids(await read_all(log, wanted)) == expected
        packed = [page async for page in log.read_packed(0, filter=wanted, page_size=4)]
        assert [int.from_bytes(x.as_py(), "big") for page in packed for x in page.batch["event_id"]] == expected

    async def test_a_page_that_passes_nothing_still_tells_how_far_it_is_complete(self, log: Log) -> None:
        await fill(log, range(1, 30))
        cursor: Cursor | int = 0
        while (page := await log.read(cursor, filter=Filter(tenant="shop"))).complete_to.position < 29:
            cursor = page.complete_to
        assert list(page.events) == []

    async def test_a_cursor_of_another_incarnation_is_refused(self, log: Log) -> None:
        await fill(log, [1])
        head = await log.head()
        held = Cursor(head.log_id, head.incarnation + 1, 1)
        with pytest.raises(IncarnationChanged) as changed:
            await log.read(held)
        assert (changed.value.held, changed.value.actual) == (held, head)

    async def test_a_log_that_lost_nothing_is_unchanged_up_to_any_cursor(self, log: Log) -> None:
        await fill(log, [1, 2])
        head = await log.head()
        held = Cursor(head.log_id, head.incarnation, 1)
        assert await log.unchanged_until(held) == held

    async def test_nobody_knows_up_to_where_another_log_is_unchanged(self, log: Log) -> None:
        head = await log.head()
        for held in (Cursor("another", 1, 0), Cursor(head.log_id, head.incarnation + 1, 0)):
            with pytest.raises(IncarnationChanged):
                await log.unchanged_until(held)

    async def test_a_cursor_of_another_log_is_refused(self, log: Log) -> None:
        with pytest.raises(IncarnationChanged):
            await log.read(Cursor("another", 1, 0))

    async def test_a_cursor_beyond_the_head_is_refused(self, log: Log) -> None:
        head = await log.head()
        with pytest.raises(IncarnationChanged):
            await log.read(Cursor(head.log_id, head.incarnation, 1))
        with pytest.raises(IncarnationChanged):
            [page async for page in log.read_packed(Cursor(head.log_id, head.incarnation, 1))]
        with pytest.raises(IncarnationChanged):
            await anext(log.subscribe(Cursor(head.log_id, head.incarnation, 1)))


class TestReadingColumns:
    async def test_columns_say_the_same_as_events(self, log: Log) -> None:
        await fill(log, range(1, 1_201))
        await log.append(appending(contact(3), NewEvent(UUID(int=9_999), "X", 0, b"", b"", "pbx")))
        events: list[Event] = []
        while len(events) < 1_201:
            events += (await log.read(len(events))).events
        pages = [page async for page in log.read_packed(0, page_size=500)]
        rows = [row for page in pages for row in page.batch.to_pylist()]
        assert rows == pack(events).to_pylist()
        assert pages[0].batch.schema == SCHEMA

    async def test_packed_pages_tell_how_far_they_are_complete(self, log: Log) -> None:
        await fill(log, range(1, 1_001))
        pages = [page async for page in log.read_packed(0, page_size=400)]
        assert [page.complete_to.position for page in pages] == [400, 800, 1_000]
        assert [page.count for page in pages] == [400, 400, 200]

    async def test_packed_pages_stop_at_a_position(self, log: Log) -> None:
        await fill(log, range(1, 20))
        pages = [page async for page in log.read_packed(3, until=11)]
        assert [position.as_py() for page in pages for position in page.batch["position"]] == list(range(4, 12))
        assert {(page.complete_to.position, page.head_position) for page in pages} == {(11, 19)}

    async def test_only_the_columns_asked_for_come(self, log: Log) -> None:
        await fill(log, range(1, 4))
        wanted = ["payload", "position"]
        pages = [page async for page in log.read_packed(0, columns=wanted)]
        assert [page.batch.schema.names for page in pages] == [wanted]

    async def test_every_field_of_an_event_has_its_column(self, log: Log) -> None:
        await fill(log, [1])
        (page,) = [page async for page in log.read_packed(0)]
        assert tuple(page.batch.schema.names) == COLUMNS

    async def test_an_empty_stretch_has_no_packed_pages(self, log: Log) -> None:
        await fill(log, [1])
        assert [page async for page in log.read_packed(1)] == []


class TestFollowing:
    async def test_a_follower_catches_up_and_then_hears_the_news(self, log: Log) -> None:
        await fill(log, range(1, 6))
        following = asyncio.create_task(take_pages(log.subscribe(0, limit=2), 8))
        for number in (6, 7, 8):
            await fill(log, [number])
        assert ids(await following) == list(range(1, 9))

    async def test_a_follower_hears_only_what_passes_its_filter(self, log: Log) -> None:
        following = asyncio.create_task(take_pages(log.subscribe(0, filter=Filter(tenant="shop")), 2))
        for number in range(1, 7):
            await fill(log, [number], tenant="shop" if number % 3 == 0 else "bank")
        assert ids(await following) == [3, 6]

    async def test_a_follower_without_news_is_told_how_far_it_is(self, log: Log) -> None:
        await fill(log, [1, 2])
        pages = log.subscribe(2, heartbeat=timedelta(milliseconds=100))
        async with asyncio.timeout(30):
            page = await anext(pages)
            later = await anext(pages)
        assert (list(page.events), page.complete_to) == ([], await log.head())
        assert (list(later.events), later.complete_to) == ([], await log.head())

    async def test_a_follower_in_columns_catches_up_and_hears_the_news(self, log: Log) -> None:
        await fill(log, range(1, 6))
        positions: list[int] = []
        async with asyncio.timeout(30):
            async for page in log.subscribe_packed(0, limit=3, columns=["position"]):
                positions += page.batch["position"].to_pylist()
                if positions == [1, 2, 3, 4, 5]:
                    await fill(log, [6])
                if len(positions) >= 6:
                    break
        assert positions == [1, 2, 3, 4, 5, 6]

    async def test_a_follower_in_columns_without_news_is_told_how_far_it_is(self, log: Log) -> None:
        await fill(log, [1, 2])
        async with asyncio.timeout(30):
            page = await anext(log.subscribe_packed(2, heartbeat=timedelta(milliseconds=100)))
        assert (page.count, page.complete_to) == (0, await log.head())
