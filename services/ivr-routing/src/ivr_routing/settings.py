"""What routing is told when it starts, beside what every service is told."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import Field, StringConstraints

from service_host.settings import Address, HostSettings, Length

Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]


class Settings(HostSettings, env_prefix="HOLDFAST_IVR_ROUTING_"):
    """Names in the environment: ``HOLDFAST_IVR_ROUTING_<FIELD>``.

    ``feed`` names the log of call-events by URL; its token stands in ``feed_token_file``. ``database_url`` may be of
    the schema's owner: sessions that serve take on `role`, which may only insert events. A leader that says nothing
    for ``lease`` is replaced. ``silence`` is what phone systems are told to wait for an instruction. Agents whose
    desktop is silent for ``heartbeat`` are unreachable. After so many ``snapshot_events`` what the log led to is kept
    beside it, by whoever stands by; by the leader, where nobody does, after twice as many. What flows tell goes to
    ``call_events`` (host:port) where that is given, with each tenant's own token: TENANT.token in the folder
    ``call_events_tokens``. Flows look things up at ``lookup_hosts`` (a JSON list) alone; where none is named, at any
    host that is not of this machine or network.
    """

    log_address: Address = "127.0.0.1:0"
    db_schema: Identifier = "ivr_routing"
    role: Identifier = "ivr_routing"
    feed: str = "grpc://127.0.0.1:7704"
    feed_token_file: Path | None = None
    call_events: str = ""
    call_events_tokens: Path | None = None
    lookup_hosts: tuple[str, ...] = ()
    lease: Length = timedelta(seconds=3)
    silence: Length = timedelta(seconds=5)
    heartbeat: Length = timedelta(seconds=15)
    snapshot_events: int = Field(100_000, ge=1)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every address the process will listen on."""
        return (*super().addresses, self.log_address)

    @property
    def log_settings(self) -> HostSettings:
        """The settings of the door for services."""
        return self.model_copy(update={"grpc_address": self.log_address})

    @property
    def session_url(self) -> str:
        """The database's address for sessions that serve: the role, and the schema as search path."""
        parts = urlsplit(self.database_url)
        given = dict(parse_qsl(parts.query)) | {"role": self.role, "search_path": self.db_schema}
        return urlunsplit(parts._replace(query=urlencode(given)))

    def feed_token(self) -> str:
        """Return the token for the feed as its file has it now, so that a new one is taken without a restart."""
        return self.feed_token_file.read_text().strip() if self.feed_token_file else ""
