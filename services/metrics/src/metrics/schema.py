"""The tables of the service beside the facts, brought up to date."""

from typing import Final

from metrics.connection import Connection
from service_host.postgres import migrate

SCHEMA: Final = "metrics"
PACKAGES: Final = ("metrics.migrations", "metrics.tenant", "metrics.people", "event_log.lease_migrations")
"""Folders of numbered SQL; each keeps numbers of its own."""


async def bring_up_to_date(connection: Connection) -> None:
    """Apply what is missing; several processes may ask at once."""
    for package in PACKAGES:
        await migrate(connection, package=package, schema=SCHEMA)
