"""Events as a tenant sees them: one that nobody can read is shown without its body and keeps nobody from the rest."""

from uuid import UUID

from call_events.read.event_view import contact_event, readable
from event_log.model import Event, Stream
from holdfast.call_events.v1 import queueing_pb2


def stored(payload: bytes, kind: str = "Enqueued", position: int = 1) -> Event:
    stream, event_id = Stream("contact", UUID(int=1)), UUID(int=position)
    return Event(position, "t", stream, 1, event_id, kind, 1, 1, payload=payload, body_mac=b"", source_id="p")


GOOD = stored(queueing_pb2.Enqueued(queue="sales").SerializeToString())
POISON = stored(b"\xff\xff\xff\xff no message", position=2)
OF_TOMORROW = stored(b"whatever", "TypeOfTomorrow", position=3)


def test_an_event_that_is_no_message_of_its_type_is_shown_without_a_body() -> None:
    shown = contact_event(POISON, with_position=True)
    assert (shown.envelope.position, shown.event.event_id) == (2, str(POISON.event_id))
    assert shown.event.WhichOneof("body") is None


def test_a_type_that_is_not_known_yet_has_no_body() -> None:
    assert contact_event(OF_TOMORROW, with_position=False).event.WhichOneof("body") is None


def test_what_can_be_read_is_shown_whole() -> None:
    assert contact_event(GOOD, with_position=False).event.enqueued.queue == "sales"


def test_folds_get_what_can_be_read() -> None:
    assert [event.position for event in readable([GOOD, POISON, OF_TOMORROW])] == [1, 3]
