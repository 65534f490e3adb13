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
_KEEP: Final = """
    insert into snapshot (tenant, log_id, incarnation, position, desk) values ($1, $2, $3, $4, $5)
    on conflict (tenant) do update set log_id = excluded.log_id, incarnation = excluded.incarnation,
        position = excluded.position, desk = excluded.desk, taken_time = excluded.taken_time
"""
_LOAD: Final = "select tenant, position, desk from snapshot where log_id = $1 and incarnation = $2 and position <= $3"
_NEWEST: Final = "select coalesce(max(position), 0) from snapshot where log_id = $1 and incarnation = $2"


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
        """Keep all desks as they stood at one place, instead of those kept before."""
        rows = [(tenant, at.log_id, at.incarnation, at.position, desk) for tenant, desk in desks.items()]

        async def write(connection: Connection) -> None:
            await connection.execute("delete from snapshot where position <= $1", at.position)
            await connection.executemany(_KEEP, rows)

        await self._database.run(write, SECONDS)

    async def newest(self, log: Cursor) -> int:
        """The position of the last one kept of a log; 0 if there is none."""
        async with self._database.acquire(SECONDS) as connection:
            position: int = await connection.fetchval(_NEWEST, log.log_id, log.incarnation)
        return position

    async def load(self, head: Cursor) -> Kept:
        """What was kept for this log; nothing if any of it is unfit or of another place."""
        async with self._database.acquire(SECONDS) as connection:
            rows = await connection.fetch(_LOAD, head.log_id, head.incarnation, head.position)
        positions = {row["position"] for row in rows}
        if len(positions) != 1:
            return Kept()
        try:
            return Kept(positions.pop(), {row["tenant"]: load(row["tenant"], row["desk"]) for row in rows})
        except SnapshotUnfit:
            return Kept()
