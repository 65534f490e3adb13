"""The broker of a system: none unless it is wanted, a topic that nobody else has, and its end told."""

from pathlib import Path

import pytest

from event_log.kafka.broker import Broker
from event_log.kafka.errors import NoBroker
from event_log.kafka.local_broker import LocalBroker
from holdfast_cli import broker
from holdfast_cli.home import Addresses, Home

ADDRESSES = Addresses(call_events_log="127.0.0.1:7704", call_events_relay_admin="127.0.0.1:7705")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Give a data folder."""
    home = Home(tmp_path)
    home.make()
    return home


def test_without_kafka_there_is_no_broker_and_no_relay(home: Home) -> None:
    with broker.running(home.kafka, wanted=False) as none:
        assert none is None
    assert broker.told(ADDRESSES, None, home) == Addresses(call_events_log="127.0.0.1:7704")
    assert broker.ended(None) == ""


def test_a_broker_that_others_use_too_gets_a_topic_with_the_folders_own_name(home: Home, tmp_path: Path) -> None:
    told = broker.told(ADDRESSES, Broker("broker:9092"), home)
    assert told.kafka == "broker:9092"
    assert told.kafka_topic.startswith("call-events-")
    assert broker.told(ADDRESSES, Broker("broker:9092"), Home(tmp_path)) == told
    other = Home(tmp_path / "other")
    other.make()
    assert broker.told(ADDRESSES, Broker("broker:9092"), other) != told


def test_the_end_of_our_own_broker_is_told_with_its_log(home: Home) -> None:
    ours = Broker("127.0.0.1:9092", LocalBroker(home.kafka))
    assert broker.told(ADDRESSES, ours, home).kafka_topic == "call-events"
    assert broker.ended(ours) == f"Kafka (see {home.kafka / 'broker.log'})"
    assert broker.ended(Broker("broker:9092")) == ""


def test_a_broker_that_was_named_and_is_away_is_told_in_a_sentence(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setattr("event_log.kafka.broker.GIVEN_ANSWER_MS", 200)
    with pytest.raises(NoBroker, match="No Kafka broker answers at"), broker.running(home.kafka, wanted=True):
        pass
