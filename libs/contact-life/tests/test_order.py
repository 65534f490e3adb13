"""The canonical order: by instant, by the source's count, by what begins and ends, and never by arrival."""

from contact_life.order import in_order, is_before
from contact_life.timeline_text import events_of


def types(text: str) -> list[str]:
    events = events_of(text)
    ordered = [event.type for event in in_order(events)]
    assert ordered == [event.type for event in in_order(reversed(events))]
    return ordered


def test_earlier_instants_come_first() -> None:
    assert types("""
    10:00:02  Dequeued
    10:00:01  Enqueued
    """) == ["Enqueued", "Dequeued"]


def test_at_one_instant_a_source_that_counts_is_believed() -> None:
    assert types("""
    10:00:01  LegHeld     #4
    10:00:01  LegResumed  #3
    """) == ["LegResumed", "LegHeld"]


def test_at_one_instant_what_begins_comes_before_what_ends() -> None:
    assert types("""
    10:00:01  ContactClosed
    10:00:01  LegEnded
    10:00:01  NoteAdded
    10:00:01  Bridged
    10:00:01  Dequeued
    10:00:01  Enqueued
    10:00:01  ContactArrived
    """) == ["ContactArrived", "Enqueued", "Dequeued", "Bridged", "NoteAdded", "LegEnded", "ContactClosed"]


def test_several_sources_at_one_instant_are_merged_and_each_keeps_its_own_order() -> None:
    assert types("""
    10:00:01  Enqueued        #1
    10:00:01  Bridged         #2
    10:00:01  LegEnded        #3
    10:00:01  WrapUpStarted   @desktop #1
    10:00:01  DispositionSet  @desktop #2
    10:00:01  LegAnswered     @cdr
    """) == ["Enqueued", "LegAnswered", "Bridged", "LegEnded", "WrapUpStarted", "DispositionSet"]


def test_an_event_told_twice_stands_where_it_was_told_first() -> None:
    twice = events_of("""
    10:00:01  Enqueued  id=e queue=first
    10:00:01  Enqueued  id=e queue=second
    """)
    assert [event.body.queue for event in in_order(reversed(twice))] == ["first"]


def test_one_source_knows_what_came_first_within_an_instant_and_two_do_not() -> None:
    first, second, other, uncounted = events_of("""
    10:00:01  Enqueued  #1
    10:00:01  Dequeued  #2
    10:00:01  Dequeued  #9 @desktop
    10:00:01  Dequeued
    """)
    assert is_before(first, second)
    assert not is_before(second, first)
    assert not is_before(first, other)
    assert not is_before(first, uncounted)
