"""Records of a topic: what was written is read back whole, and what is no record of ours is refused by its form."""

from contextlib import suppress
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from event_log.kafka.record import (
    Carried,
    Control,
    EventPlace,
    MalformedRecord,
    Origin,
    control_record,
    event_record,
    partition_of,
    place_of,
    read_record,
    stream_key,
)
from event_log.model import Event, Stream

numbers = st.integers(0, 2**62)
origins = st.builds(Origin, st.text(min_size=1, max_size=20), numbers, numbers)
events = st.builds(
    Event,
    position=st.integers(1, 2**62),
    tenant=st.sampled_from(["bank", "shop-ü"]),
    stream=st.builds(Stream, st.sampled_from(["contact", "agent"]), st.uuids()),
    version=st.integers(1, 10_000),
    event_id=st.uuids(),
    type=st.sampled_from(["Enqueued", "Bridged"]),
    event_time_us=st.integers(-(2**63), 2**63 - 1),
    record_time_us=numbers,
    payload=st.binary(max_size=20),
    body_mac=st.binary(max_size=32),
    source_id=st.sampled_from(["pbx-1", "pbx-ü"]),
    source_seq=st.none() | numbers,
    correlation_id=st.none() | st.uuids(),
    causation_id=st.none() | st.uuids(),
    actor=st.sampled_from(["", "agent 7"]),
    traceparent=st.sampled_from(["", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]),
)
ORIGIN = Origin("call_events-1", 1, 7)
FOR_EVER = [38, 16, 26, 44, 47, 25]
"""Partitions of the first contacts of "bank" in a topic of 48: what stands in topics stays where it stands."""
EVENT = Event(9, "bank", Stream("contact", UUID(int=1)), 1, UUID(int=2), "Enqueued", 3, 4, b"payload", b"mac", "pbx-1")


@given(events, origins, st.data())
def test_an_event_is_read_back_as_it_was_written(event: Event, origin: Origin, data: st.DataObject) -> None:
    prev = data.draw(st.integers(0, event.position - 1))
    record = event_record(event, prev, origin)
    place = EventPlace(origin, prev, event.position)
    assert place_of(record.headers) == place
    assert read_record(record.key, record.value, record.headers) == Carried(place, event)


@given(origins, numbers, numbers)
def test_a_control_record_is_read_back_as_it_was_written(origin: Origin, one: int, other: int) -> None:
    control = Control(origin, min(one, other), max(one, other))
    record = control_record(control)
    assert read_record(record.key, record.value, record.headers) == control


@given(events, st.integers(1, 100))
def test_events_of_one_stream_stand_in_one_partition(event: Event, partitions: int) -> None:
    later = replace(event, position=event.position + 1, version=event.version + 1, type="Bridged")
    where = partition_of(event.tenant, stream_key(event.stream), partitions)
    assert 0 <= where < partitions
    assert where == partition_of(later.tenant, stream_key(later.stream), partitions)


def test_the_partition_of_a_stream_is_for_ever() -> None:
    keys = [stream_key(Stream("contact", UUID(int=number))) for number in range(6)]
    assert [partition_of("bank", key, 48) for key in keys] == FOR_EVER


def test_streams_that_coincide_between_tenants_need_not_share_a_partition() -> None:
    key = stream_key(Stream("contact", UUID(int=1)))
    assert len({partition_of(f"tenant {number}", key, 48) for number in range(100)}) > 24


@given(
    st.none() | st.binary(max_size=30),
    st.none() | st.binary(max_size=60),
    st.lists(
        st.tuples(
            st.sampled_from(["log_id", "incarnation", "epoch", "prev", "position", "complete_to", "x"]),
            st.binary(max_size=4) | st.integers(0, 99).map(lambda number: b"%d" % number),
        ),
        max_size=8,
    ),
)
def test_garbage_is_refused_as_malformed_or_is_a_record(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    with suppress(MalformedRecord):
        assert isinstance(read_record(key, value, headers), Carried | Control)


@pytest.mark.parametrize("name", ["log_id", "incarnation", "epoch", "prev", "position"])
def test_a_missing_header_is_named(name: str) -> None:
    record = event_record(EVENT, 0, ORIGIN)
    headers = [header for header in record.headers if header[0] != name]
    with pytest.raises(MalformedRecord, match=f"the header {name} is missing"):
        read_record(record.key, record.value, headers)


def test_a_value_that_contradicts_its_headers_or_key_is_refused() -> None:
    record, other = event_record(EVENT, 0, ORIGIN), event_record(replace(EVENT, position=8), 0, ORIGIN)
    with pytest.raises(MalformedRecord, match="another position"):
        read_record(record.key, other.value, record.headers)
    with pytest.raises(MalformedRecord, match="another stream"):
        read_record(b"contact", record.value, record.headers)
    with pytest.raises(MalformedRecord, match="no event"):
        read_record(record.key, b"\xff\xff", record.headers)


def test_positions_that_run_backwards_are_refused() -> None:
    with pytest.raises(MalformedRecord, match="position does not lie after prev"):
        place_of(event_record(EVENT, 9, ORIGIN).headers)
    with pytest.raises(MalformedRecord, match="complete_to lies before prev"):
        place_of(control_record(Control(ORIGIN, 9, 8)).headers)


def test_no_header_and_no_key_carries_what_a_payload_says() -> None:
    record = event_record(replace(EVENT, payload=b"+4930123456"), 0, ORIGIN)
    assert b"+4930123456" not in b"".join(value for _, value in record.headers) + (record.key or b"")
