"""Timelines as text: written for people, and read back for tests."""

import pytest

from contact_life.fold import fold_contact
from contact_life.identity import contact_id
from contact_life.timeline_table import aligned, described, timeline_table
from contact_life.timeline_text import events_of

CONTACT = contact_id("acme", "pbx", "c1")


def test_a_timeline_reads_as_a_table() -> None:
    wrong = "11111111-1111-5111-8111-111111111111"
    contact = fold_contact(
        CONTACT,
        events_of(f"""
    10:00:10.250  Enqueued        queue=sales priority=2 id={wrong}
    10:00:00      ContactArrived  native_id=c1 direction=INBOUND caller.caller_ref=r1
    10:00:40      Dequeued        queue=sales kind=KEY_PRESSED @desktop
    10:00:41      EventVoided     event_id={wrong} reason="was a test"
    """),
    )
    rows = [line.split() for line in timeline_table(contact).splitlines()]
    assert rows == [
        ["time", "event", "what", "source"],
        ["2026-03-02", "10:00:00.000+00:00", "ContactArrived", "direction=inbound", "native_id=c1", "pbx"],
        ["2026-03-02", "10:00:10.250+00:00", "(Enqueued)", "queue=sales", "priority=2", "pbx"],
        ["2026-03-02", "10:00:40.000+00:00", "Dequeued", "queue=sales", "kind=key_pressed", "desktop"],
        ["2026-03-02", "10:00:41.000+00:00", "EventVoided", f"event_id={wrong}", "reason=was", "a", "test", "pbx"],
    ]


def test_columns_are_aligned() -> None:
    assert aligned([("a", "bc", "d"), ("aaa", "b", "")]) == "a    bc  d\naaa  b"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("10:00:00 CallbackRequested promised_time=2026-03-02T11:00:00", "promised_time=2026-03-02T11:00:00.000+00:00"),
        ("10:00:00 TransferStarted target.queue=loans kind=WARM", "kind=warm target={queue=loans}"),
        ("10:00:00 LegEnded leg_id=a observation.inferred=true", "leg_id=a inferred"),
        ("10:00:00 HologramShown", "type not known here"),
    ],
)
def test_what_was_told_is_described_in_words(row: str, words: str) -> None:
    [event] = events_of(row)
    assert described(event) == words


def test_maps_lists_and_kinds_of_a_newer_schema_are_described() -> None:
    [event] = events_of("10:00:00 Enqueued queue=q")
    event.body.skills.add(skill="he", proficiency=3)
    assert described(event) == "queue=q skills=[{skill=he proficiency=3}]"
    [event] = events_of("10:00:00 TransferStarted")
    event.body.context.attributes["case"] = "7"
    assert described(event) == "context={attributes={case=7}}"
    [event] = events_of("10:00:00 Dequeued kind=FULL")
    event.body.kind = 77
    assert described(event) == "kind=unknown_77"


@pytest.mark.parametrize(
    "row", ["10:00:00 Enqueued colour=red", "10:00:00 Enqueued queue", "noon Enqueued", "10:00:00 Dequeued kind=NEVER"]
)
def test_a_row_that_tells_nothing_is_refused(row: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        events_of(row)


def test_rows_carry_source_count_id_and_our_own_instant() -> None:
    [event] = events_of("10:00:00 Enqueued @desktop #17 id=x recorded=10:00:05 queue='a b'")
    assert (event.source_id, event.source_seq, event.event_id, event.body.queue) == ("desktop", 17, "x", "a b")
    assert event.record_time_us - event.event_time_us == 5_000_000
