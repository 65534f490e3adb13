"""Values of records as columns: the same as of the events themselves, or refused."""

from uuid import UUID

import pytest

from event_log.kafka.columns import MalformedValues, events_of, is_event, partitions_of
from event_log.kafka.record import partition_of, stream_key
from event_log.model import Event, Stream
from event_log.packed import COLUMNS, pack
from event_log.wire import event_to_wire


def event(position: int) -> Event:
    return Event(
        position=position,
        tenant=f"bank {position % 3}",
        stream=Stream("contact" if position % 2 else "agent", UUID(int=position)),
        version=position,
        event_id=UUID(int=position),
        type="Enqueued",
        event_time_us=-position,
        record_time_us=position,
        payload=bytes([position % 256]) * (position % 5),
        body_mac=b"",
        source_id="pbx",
        source_seq=position if position % 2 else None,
        correlation_id=UUID(int=5) if position % 3 else None,
        actor="Ünal",
    )


EVENTS = [event(position) for position in range(1, 300)]
VALUES = [event_to_wire(one).SerializeToString() for one in EVENTS]
POSITIONS = [one.position for one in EVENTS]


@pytest.mark.parametrize("columns", [COLUMNS, ("position", "key", "payload"), ("type",)])
def test_columns_of_values_are_those_of_the_events(columns: tuple[str, ...]) -> None:
    assert events_of(VALUES, POSITIONS, columns).equals(pack(EVENTS, columns))


@pytest.mark.parametrize("value", [b"\xff\xff", b"garbage", b"", event_to_wire(event(7)).SerializeToString()])
def test_a_value_that_is_not_the_event_of_its_header_is_refused(value: bytes) -> None:
    assert is_event(VALUES[0], 1)
    assert not is_event(value, 1)
    with pytest.raises(MalformedValues):
        events_of([*VALUES, value], [*POSITIONS, 1], COLUMNS)


@pytest.mark.parametrize("partitions", [1, 7, 48])
def test_partitions_in_columns_are_those_of_the_records(partitions: int) -> None:
    told = [partition_of(one.tenant, stream_key(one.stream), partitions) for one in EVENTS]
    assert partitions_of(pack(EVENTS), partitions).to_pylist() == told
