"""What metrics is told when it starts, beside what every service is told."""

from pathlib import Path

from pydantic import Field, field_validator

from service_host.settings import HostSettings, Identifier, address_with


class Settings(HostSettings, env_prefix="HOLDFAST_METRICS_"):
    """Names in the environment: ``HOLDFAST_METRICS_<FIELD>``.

    ``database_url`` may be of the schemas' owner: sessions that serve take on `role`, which reaches facts alone.
    ``feed`` names the log of call-events by URL: itself (``grpc://host:port``) or as a topic carries it
    (``kafka://host:port/topic?log=host:port``); the log's token stands in ``feed_token_file``. ``routing_feed`` names
    the log of ivr-routing itself (``grpc://host:port``), whatever carries the other; empty where there is none. An
    explanation computes a figure again from events where no more than ``recomputed_contacts`` contacts are behind it.
    """

    role: Identifier = "metrics"
    feed: str = "grpc://127.0.0.1:7701"
    feed_token_file: Path | None = None
    routing_feed: str = ""
    routing_feed_token_file: Path | None = None
    recomputed_contacts: int = Field(50_000, ge=0, le=1_000_000)

    @field_validator("routing_feed")
    @classmethod
    def _is_read_by_itself(cls, told: str) -> str:
        if told and not told.startswith("grpc://"):
            sentence = "routing's log is read by itself, as grpc://host:port, whatever carries that of call-events"
            raise ValueError(sentence)
        return told

    @property
    def session_url(self) -> str:
        """The database's address for sessions that serve."""
        return address_with(self.database_url, role=self.role)

    def feed_token(self) -> str:
        """Return the token for the log as its file has it now, so that a new one is taken without a restart."""
        return _told(self.feed_token_file)

    def routing_feed_token(self) -> str:
        """Return the token for routing's log in the same way."""
        return _told(self.routing_feed_token_file)


def _told(file: Path | None) -> str:
    return file.read_text().strip() if file else ""
