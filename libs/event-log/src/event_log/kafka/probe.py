"""Asking a broker who it is: one metadata round trip, in the calling thread."""

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from event_log.kafka.clients import opened

ANSWER_MS = 1000


def cluster_id(bootstrap: str, answer_ms: int = ANSWER_MS) -> str:
    """Return the id of the cluster behind an address; empty if no broker answers there in time."""
    try:
        admin = opened(
            KafkaAdminClient,
            bootstrap_servers=bootstrap,
            bootstrap_timeout_ms=answer_ms,
            request_timeout_ms=answer_ms,
        )
    except (KafkaError, OSError):
        return ""
    try:
        return str(admin.describe_cluster()["cluster_id"])
    except (KafkaError, OSError):
        return ""
    finally:
        admin.close()
