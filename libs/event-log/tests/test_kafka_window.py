"""What a relay sends of a window, whatever the events: each once, after the one before it, and nothing of others."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from event_log.kafka.batch_form import decoded
from event_log.kafka.outgoing import WINDOW_BYTES, windows_of
from event_log.kafka.record import Control, EventPlace, Origin, partition_of, place_of, stream_key
from event_log.kafka.window import Checkpoint, Outgoing, Window, beginning, controls_of, records_of, resumed
from event_log.model import Cursor, Event, PackedPage, Stream
from event_log.packed import pack
from event_log.wire import event_from_wire
from holdfast.log.v1 import event_pb2

ORIGIN = Origin("log", 1, 3)
stretches = st.lists(st.sampled_from([0, 1, 2, None]), min_size=1, max_size=30)
"""For each position the partition that its event goes to, None where it is not this relay's."""


def window_of(stretch: list[int | None], after: int = 0) -> Window:
    events = [
        Outgoing(after + number, partition, b"key", b"value", "Enqueued", "bank", "")
        for number, partition in enumerate(stretch, 1)
        if partition is not None
    ]
    until = after + len(stretch)
    return Window(events, Cursor("log", 1, until), until)


@given(stretches, stretches)
def test_each_record_names_the_one_before_it_in_its_partition(
    first: list[int | None], second: list[int | None]
) -> None:
    held = beginning(Cursor("log", 1, 99), [0, 1, 2])
    one, between = records_of(window_of(first), held, ORIGIN)
    two, after = records_of(window_of(second, len(first)), between, ORIGIN)
    last = dict.fromkeys([0, 1, 2], 0)
    for partition, _, _, headers in one + two:
        place = place_of(decoded(headers))
        assert isinstance(place, EventPlace)
        assert place.prev == last[partition]
        last[partition] = place.position
    assert after == Checkpoint(Cursor("log", 1, len(first) + len(second)), last)


@given(stretches)
def test_what_a_partition_has_is_not_sent_to_it_again(stretch: list[int | None]) -> None:
    _, after = records_of(window_of(stretch), beginning(Cursor("log", 1, 0), [0, 1, 2]), ORIGIN)
    behind = Checkpoint(Cursor("log", 1, 0), after.prevs)
    assert records_of(window_of(stretch), behind, ORIGIN) == ([], after)


@given(stretches)
def test_every_partition_is_told_how_far_it_is_whole(stretch: list[int | None]) -> None:
    _, held = records_of(window_of(stretch), beginning(Cursor("log", 1, 0), [0, 1, 2]), ORIGIN)
    controls = {record.partition: place_of(decoded(record.headers)) for record in controls_of(held, ORIGIN)}
    assert controls == {number: Control(ORIGIN, held.prevs[number], len(stretch)) for number in range(3)}


def test_the_trace_of_an_event_goes_with_its_record() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    window = Window([Outgoing(1, 0, b"key", b"value", "Enqueued", "bank", trace)], Cursor("log", 1, 1), 1)
    ((_, _, _, headers),) = records_of(window, beginning(Cursor("log", 1, 0), [0]), ORIGIN)[0]
    assert dict(decoded(headers))["traceparent"] == trace.encode()


def test_a_restored_log_goes_on_from_its_head_under_its_new_incarnation() -> None:
    held = Checkpoint(Cursor("log", 1, 90), {0: 80, 1: 90})
    assert resumed(held, Cursor("log", 1, 95)) is held
    assert resumed(held, Cursor("log", 2, 60)) == Checkpoint(Cursor("log", 2, 60), {0: 60, 1: 60})


@given(st.lists(st.integers(1, 400_000), min_size=1, max_size=12), st.sets(st.integers(0, 3), min_size=1))
def test_a_page_becomes_bounded_windows_of_these_partitions_whole_events(sizes: list[int], mine: set[int]) -> None:
    events = [event_of_size(number, size) for number, size in enumerate(sizes, 1)]
    page = PackedPage(pack(events), Cursor("log", 1, len(events)), 99)
    windows = list(windows_of(page, mine, 4))
    sent = [outgoing for window in windows for outgoing in window.events]
    ours = [event for event in events if partition_of(event.tenant, stream_key(event.stream), 4) in mine]
    assert [event_from_wire(event_pb2.Event.FromString(outgoing.value)) for outgoing in sent] == ours
    assert [outgoing.key for outgoing in sent] == [stream_key(event.stream) for event in ours]
    assert windows[-1].complete_to == page.complete_to
    assert all(sum(len(one.value) for one in window.events[:-1]) < WINDOW_BYTES for window in windows)
    ends = [window.complete_to.position for window in windows]
    assert ends == sorted(set(ends))


def event_of_size(number: int, size: int) -> Event:
    stream = Stream("contact", UUID(int=number))
    return Event(number, "bank", stream, 1, UUID(int=number), "Enqueued", 1, 2, bytes(size), b"mac", "pbx-1", 7)
