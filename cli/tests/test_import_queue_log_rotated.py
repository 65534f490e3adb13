"""A call whose lines stand in two files, since Asterisk's log was rotated under it, is one call all the same."""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import pytest

from contact_life.codec import body_of
from contact_life.contact import Contact
from contact_life.fold import fold_contact
from contact_life.observed import Observed
from contact_life.words import ContactEnd, DequeueKind
from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactEvent
from holdfast_cli.importing.asterisk_queue_log import tell_queue_log
from holdfast_cli.importing.telling import ImportSummary

ENTER = "1700000100|7.1|sales|NONE|ENTERQUEUE||+441632960001|1"
SECOND = 1_000_000
LIVES = {
    "abandoned": [ENTER, "17000001{0}|7.1|sales|NONE|ABANDON|1|1|20"],
    "timed out": [ENTER, "17000001{0}|7.1|sales|NONE|EXITWITHTIMEOUT|1|1|20"],
    "served": [
        ENTER,
        "17000001{0}|7.1|sales|SIP/2|CONNECT|20|7.2|3",
        "17000001{1}|7.1|sales|SIP/2|COMPLETEAGENT|20|40|1",
    ],
    "served by an Asterisk that names no leg": [
        ENTER,
        "17000001{0}|7.1|sales|SIP/2|CONNECT|20",
        "17000001{1}|7.1|sales|SIP/2|COMPLETECALLER|20|40",
    ],
    "transferred, then served": [
        ENTER,
        "17000001{0}|7.1|sales|SIP/2|CONNECT|20|7.2|3",
        "17000001{1}|7.1|sales|SIP/2|BLINDTRANSFER|300|internal|20|40|1",
        "1700000170|7.1|loans|NONE|ENTERQUEUE||+441632960001|1",
        "1700000180|7.1|loans|SIP/2|CONNECT|10|7.3|3",
        "1700000190|7.1|loans|SIP/2|COMPLETEAGENT|10|10|1",
    ],
}


def everything(folder: Path, lines: Iterable[str]) -> list[ContactEvent | AgentEvent]:
    path = folder / "queue_log"
    path.write_text("".join(line + "\n" for line in lines))
    events: list[ContactEvent | AgentEvent] = []
    for telling in tell_queue_log(path, ImportSummary(), tenant="acme", source_id="pbx"):
        events += [*telling.contact_events, *telling.agent_events]
    return events


def told(folder: Path, lines: Iterable[str]) -> list[ContactEvent]:
    return [event for event in everything(folder, lines) if isinstance(event, ContactEvent)]


def fold(events: Iterable[ContactEvent]) -> Contact:
    listed = list(events)
    return fold_contact(listed[0].contact.contact_id, [observed(*each) for each in enumerate(listed, 1)])


def observed(position: int, event: ContactEvent) -> Observed:
    body = body_of(event)
    time_us = event.event_time.ToMicroseconds()
    name = body.DESCRIPTOR.name
    return Observed(position, event.event_id, name, time_us, time_us, event.source_id, None, body)


def shape(contact: Contact) -> list[object]:
    visits = [(visit.queue, DequeueKind(visit.dequeue_kind).name, visit.wait_us) for visit in contact.visits]
    spells = [(spell.agent, spell.queue, spell.talk_ended_time_us is not None) for spell in contact.assignments]
    return [visits, spells, [transfer.agent for transfer in contact.transfers], contact.end]


@pytest.mark.parametrize("life", LIVES)
@pytest.mark.parametrize("off", [-1, 0, 1])
def test_wherever_the_log_was_rotated_the_call_is_what_the_whole_log_says(tmp_path: Path, life: str, off: int) -> None:
    lines = [line.format(20 + off, 60 + off) for line in LIVES[life]]
    whole = fold(told(tmp_path, lines))
    for cut in range(1, len(lines)):
        parts = [told(tmp_path, part) for part in (lines[:cut], lines[cut:])]
        assert shape(fold(chain(*parts))) == shape(whole), cut
        assert shape(fold(chain(*reversed(parts)))) == shape(whole), cut


