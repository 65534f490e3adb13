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
"""What the topic must take at once; a broker left to itself refuses an event of the largest payload for ever."""
REPLICATION_WITH_SPARE = 3
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

    @property
    def in_sync(self) -> int:
        """How many replicas must have a record before it is acknowledged: of three or more, one may be away."""
        return 2 if self.replication >= REPLICATION_WITH_SPARE else 1


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
    replication = {len(partition["replica_nodes"]) for partition in found["partitions"]}
    resource = ConfigResource(ConfigResourceType.TOPIC, wanted.name)
    configured = admin.describe_configs([resource], config_filter="all")["topic"][wanted.name]
    values = {name: told["value"] for name, told in configured.items()}
    check(wanted, len(found["partitions"]), max(replication, default=0), values)


def _make(admin: Any, wanted: TopicSettings) -> None:
    configs = {
        "retention.ms": wanted.retention_ms,
        "cleanup.policy": "delete",
        "max.message.bytes": str(RECORD_BYTES),
        "min.insync.replicas": str(wanted.in_sync),
    }
    settings = {
        "num_partitions": wanted.partitions,
        "replication_factor": wanted.replication,
        "configs": configs,
    }
    with suppress(TopicAlreadyExistsError):  # another relay was faster
        admin.create_topics({wanted.name: settings})
    admin.wait_for_topics([wanted.name], timeout_ms=ANSWER_MS)


def check(wanted: TopicSettings, partitions: int, replication: int, values: Mapping[str, str]) -> None:
    """Raise TopicDisagrees unless a topic of so many partitions and replicas, with these settings, is as wanted."""
    stated = {
        "partitions": (partitions, wanted.partitions),
        "replication": (replication, wanted.replication),
        "retention.ms": (values["retention.ms"], wanted.retention_ms),
        "cleanup.policy": (values["cleanup.policy"], "delete"),
    }
    for what, (found, as_stated) in stated.items():
        if found != as_stated:
            raise TopicDisagrees(
                f"Topic {wanted.name} has {what} {found}, not {as_stated} as stated:"
                " state what it has, or name another topic."
            )
    for what, least in (("min.insync.replicas", wanted.in_sync), ("max.message.bytes", RECORD_BYTES)):
        if int(values[what]) < least:
            raise TopicDisagrees(f"Topic {wanted.name} has {what} {values[what]}: set it to {least} at least.")
