"""Laws of appending that hold for whatever is told, in whatever groups."""

import asyncio
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from event_log.memory import MemoryLog
from event_log.model import ANY, NONE, Append, Appended, Event, Expected, NewEvent, Stream, StreamAppend
from event_log.rows import HEADER, encode, split
from event_log.verdicts import as_event

streams = st.integers(1, 4).map(lambda number: Stream("contact", UUID(int=number)))
new_events = st.builds(
    NewEvent,
    event_id=st.integers(1, 12).map(lambda number: UUID(int=number)),
    type=st.sampled_from(["Enqueued", "Bridged"]),
    event_time_us=st.integers(-(2**63), 2**63 - 1),
    payload=st.binary(max_size=20),
    body_mac=st.sampled_from([b"one", b"one", b"one", b"two"]),
    source_id=st.sampled_from(["pbx-1", "pbx-ü"]),
    source_seq=st.none() | st.integers(-(2**63), 2**63 - 1),
    correlation_id=st.none() | st.uuids(),
    causation_id=st.none() | st.uuids(),
    actor=st.sampled_from(["", "agent 7"]),
)
expectations: st.SearchStrategy[Expected] = st.just(ANY) | st.just(NONE) | st.integers(0, 6)
parts = st.builds(StreamAppend, streams, st.lists(new_events, max_size=4), expectations)
appends = st.builds(
    Append,
    st.sampled_from(["bank", "shop"]),
    st.lists(parts, min_size=1, max_size=3, unique_by=lambda part: part.stream),
)


def written(told: list[Append]) -> tuple[list[object], list[Event]]:
    """Return the verdicts and the log after everything was told."""

    async def tell() -> tuple[list[object], list[Event]]:
        log = MemoryLog(now_us=lambda: 0)
        verdicts: list[object] = list(await log.append_all(told))
        return verdicts, list((await log.read(0, limit=10_000)).events)

    return asyncio.run(tell())


@given(st.lists(appends, max_size=20))
def test_told_twice_is_told_once(told: list[Append]) -> None:
    once = written(told)[1]
    accepted = [append for append, verdict in zip(told, written(told)[0], strict=True) if isinstance(verdict, Appended)]
    assert written([append for one in accepted for append in (one, one)])[1] == once
    assert written(accepted + accepted)[1] == once


@given(st.lists(appends, max_size=20))
def test_positions_are_dense_and_versions_count_within_each_stream(told: list[Append]) -> None:
    events = written(told)[1]
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    versions: dict[tuple[str, Stream], int] = {}
    for event in events:
        versions[event.tenant, event.stream] = versions.get((event.tenant, event.stream), 0) + 1
        assert event.version == versions[event.tenant, event.stream]


@given(st.lists(appends, max_size=20))
def test_an_accepted_append_stands_where_it_was_told_and_a_refused_one_nowhere(told: list[Append]) -> None:
    verdicts, events = written(told)
    placed = 0
    for append, verdict in zip(told, verdicts, strict=True):
        if not isinstance(verdict, Appended):
            continue
        wanted = [(part.stream, event) for part in append.streams for event in part.events]
        for (stream, event), place in zip(wanted, verdict.placements, strict=True):
            found = events[place.position - 1]
            assert (found.tenant, found.stream, found.event_id) == (append.tenant, stream, event.event_id)
            assert (found.version, found.body_mac) == (place.version, event.body_mac)
            placed += not place.duplicate
    assert placed == len(events)


@given(st.lists(st.tuples(streams, new_events), min_size=1, max_size=8))
def test_rows_are_split_where_they_were_joined(told: list[tuple[Stream, NewEvent]]) -> None:
    rows = [
        encode("bank", StreamAppend(stream, [event]), event, position, 1, 5)
        for position, (stream, event) in enumerate(told, 1)
    ]
    found = list(split(memoryview(b"".join(rows) + b"\xff\xff")))
    assert found == [(position, len(row)) for position, row in enumerate(rows, 1)]
    cut = list(split(memoryview(b"".join(rows))[:-1]))
    assert cut == found[:-1]


@given(streams, new_events)
def test_an_event_keeps_what_was_told(stream: Stream, new: NewEvent) -> None:
    event = as_event(("bank", StreamAppend(stream, [new]), new, 7, 3), 9)
    assert all(getattr(event, field) == getattr(new, field) for field in NewEvent.__slots__)
    assert (event.position, event.version, event.record_time_us, event.category) == (7, 3, 9, "contact")


def test_the_header_is_that_of_binary_copy() -> None:
    assert b"PGCOPY\n\xff\r\n\x00" + bytes(8) == HEADER
