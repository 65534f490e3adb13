"""Captures of Asterisk's manager interface: a short one of our own, and real ones where they are near."""

from collections import Counter
from pathlib import Path

import pytest

from holdfast_connectors.asterisk.ami import Reading, messages

CAPTURE = """Action: Ping
ActionID: 1

Response: Success
ActionID: 1
Timestamp: 1409169929.41

Event: Newchannel
Channel: SIP/999999-00000002
CallerIDNum: 202
Exten: 259
Uniqueid: 1409169987.2

Event: CEL
EventName: CHAN_START
UniqueID: 1409169987.2
LinkedID: 1409169987.2

Event: Newchannel
Channel: SIP/ann-00000003
CallerIDNum: <unknown>
Uniqueid: 1409169988.3

Event: CEL
UniqueID: 1409169988.3
LinkedID: 1409169987.2

Event: Newstate
ChannelStateDesc: Ringing
Uniqueid: 1409169988.3

Event: Newstate
ChannelStateDesc: Up
Uniqueid: 1409169988.3

Event: Bridge
Bridgestate: Link
Uniqueid1: 1409169987.2
Uniqueid2: 1409169988.3

Event: Hangup
Uniqueid: 1409169988.3
Cause: 16
Cause-txt: Normal Clearing

a line that is nothing
"""
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "pbx"


def test_a_capture_tells_legs_of_one_contact_in_order() -> None:
    told = list(Reading("pbx").facts(messages(CAPTURE)))
    assert [event.WhichOneof("body") for event in told] == [
        "contact_arrived",
        "leg_created",
        "leg_created",
        "leg_ringing",
        "leg_answered",
        "bridged",
        "leg_ended",
    ]
    assert {event.contact.alias.native_id for event in told} == {"1409169987.2"}
    assert told[0].contact_arrived.caller.number == "202"
    assert told[-1].leg_ended.end_cause.code == "16"
    assert [event.event_time.seconds for event in told] == [1409169987] * 2 + [1409169988] * 5


def test_the_same_capture_tells_the_same_events() -> None:
    first, again = (list(Reading("pbx").facts(messages(CAPTURE))) for _ in range(2))
    assert first == again
    assert len({event.event_id for event in first}) == len(first)


@pytest.mark.skipif(not REAL.is_dir(), reason="the captures are not near")
def test_real_captures_are_read_whole() -> None:
    for file in sorted(REAL.glob("*.ami.txt")):
        text = file.read_text()
        reading = Reading("pbx")
        told = Counter(str(event.WhichOneof("body")) for event in reading.facts(messages(text)))
        assert reading.counts["Hangup"] == text.count("Event: Hangup\n") == told["leg_ended"]
        assert reading.counts["Newchannel"] == text.count("Event: Newchannel\n") == told["leg_created"]
        assert told["bridged"] == text.count("Bridgestate: Link\n")