@pytest.mark.parametrize("life", [life for life in LIVES if len(LIVES[life]) > 2])
def test_a_call_told_by_three_files_is_one_and_no_event_is_told_in_two_ways(tmp_path: Path, life: str) -> None:
    lines = [line.format(20, 60) for line in LIVES[life]]
    parts = [told(tmp_path, part) for part in (lines[:1], lines[1:2], lines[2:])]
    events = {event.SerializeToString(deterministic=True): event for event in chain(*parts)}
    assert len({event.event_id for event in events.values()}) == len(events)
    assert shape(fold(events.values())) == shape(fold(told(tmp_path, lines)))


@pytest.mark.parametrize("life", LIVES)
def test_the_later_file_alone_tells_of_the_call_what_its_ends_say(tmp_path: Path, life: str) -> None:
    lines = [line.format(20, 60) for line in LIVES[life]]
    alone = fold(told(tmp_path, lines[1:]))
    assert shape(alone) == shape(fold(told(tmp_path, lines)))


def test_an_end_of_an_earlier_stay_is_not_that_of_one_that_begins_as_it_ends(tmp_path: Path) -> None:
    lines = """
1700000200|7.1|sales|SIP/2|BLINDTRANSFER|300|internal|20|60|1
1700000201|7.1|sales|NONE|ENTERQUEUE||+441632960001|1
1700000202|7.1|sales|SIP/2|CONNECT|1|7.3|1
1700000212|7.1|sales|SIP/2|COMPLETEAGENT|1|10|1
1700000300|7.2|sales|NONE|EXITWITHTIMEOUT|1|1|30
1700000300|7.2|sales|NONE|ENTERQUEUE||+441632960002|1
1700000312|7.2|sales|NONE|ABANDON|1|1|12
""".strip().split("\n")
    transferred, timed_out = fold(told(tmp_path, lines[:4])), fold(told(tmp_path, lines[4:]))
    assert shape(transferred)[0] == [("sales", "ANSWERED", 20 * SECOND), ("sales", "ANSWERED", SECOND)]
    assert [spell.talk_us for spell in transferred.assignments] == [60 * SECOND, 10 * SECOND]
    assert shape(timed_out)[0] == [("sales", "TIMEOUT", 30 * SECOND), ("sales", "ABANDONED", 12 * SECOND)]


def test_a_talk_that_ends_in_the_later_file_is_as_long_as_the_two_files_say(tmp_path: Path) -> None:
    lines = [line.format(20, 60) for line in LIVES["served"]]
    contact = fold([*told(tmp_path, lines[:2]), *told(tmp_path, lines[2:])])
    [spell] = contact.assignments
    assert (spell.talk_us, spell.leg_ids) == (40 * SECOND, ("7.2",))
    assert contact.end is ContactEnd.HANDLED
    assert contact.anomalies == ()


def test_a_wrap_up_of_a_talk_of_an_earlier_file_is_its_agents(tmp_path: Path) -> None:
    lines = [line.format(20, 60) for line in LIVES["served"]]
    wrap_up = "1700000161|7.1|sales|SIP/2|WRAPUPSTART|30"
    contact = fold([*told(tmp_path, lines), *told(tmp_path, [wrap_up])])
    [spell] = contact.assignments
    assert spell.wrap_up_us == 30 * SECOND


GROWN = """
1700000099|7.1|NONE|NONE|DID|+442071230000
1700000100|7.1|sales|NONE|JOINEMPTY|
1700000101|7.1|sales|NONE|ENTERQUEUE||+441632960001|1
1700000108|7.1|sales|SIP/1|RINGNOANSWER|5000
1700000109|7.1|sales|NONE|EXITWITHTIMEOUT|1|1|8
1700000110|7.1|sales|NONE|ENTERQUEUE||+441632960001|1
1700000111|7.1|sales|SIP/1|CONNECT|1|7.2|1
1700000150|7.1|sales|SIP/1|COMPLETEAGENT|1|39|1
"""


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_log_that_has_grown_since_tells_no_event_in_another_way(tmp_path: Path, cut: int) -> None:
    lines = GROWN.strip().split("\n")
    whole = {event.event_id: event for event in everything(tmp_path, lines)}
    for event in everything(tmp_path, lines[:cut]):
        assert whole.get(event.event_id, event) == event
