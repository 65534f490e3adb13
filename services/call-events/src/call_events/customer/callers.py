"""The table of callers: from a number to its caller_ref and key. The only module that may join the two.

Looked up for a whole message at once; what was found is remembered for a while, and forgotten by every process as soon
as any customer is erased (`call_events.customer.forgetting`). While that word could not reach us nothing is remembered.
"""

import asyncio
import contextvars
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from asyncpg.pgproto import pgproto

from call_events import telemetry
from call_events.customer import sealing
from call_events.customer.master_key import MasterKey
from call_events.customer.sealing import CallerKey
from service_host.chance import random_bytes
from service_host.postgres import Database

if TYPE_CHECKING:
    import asyncpg

REMEMBERED: Final = 50_000
REMEMBERED_FOR: Final = timedelta(minutes=10)
_FIND: Final = (
    "select number_mac, caller_ref, wrapped_key from caller where tenant = $1 and number_mac = any($2::bytea[])"
)
_FIND_OR_ADD: Final = """
    with known as (
        select number_mac, caller_ref, wrapped_key from caller where tenant = $1 and number_mac = any($2::bytea[])
    ), added as (
        insert into caller (tenant, number_mac, caller_ref, wrapped_key)
        select $1, w.* from unnest($2::bytea[], $3::uuid[], $4::bytea[]) as w (number_mac, caller_ref, wrapped_key)
        where w.number_mac not in (select number_mac from known)
        on conflict (tenant, number_mac) do nothing
        returning number_mac
    )
    select number_mac, caller_ref, wrapped_key, false as added from known
    union all
    select number_mac, null, null, true from added
"""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A caller, and whether this call made them known."""

    caller: CallerKey
    created: bool


@dataclass(slots=True)
class _Asked:
    """What is looked up together: the MACs, and the task that looks."""

    macs: set[bytes]
    answer: "asyncio.Task[dict[bytes, Resolved]] | None" = None


class Callers:
    """Finds callers by number, making those that are new.

    The database's sessions need not wait for the disk (`synchronous_commit = off`): a caller stands in the WAL before
    the event that tells of them, so whatever makes the event durable makes the caller durable too.
    """

    def __init__(self, database: Database, master: MasterKey) -> None:
        self._database = database
        self._master = master
        self._remembered: OrderedDict[tuple[str, bytes], tuple[CallerKey, float]] = OrderedDict()
        self._generation = 0
        self._told_of_erasures = False
        self._asked: dict[str, _Asked] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def resolve(self, tenant: str, numbers: Iterable[str]) -> dict[str, Resolved]:
        """The caller of each number in its one form; those that were new are made."""
        keys = self._master.tenant(tenant)
        macs = {keys.number_mac(number): number for number in numbers}
        found = {mac: known for mac in macs if (known := self._recall(tenant, mac)) is not None}
        missing = macs.keys() - found.keys()
        if missing:
            looked_up = await self._look_up(tenant, missing)
            found |= {mac: looked_up[mac] for mac in missing}
        return {macs[mac]: resolved for mac, resolved in found.items()}

    def forget_all(self) -> None:
        """Forget every caller: one was erased, here or elsewhere."""
        self._generation += 1
        self._remembered.clear()

    def hear(self, told_of_erasures: bool) -> None:  # noqa: FBT001  # what is heard is yes or no
        """Forget every caller, as one may have been erased; remember others only if erasures are told to us."""
        self.forget_all()
        self._told_of_erasures = told_of_erasures

    async def _look_up(self, tenant: str, macs: AbstractSet[bytes]) -> dict[bytes, Resolved]:
        """Ask together with whoever else asks: while one look-up of a tenant runs, all others gather for the next."""
        asked = self._asked.get(tenant)
        if asked is None:
            asked = self._asked[tenant] = _Asked(set())
            asked.answer = asyncio.create_task(self._answer(tenant, asked), context=contextvars.Context())
        asked.macs |= macs
        assert asked.answer is not None
        return await asyncio.shield(asked.answer)

    async def _answer(self, tenant: str, asked: _Asked) -> dict[bytes, Resolved]:
        async with self._locks.setdefault(tenant, asyncio.Lock()):
            del self._asked[tenant]
            generation = self._generation
            found = await self._find_or_add(tenant, sorted(asked.macs))
            if generation == self._generation and self._told_of_erasures:
                self._remember(tenant, found)
            return found

    async def _find_or_add(self, tenant: str, macs: list[bytes]) -> dict[bytes, Resolved]:
        """Find callers and make those that are new, in one statement; what another process makes meanwhile in a second.

        The MACs come sorted: two processes that make the same callers then never wait for each other in a circle.
        """
        made = {mac: self._new_caller(tenant) for mac in macs}
        refs = [pgproto.UUID(caller.caller_ref) for caller, _ in made.values()]
        rows = await self._database.fetch(_FIND_OR_ADD, tenant, macs, refs, [wrapped for _, wrapped in made.values()])
        found: dict[bytes, Resolved] = {}
        for row in rows:
            mac = row["number_mac"]
            found[mac] = Resolved(made[mac][0], created=True) if row["added"] else self._found(tenant, row)
        if added := sum(resolved.created for resolved in found.values()):
            telemetry.CALLERS_MADE.add(added)
        lost_races = [mac for mac in macs if mac not in found]
        return found | (await self._find(tenant, lost_races) if lost_races else {})

    async def _find(self, tenant: str, macs: list[bytes]) -> dict[bytes, Resolved]:
        rows = await self._database.fetch(_FIND, tenant, macs)
        return {row["number_mac"]: self._found(tenant, row) for row in rows}

    def _found(self, tenant: str, row: "asyncpg.Record") -> Resolved:
        wrapped = row["wrapped_key"]
        return Resolved(sealing.unwrap(self._master.wrapping, tenant, str(row["caller_ref"]), wrapped), created=False)

    def _new_caller(self, tenant: str) -> tuple[CallerKey, bytes]:
        caller_ref = str(UUID(bytes=random_bytes(16), version=4))
        caller = sealing.new_caller(caller_ref)
        return caller, sealing.wrap(self._master.wrapping, tenant, caller)

    def _recall(self, tenant: str, mac: bytes) -> Resolved | None:
        known = self._remembered.get((tenant, mac))
        if known is None or known[1] < time.monotonic():
            return None
        self._remembered.move_to_end((tenant, mac))
        return Resolved(known[0], created=False)

    def _remember(self, tenant: str, found: Mapping[bytes, Resolved]) -> None:
        until = time.monotonic() + REMEMBERED_FOR.total_seconds()
        for mac, resolved in found.items():
            self._remembered[tenant, mac] = (resolved.caller, until)
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)
