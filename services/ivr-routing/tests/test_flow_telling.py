"""What a walk tells becomes events of call-events, the same however often it is told."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from contact_life import identity
from ivr_routing.flow.flow import load
from ivr_routing.flow.step import Context, Digits
from ivr_routing.flow.telling import contact_events
from ivr_routing.flow.walk import enter, walk

ROOT: Final = Path(__file__).parents[3]
NOW: Final = datetime(2026, 11, 23, 10, tzinfo=UTC)
CONTACT: Final = identity.contact_id("t", "pbx", "1.1")
MICROSECONDS: Final = 1_800_000_000_000_000


def test_each_step_tells_events_with_ids_of_their_own_in_order() -> None:
    flow = load((ROOT / "docs/flows/main-line.yaml").read_text(encoding="utf-8"))
    context = Context(caller_ref="c")
    first = enter(flow, context, NOW)
    second = walk(flow, first.state, Digits("1"), context, NOW)
    assert second is not None
    events = [
        *contact_events(first, CONTACT, "pbx", MICROSECONDS),
        *contact_events(second, CONTACT, "pbx", MICROSECONDS + 9),
    ]
    words = [event.WhichOneof("body") for event in events]
    assert words == ["flow_entered", "node_visited", "input_collected", "node_visited", "node_visited", "node_visited"]
    assert len({event.event_id for event in events}) == len(events)
    times = [event.event_time.ToMicroseconds() for event in events]
    assert times == sorted(set(times))
    assert {event.contact.contact_id for event in events} == {CONTACT}


def test_a_step_told_again_is_the_same_events() -> None:
    flow = load((ROOT / "docs/flows/after-hours.yaml").read_text(encoding="utf-8"))
    step = enter(flow, Context(repeat_contact=True), NOW)
    told = contact_events(step, CONTACT, "pbx", MICROSECONDS)
    assert told == contact_events(step, CONTACT, "pbx", MICROSECONDS)
    assert told[-1].flow_exited.queue == "desk"
    assert told[-1].flow_exited.version == flow.version
