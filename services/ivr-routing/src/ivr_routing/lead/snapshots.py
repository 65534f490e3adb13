"""Where desks are kept so that a start need not read the whole log. Lost or unfit ones cost time, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from event_log.model import Cursor
from ivr_routing.core.snapshot import SnapshotUnfit
from ivr_routing.loop.desk import Desk
from ivr_routing.loop.snapshot import load
from service_host.postgres import Connection, Database

SECONDS: Final = 20.0
SPACED_EVENTS: Final = 250_000
"""Of so many positions the first snapshot is kept beside the newest: an explanation begins there."""
MOST_SPACED: Final = 1_000
_KEEP: Final = """
    insert into snapshot (tenant, log_id, incarnation, position, desk) values ($1, $2, $3, $4, $5)
    on conflict (tenant, position) do update set log_id = excluded.log_id, incarnation = excluded.incarnation,
        desk = excluded.desk, taken_time = excluded.taken_time
"""
_THIN: Final = """
    delete from snapshot s where s.log_id <> $1 or s.incarnation <> $2 or s.position < $3 and (
        s.position / $4 <= $3 / $4 - $5
        or exists (select from snapshot o where o.position < s.position and o.position / $4 = s.position / $4))
"""
_OF_LOG: Final = "log_id = $1 and incarnation = $2"
_NEWEST: Final = f"select coalesce(max(position), 0) from snapshot where {_OF_LOG}"  # noqa: S608  # ours
_LOAD: Final = f"""
    select tenant, position, desk from snapshot where position =
        (select max(position) from snapshot where {_OF_LOG} and position <= $3)
"""  # noqa: S608  # ours
_BEFORE: Final = f"""
    select position, desk from snapshot where {_OF_LOG} and position < $3 and tenant = $4 order by position desc limit 1
"""  # noqa: S608  # ours


@dataclass(frozen=True, slots=True)
class Kept:
    """Desks, and the position in the log that all of them stand at."""

    position: int = 0
    desks: Mapping[str, Desk] = field(default_factory=dict)


class Snapshots:
    """The table of snapshots."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def keep(self, at: Cursor, desks: Mapping[str, bytes]) -> None:
        """Keep all desks as they stood at one place; of those kept before, some at a distance."""
        rows = [(tenant, at.log_id, at.incarnation, at.position, desk) for tenant, desk in desks.items()]

        async def write(connection: Connection) -> None:
            await connection.executemany(_KEEP, rows)
            log = (at.log_id, at.incarnation, at.position)
            await connection.execute(_THIN, *log, SPACED_EVENTS, MOST_SPACED)

        await self._database.run(write, SECONDS)

    async def newest(self, log: Cursor) -> int:
        """The position of the last one kept of a log; 0 if there is none."""
        async with self._database.acquire(SECONDS) as connection:
            position: int = await connection.fetchval(_NEWEST, log.log_id, log.incarnation)
        return position

    async def load(self, head: Cursor) -> Kept:
        """What was kept last of this log; nothing if any of it is unfit."""
        async with self._database.acquire(SECONDS) as connection:
            rows = await connection.fetch(_LOAD, head.log_id, head.incarnation, head.position)
        try:
            desks = {row["tenant"]: load(row["tenant"], row["desk"]) for row in rows}
        except SnapshotUnfit:
            return Kept()
        return Kept(rows[0]["position"], desks) if rows else Kept()

    async def before(self, tenant: str, log: Cursor) -> Kept:
        """What was kept of a tenant before a place; nothing if there is none that is fit."""
        async with self._database.acquire(SECONDS) as connection:
            row = await connection.fetchrow(_BEFORE, log.log_id, log.incarnation, log.position, tenant)
        try:
            return Kept(row["position"], {tenant: load(tenant, row["desk"])}) if row else Kept()
        except SnapshotUnfit:
            return Kept()
