"""Events and contacts as people read them."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from holdfast.call_events.v1 import call_events_service_pb2 as calls
from holdfast.call_events.v1 import contact_pb2, queueing_pb2
from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactEvent, ContactName
from holdfast.log.v1.event_pb2 import Event
from holdfast_cli import event_tables

CONTACT = "25b1fd9a-b03e-58f8-8c05-f8fc9d89db12"
NINE = Timestamp(seconds=1_767_603_600)
DEQUEUED = ContactEvent(
    contact=ContactName(contact_id=CONTACT),
    event_time=NINE,
    source_id="pbx",
    dequeued=queueing_pb2.Dequeued(visit_id="v", queue="sales", kind=queueing_pb2.DEQUEUE_KIND_ABANDONED),
)


def recorded(event: ContactEvent, *, voided: bool = False) -> contact_pb2.RecordedContactEvent:
    return contact_pb2.RecordedContactEvent(envelope=Event(type="Dequeued"), event=event, voided=voided)


def test_a_contacts_event_is_a_line_with_its_words() -> None:
    line = event_tables.line(calls.TenantEvent(contact_event=recorded(DEQUEUED)))
    assert line == f"2026-01-05 09:00:00      Dequeued           {CONTACT}  queue=sales  kind=abandoned"


def test_an_agents_event_is_a_line_of_its_source() -> None:
    event = AgentEvent(event_time=NINE, source_id="pbx")
    event.agent_logged_in.agent = "anna"
    told = contact_pb2.RecordedAgentEvent(envelope=Event(type="AgentLoggedIn"), event=event)
    line = event_tables.line(calls.TenantEvent(agent_event=told))
    assert line.split() == ["2026-01-05", "09:00:00", "AgentLoggedIn", "pbx", "agent=anna"]


def test_an_event_of_a_type_not_known_here_is_still_a_line() -> None:
    event = ContactEvent(contact=ContactName(contact_id=CONTACT), event_time=NINE)
    assert CONTACT in event_tables.line(calls.TenantEvent(contact_event=recorded(event)))


def test_a_fraction_of_a_second_is_shown_only_where_there_is_one() -> None:
    assert event_tables.instant(Timestamp(seconds=NINE.seconds, nanos=250_000_000)) == "2026-01-05 09:00:00.25"
    assert event_tables.instant(Timestamp(seconds=-1)) == "1969-12-31 23:59:59"


def test_a_contact_is_shown_with_what_it_came_to(capsys: pytest.CaptureFixture[str]) -> None:
    contact = contact_pb2.Contact(contact_id=CONTACT, root_contact_id=CONTACT, phase="ended", end="abandoned_queue")
    contact.queue_visits.add(
        queue="sales", enqueued_time=NINE, wait_us=33_000_000, dequeue_kind=queueing_pb2.DEQUEUE_KIND_ABANDONED
    )
    contact.queue_visits.add(queue="billing", enqueued_time=NINE)
    contact.anomalies.add(rule="bridged_before_enqueued", detail="bridged 3 s before it was enqueued")
    event_tables.show_contact(calls.GetContactResponse(contact=contact, events=[recorded(DEQUEUED, voided=True)]))
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "end abandoned_queue" in shown
    assert "sales 2026-01-05 09:00:00 0:33 abandoned" in shown
    assert "billing 2026-01-05 09:00:00 - waiting" in shown
    assert "bridged_before_enqueued bridged 3 s before it was enqueued" in shown
    assert "2026-01-05 09:00:00 Dequeued (voided) queue=sales kind=abandoned" in shown
