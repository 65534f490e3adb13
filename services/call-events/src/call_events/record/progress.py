"""The highest source_seq held of a source: a small table up to the list's place in the log, then the log itself."""

from typing import Final

import pyarrow.compute as pc

from event_log.log import Log
from event_log.model import Cursor, Filter
from service_host.postgres import Database

_FIND: Final = """
    select log_id, incarnation, position, last_source_seq
    from index_cursor left join source_progress on tenant = $1 and source_id = $2
"""


async def last_source_seq(log: Log, database: Database, tenant: str, source: str) -> int | None:
    """The highest count recorded of a source; None if none was. What is acknowledged is always counted."""
    row = await database.fetchrow(_FIND, tenant, source)
    if row is None:
        return None
    after = Cursor(row["log_id"], row["incarnation"], row["position"])
    highest: int | None = row["last_source_seq"]
    columns = ("source_id", "source_seq")
    async for page in log.read_packed(after, filter=Filter(tenant=tenant), columns=columns):
        told = page.batch.filter(pc.equal(page.batch.column("source_id"), source))
        found = pc.max(told.column("source_seq")).as_py()
        if found is not None and (highest is None or found > highest):
            highest = found
    return highest
