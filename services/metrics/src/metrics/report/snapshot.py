"""One view of the facts for one answer: everything in it was true at the same position."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from metrics.connection import Connection
from service_host import call
from service_host.postgres import Database


@asynccontextmanager
async def snapshot(database: Database) -> AsyncIterator[Connection]:
    """Give a connection in a read-only transaction that sees one state, with the call's deadline on every statement."""
    milliseconds = max(1, round(call.seconds_left() * 1000))
    async with (
        database.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await connection.execute("select set_config('statement_timeout', $1, true)", str(milliseconds))
        yield connection
