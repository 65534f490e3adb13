"""Payloads as columns: natively and message by message the same."""

import pyarrow as pa
import pytest

from contact_life.codec import TYPES, encode
from holdfast.call_events.v1 import after_pb2, agent_pb2
from metrics.fact.payload import MalformedPayload, columns_of, message_columns, native_columns
from metrics.fact.screen import NEEDED_PATHS
from told_contacts import chance_of, contacts


def payloads() -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for event in contacts(chance_of(1), 60, 0.05):
        if event.type in TYPES:
            found.setdefault(event.type, []).append(event.payload)
    request = after_pb2.CallbackRequested(queue="a")
    request.promised_time.FromMicroseconds(-5_000_001)
    for body in (
        request,
        after_pb2.CallbackRequested(),
        agent_pb2.AgentRingEnded(ring_ms=0),
        agent_pb2.AgentRingEnded(),
    ):
        name, payload = encode(body)
        found.setdefault(name, []).append(payload)
    return found


def test_native_columns_equal_those_of_messages() -> None:
    for name, told in payloads().items():
        array = pa.array(told, pa.binary())
        native = native_columns(name, array, NEEDED_PATHS[name])
        assert native.equals(message_columns(name, array, NEEDED_PATHS[name])), name


@pytest.mark.parametrize("name", sorted(NEEDED_PATHS))
def test_every_type_decodes_when_nothing_is_told(name: str) -> None:
    empty = pa.array([b""], pa.binary())
    assert native_columns(name, empty, NEEDED_PATHS[name]).equals(message_columns(name, empty, NEEDED_PATHS[name]))


@pytest.mark.parametrize("garbage", [b"\xff\xff\xff", b"\x12\x05ab", b"\x1a\x02\xff\xfe", b"hello"])
def test_garbage_is_malformed_either_way(garbage: bytes) -> None:
    array = pa.array([b"", garbage], pa.binary())
    for columns in (native_columns, message_columns):
        with pytest.raises(MalformedPayload):
            columns("Enqueued", array, NEEDED_PATHS["Enqueued"])


def test_every_path_that_facts_need_is_a_field_of_its_message() -> None:
    for name, paths in NEEDED_PATHS.items():
        columns_of(name, pa.array([b""], pa.binary()), paths)
