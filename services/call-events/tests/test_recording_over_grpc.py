"""One journey: told by gRPC, read back as told and as a contact."""

from uuid import UUID

from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1 import contact_event_pb2

CONTACT = "0198c0de-0000-5000-8000-000000000001"


def event_id(number: int) -> str:
    return str(UUID(int=number))


def queued(number: int, **more: object) -> contact_event_pb2.ContactEvent:
    event = contact_event_pb2.ContactEvent(event_id=event_id(number), source_id="pbx", **more)  # type: ignore[arg-type]
    event.contact.contact_id = CONTACT
    event.event_time.seconds = 1_790_000_000 + number
    event.enqueued.queue = "support"
    return event


async def test_an_event_told_is_read_back_as_a_contact(stub) -> None:
    request = pb.RecordContactEventsRequest(events=[queued(1)])
    answer = await stub.RecordContactEvents(request)
    assert [verdict.recorded.version for verdict in answer.verdicts] == [1]
    found = await stub.GetContact(pb.GetContactRequest(contact={"contact_id": CONTACT}, include_events=True))
    assert found.contact.phase == "queued"
    assert found.contact.queue_visits[0].queue == "support"
    assert found.events[0].event.enqueued.queue == "support"
    again = await stub.RecordContactEvents(request)
    assert again.verdicts[0].recorded.duplicate
