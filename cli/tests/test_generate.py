"""Generated days: the same for the same seed, and as a contact centre is."""

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from google.protobuf.json_format import ParseDict

from contact_life import identity
from contact_life.fold import fold_contact
from contact_life.observed import Observed
from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactEvent
from holdfast.call_events.v1.queueing_pb2 import DEQUEUE_KIND_ABANDONED, DEQUEUE_KIND_ANSWERED
from holdfast_cli.generating import generate
from holdfast_cli.generating.generate import Event
from holdfast_cli.generating.plan import CUSTOMERS, DESK_SOURCE, Plan, number_of

PLAN = Plan(seed=7, first_day=date(2026, 3, 2), days=2, contacts_per_day=300)
CHECKSUM = "d0863fd4072ef035862494f8e89d08a19df26556dc7596c02fd5f2cba0b69a6e"


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return list(generate.events_of(PLAN))


def contact_events(events: Iterable[Event]) -> list[ContactEvent]:
    return [event for event in events if isinstance(event, ContactEvent)]


def test_the_same_seed_gives_the_same_bytes_on_every_machine(events: list[Event]) -> None:
    assert generate.checksum(events) == CHECKSUM
    assert generate.checksum(generate.events_of(PLAN)) == CHECKSUM


@pytest.mark.parametrize("other", [{"seed": 8}, {"tenant": "other"}, {"first_day": date(2026, 3, 3)}])
def test_another_plan_gives_other_events(other: dict[str, object]) -> None:
    one_day = replace(PLAN, days=1)
    changed = replace(one_day, **other)  # type: ignore[arg-type] # the names are the plan's
    assert generate.checksum(generate.events_of(changed)) != generate.checksum(generate.events_of(one_day))


def test_each_event_has_an_id_of_its_own(events: list[Event]) -> None:
    assert len({event.event_id for event in events}) == len(events)


def test_a_second_source_tells_late_and_out_of_order(events: list[Event]) -> None:
    times = defaultdict(list)
    for event in events:
        times[event.source_id].append(event.event_time.ToMicroseconds())
    late = times[DESK_SOURCE]
    assert len(late) > 100
    assert late != sorted(late)
    desk = next(event for event in events if event.source_id == DESK_SOURCE)
    assert isinstance(desk, ContactEvent)
    assert desk.contact.HasField("alias")


def test_what_can_happen_happens() -> None:
    happened = Counter(str(event.WhichOneof("body")) for event in generate.events_of(replace(PLAN, days=7)))
    never = {body.name for body in ContactEvent.DESCRIPTOR.oneofs_by_name["body"].fields} - set(happened)
    assert never <= {
        "contact_unlinked", "contact_closed", "step_advanced", "leg_created", "leg_ringing", "leg_media_back",
        "leg_quality", "unbridged", "transfer_failed", "conference_joined", "conference_left", "recording_started",
        "recording_paused", "recording_resumed", "recording_stopped", "event_voided",
    }  # fmt: skip


def test_every_visit_ends_and_nobody_waits_a_negative_time(events: list[Event]) -> None:
    begun = {event.enqueued.visit_id: event for event in contact_events(events) if event.HasField("enqueued")}
    ended = {event.dequeued.visit_id: event for event in contact_events(events) if event.HasField("dequeued")}
    assert set(begun) == set(ended)
    for visit, end in ended.items():
        assert end.event_time.ToMicroseconds() >= begun[visit].event_time.ToMicroseconds()


def test_every_contact_ends_and_nothing_told_of_it_contradicts_itself(events: list[Event]) -> None:
    told: defaultdict[str, list[Observed]] = defaultdict(list)
    for event in contact_events(events):
        alias = event.contact.alias
        contact = event.contact.contact_id or identity.contact_id(PLAN.tenant, alias.source_id, alias.native_id)
        body = getattr(event, str(event.WhichOneof("body")))
        at_us = event.event_time.ToMicroseconds()
        told[contact].append(
            Observed(len(told), event.event_id, body.DESCRIPTOR.name, at_us, at_us, event.source_id, None, body)
        )
    contacts = [fold_contact(contact, observed) for contact, observed in told.items()]
    assert {str(contact.phase) for contact in contacts} == {"ended"}
    assert {str(contact.end) for contact in contacts} >= {"handled", "abandoned_queue", "contained", "dropped"}
    assert not [anomaly for contact in contacts for anomaly in contact.anomalies]


def test_an_agent_serves_one_contact_at_a_time(events: list[Event]) -> None:
    spells = defaultdict(list)
    started = {}
    for event in contact_events(events):
        if event.HasField("leg_answered"):
            started[event.leg_answered.assignment_id] = event.event_time.ToMicroseconds()
        if event.HasField("wrap_up_ended"):
            over = event.wrap_up_ended
            spells[over.agent].append((started[over.assignment_id], event.event_time.ToMicroseconds()))
    assert len(spells) >= 8
    for times in spells.values():
        ordered = sorted(times)
        assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(ordered))


def test_figures_look_like_a_contact_centre() -> None:
    day = contact_events(generate.events_of(replace(PLAN, days=1, contacts_per_day=1500)))
    kinds = Counter(event.dequeued.kind for event in day if event.HasField("dequeued"))
    answered, abandoned = kinds[DEQUEUE_KIND_ANSWERED], kinds[DEQUEUE_KIND_ABANDONED]
    assert 0.02 < abandoned / (answered + abandoned) < 0.25


def test_numbers_are_nobodys() -> None:
    assert all(number_of(customer).startswith(("+441", "+447700900")) for customer in range(CUSTOMERS))
    assert len({number_of(customer) for customer in range(CUSTOMERS)}) == CUSTOMERS


def test_a_file_of_events_is_read_back_as_they_were(events: list[Event], tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert generate.write(events, path) == len(events)
    read: list[Event] = []
    for line in path.read_text().splitlines():
        told = json.loads(line)
        read.append(
            ParseDict(told["contact_event"], ContactEvent())
            if "contact_event" in told
            else ParseDict(told["agent_event"], AgentEvent())
        )
    assert generate.checksum(read) == generate.checksum(events)
