"""A topic is as stated, and strong enough for what it carries, or it is refused."""

from contextlib import closing

import pytest
from kafka import KafkaAdminClient

from event_log.kafka.clients import opened
from event_log.kafka.errors import TopicDisagrees
from event_log.kafka.topic import RECORD_BYTES, TopicSettings, check, ensure_topic
from kafka_testing import topic_name

REPLICATED = TopicSettings("t", partitions=2, replication=3)
AS_MADE = {
    "retention.ms": REPLICATED.retention_ms,
    "cleanup.policy": "delete",
    "min.insync.replicas": "2",
    "max.message.bytes": str(RECORD_BYTES),
}


def test_a_topic_as_it_is_made_agrees() -> None:
    check(REPLICATED, 2, 3, AS_MADE)


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("retention.ms", "1"),
        ("cleanup.policy", "compact"),
        ("min.insync.replicas", "1"),
        ("max.message.bytes", "1048588"),
    ],
)
def test_a_topic_of_other_or_weaker_settings_is_refused_by_their_name(what: str, value: str) -> None:
    with pytest.raises(TopicDisagrees, match=f"{what} {value}"):
        check(REPLICATED, 2, 3, AS_MADE | {what: value})


def test_one_replica_of_three_may_be_away_and_the_only_one_of_one_must_be_there() -> None:
    assert [TopicSettings("t", replication=replication).in_sync for replication in (1, 2, 3, 5)] == [1, 1, 2, 2]


def test_a_topic_made_by_a_broker_left_to_itself_takes_too_small_records(kafka_bootstrap: str) -> None:
    wanted = TopicSettings(topic_name("by_hand"), partitions=1)
    with closing(opened(KafkaAdminClient, bootstrap_servers=kafka_bootstrap)) as admin:
        configs = {"retention.ms": wanted.retention_ms}
        admin.create_topics({wanted.name: {"num_partitions": 1, "replication_factor": 1, "configs": configs}})
        admin.wait_for_topics([wanted.name], timeout_ms=5_000)
    with pytest.raises(TopicDisagrees, match=r"max\.message\.bytes"):
        ensure_topic(kafka_bootstrap, wanted)


def test_a_topic_that_was_made_here_is_taken_again(kafka_bootstrap: str) -> None:
    wanted = TopicSettings(topic_name("again"), partitions=2)
    ensure_topic(kafka_bootstrap, wanted)
    ensure_topic(kafka_bootstrap, wanted)
    with pytest.raises(TopicDisagrees, match="partitions 2, not 3"):
        ensure_topic(kafka_bootstrap, TopicSettings(wanted.name, partitions=3))
