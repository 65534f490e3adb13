"""Erasing a customer: the row of callers goes at once, its last traces in the table's pages soon after.

What is left in the log then opens for nobody: sealed values lost their only key, the MAC of the event that told the
number was keyed by it, and the caller_ref is random. A deleted row still stands in its page until that is rewritten,
and in older WAL and backups until those expire. The *sweep* sees to the pages: it copies the rows that live into new
files, which a plain VACUUM would not do, nor VACUUM FULL while an old snapshot is open.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from call_events import telemetry
from call_events.customer.callers import Callers
from call_events.customer.forgetting import CHANNEL
from call_events.customer.master_key import MasterKey
from service_host.errors import Refused
from service_host.postgres import Connection, Database

PATIENCE_SECONDS: Final = 3.0
"""How long the call that erases waits for the sweep; later it goes on beside."""
SWEEP_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 30.0
RETRY_SECONDS: Final = 1.0
REST: Final = 20
"""A sweep is followed by a rest of this many times its length, since nobody is resolved meanwhile."""
_DELETE: Final = """
    delete from caller where tenant = $1 and (number_mac = $2 or caller_ref = $3) returning caller_ref
"""
_AUDIT: Final = """
    insert into erasure (tenant, erased_by, caller_ref, keys_destroyed, swept_time)
    values ($1, $2, $3, $4, case when $4 = 0 then clock_timestamp() end)
"""
_UNSWEPT: Final = "select max(erasure_id), count(*) from erasure where swept_time is null"
_SWEEP: Final = (
    "set local lock_timeout = '5s'",
    "lock table caller in access exclusive mode",
    "create temporary table kept on commit drop as select * from caller",
    "truncate caller",
    "insert into caller select * from kept order by tenant, number_mac",
)
_SWEPT: Final = "update erasure set swept_time = clock_timestamp() where swept_time is null and erasure_id <= $1"


@dataclass(frozen=True, slots=True)
class Customer:
    """Whom to erase: by number in its one form, or by caller_ref; and who asked for it."""

    tenant: str
    number: str
    caller_ref: UUID | None
    erased_by: str


class Erasures:
    """Erases customers and sweeps after it."""

    def __init__(self, database: Database, callers: Callers, master: MasterKey) -> None:
        self._database = database
        self._callers = callers
        self._master = master
        self._wanted = asyncio.Event()
        self._done = asyncio.Condition()

    async def erase(self, customer: Customer) -> int:
        """Destroy the customer's key and the way from their number; how many keys there were (0 or 1)."""
        destroyed = await self._database.run(lambda session: self._delete(session, customer))
        self._callers.forget_all()
        if destroyed:
            await self._wait_for_sweep()
        return destroyed

    async def run(self) -> None:
        """Sweep whenever something was erased, here or by a process that died before it could."""
        while True:
            began = time.monotonic()
            try:
                swept = await self.sweep()
            except (Refused, asyncpg.PostgresError) as failed:
                telemetry.SWEEP_FAILED.warning(error_class=type(failed).__name__)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if swept:
                await asyncio.sleep(min(REST * (time.monotonic() - began), LOOK_SECONDS))
            else:
                await self._called()

    async def sweep(self) -> int:
        """Rewrite the table if an erasure was not swept yet; how many were."""
        swept = await self._database.run(_sweep, SWEEP_SECONDS)
        if swept:
            telemetry.SWEPT.info(erasures=swept)
            async with self._done:
                self._done.notify_all()
        return swept

    async def _delete(self, session: Connection, customer: Customer) -> int:
        mac = self._master.tenant(customer.tenant).number_mac(customer.number) if customer.number else b""
        rows = await session.fetch(_DELETE, customer.tenant, mac, customer.caller_ref)
        refs = [row["caller_ref"] for row in rows]
        for ref in refs or [None]:
            await session.execute(_AUDIT, customer.tenant, customer.erased_by, ref, len(rows))
        if refs:
            await session.execute(f"notify {CHANNEL}")
        telemetry.ERASED.info(
            tenant=customer.tenant,
            erased_by=customer.erased_by,
            caller_ref=[str(ref) for ref in refs],
            keys_destroyed=len(rows),
        )
        return len(rows)

    async def _wait_for_sweep(self) -> None:
        async with self._done:
            self._wanted.set()
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._done.wait()
            except TimeoutError:
                return

    async def _called(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._wanted.wait()
        except TimeoutError:
            return
        finally:
            self._wanted.clear()


async def _sweep(session: Connection) -> int:
    last, count = await session.fetchrow(_UNSWEPT) or (None, 0)
    if last is None:
        return 0
    for statement in _SWEEP:
        await session.execute(statement)
    await session.execute(_SWEPT, last)
    return int(count)
