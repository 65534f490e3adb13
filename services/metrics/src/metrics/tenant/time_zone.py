"""The time zone in which a tenant's days begin where a report names none."""

from typing import Final
from zoneinfo import ZoneInfo

from metrics.connection import Connection

UNSET: Final = "UTC"
"""The zone of a tenant that has set none."""

_READ: Final = "select time_zone from metrics.tenant_time_zone where tenant = $1"
_SET: Final = """
insert into metrics.tenant_time_zone as t (tenant, time_zone) values ($1, $2)
on conflict (tenant) do update set time_zone = excluded.time_zone, set_time = now()
where t.time_zone <> excluded.time_zone and not $3
returning true
"""


async def read(connection: Connection, tenant: str) -> ZoneInfo:
    """Return the tenant's zone, UTC if it has set none."""
    return ZoneInfo(await connection.fetchval(_READ, tenant) or UNSET)


async def write(connection: Connection, tenant: str, zone: ZoneInfo, *, only_if_unset: bool) -> bool:
    """Set the tenant's zone and return whether that changed anything; with `only_if_unset` one that is set stays."""
    return bool(await connection.fetchval(_SET, tenant, zone.key, only_if_unset))
