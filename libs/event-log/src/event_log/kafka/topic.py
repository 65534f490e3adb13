"""The topic that carries a log: made as stated, refused if one of its name is otherwise; blocks its caller."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError, TopicAlreadyExistsError

from event_log.kafka.clients import opened
from event_log.kafka.errors import BrokerUnavailable, TopicDisagrees
from event_log.kafka.record import PARTITIONS

ANSWER_MS = 5000
BATCH_BYTES = 3 * 1024 * 1024
"""What one batch may weigh; a window of a relay fits in one, whatever partition its events go to."""
RECORD_BYTES = 4 * 1024 * 1024
UNKNOWN_TOPIC = 3
NO_MORE: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """A topic as it has to be. Its partitions are fixed: another number is another topic."""

    name: str
    partitions: int = PARTITIONS
    replication: int = 1
    retention: timedelta = timedelta(days=7)

    @property
    def retention_ms(self) -> str:
        """How long the broker keeps records, as its own setting says it."""
        return str(int(self.retention.total_seconds() * 1000))


def ensure_topic(bootstrap: str, wanted: TopicSettings, client: Mapping[str, Any] = NO_MORE) -> None:
    """Make the topic if there is none; raise TopicDisagrees if there is one with other settings, BrokerUnavailable.

    `client` are settings of the client library beside ours: encryption, and who we are.
    """
    try:
        admin = opened(
            KafkaAdminClient,
            bootstrap_servers=bootstrap,
            bootstrap_timeout_ms=ANSWER_MS,
            request_timeout_ms=ANSWER_MS,
            **client,
        )
        try:
            _ensured(admin, wanted)
        finally:
            admin.close()
    except (KafkaError, OSError) as trouble:
        raise BrokerUnavailable(f"the broker did not show its topics ({type(trouble).__name__})") from trouble


def _ensured(admin: Any, wanted: TopicSettings) -> None:
    (found,) = admin.describe_topics([wanted.name])
    if found["error_code"] == UNKNOWN_TOPIC:
        _make(admin, wanted)
        (found,) = admin.describe_topics([wanted.name])
    _check(wanted, "partitions", len(found["partitions"]), wanted.partitions)
    replication = {len(partition["replica_nodes"]) for partition in found["partitions"]}
    _check(wanted, "replication", max(replication, default=0), wanted.replication)
    resource = ConfigResource(ConfigResourceType.TOPIC, wanted.name)
    configured = admin.describe_configs([resource], config_filter="all")["topic"][wanted.name]
    _check(wanted, "retention.ms", configured["retention.ms"]["value"], wanted.retention_ms)
    _check(wanted, "cleanup.policy", configured["cleanup.policy"]["value"], "delete")


def _make(admin: Any, wanted: TopicSettings) -> None:
    configs = {
        "retention.ms": wanted.retention_ms,
        "cleanup.policy": "delete",
        "max.message.bytes": str(RECORD_BYTES),
        "min.insync.replicas": str(max(1, wanted.replication - 1)),
    }
    settings = {
        "num_partitions": wanted.partitions,
        "replication_factor": wanted.replication,
        "configs": configs,
    }
    with suppress(TopicAlreadyExistsError):  # another relay was faster
        admin.create_topics({wanted.name: settings})
    admin.wait_for_topics([wanted.name], timeout_ms=ANSWER_MS)


def _check(wanted: TopicSettings, what: str, found: object, stated: object) -> None:
    if found != stated:
        raise TopicDisagrees(
            f"Topic {wanted.name} has {what} {found}, not {stated} as stated: state what it has, or name another topic."
        )
