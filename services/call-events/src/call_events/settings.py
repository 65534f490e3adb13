"""What call-events is told when it starts, beside what every service is told."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

from pydantic import Field

from service_host.settings import Address, HostSettings, Identifier, Length, address_with

LEAST_DUTY: Final = 0.01


class Settings(HostSettings, env_prefix="HOLDFAST_CALL_EVENTS_"):
    """Names in the environment: ``HOLDFAST_CALL_EVENTS_<FIELD>``.

    ``database_url`` may be of the schema's owner: sessions that serve take on `role`, which may only insert events.
    ``own_numbers`` are the tenants' own, whole or as prefixes that end with ``*``: they never stand for a caller.
    ``succession`` is for how long after its start a process that may not append yet is taken for the successor of the
    one that does: calls then wait here for its turn, and are sent elsewhere afterwards.
    ``index_duty`` is the share of time that keeping the list of contacts may take while events arrive.
    """

    log_address: Address = "127.0.0.1:0"
    master_key_file: Path
    db_schema: Identifier = "call_events"
    role: Identifier = "call_events"
    own_numbers: Mapping[str, tuple[str, ...]] = {}
    succession: Length = timedelta(seconds=10)
    index_duty: float = Field(0.25, ge=LEAST_DUTY, le=1)

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
        return address_with(self.database_url, role=self.role, search_path=self.db_schema)

    @property
    def early_url(self) -> str:
        """The same for sessions whose writes become durable with what is written after them."""
        return address_with(self.session_url, synchronous_commit="off")
