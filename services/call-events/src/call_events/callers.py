"""The table of callers: from a number to its caller_ref and key. The only module that may join the two.

Looked up for a whole message at once; what was found is remembered for a while, and forgotten by every process as soon
as any customer is erased (`call_events.forgetting`). While that word could not reach us nothing is remembered.
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from call_events import sealing
from call_events.master_key import MasterKey
from call_events.sealing import CallerKey
from service_host.postgres import Database

REMEMBERED: Final = 50_000
REMEMBERED_FOR: Final = timedelta(minutes=10)
_FIND: Final = (
    "select number_mac, caller_ref, wrapped_key from caller where tenant = $1 and number_mac = any($2::bytea[])"
)
_ADD: Final = """
    insert into caller (tenant, number_mac, caller_ref, wrapped_key)
    select $1, * from unnest($2::bytea[], $3::uuid[], $4::bytea[])
    on conflict (tenant, number_mac) do nothing
    returning number_mac
"""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A caller, and whether this call made them known."""

    caller: CallerKey
    created: bool


class Callers:
    """Finds callers by number, making those that are new."""

    def __init__(self, database: Database, master: MasterKey) -> None:
        self._database = database
        self._master = master
        self._remembered: OrderedDict[tuple[str, bytes], tuple[CallerKey, float]] = OrderedDict()
        self._generation = 0
        self._told_of_erasures = False

    async def resolve(self, tenant: str, numbers: Iterable[str]) -> dict[str, Resolved]:
        """The caller of each number in its one form; new ones are durable when this returns."""
        keys = self._master.tenant(tenant)
        macs = {keys.number_mac(number): number for number in numbers}
        found = {mac: known for mac in macs if (known := self._recall(tenant, mac)) is not None}
        generation = self._generation
        missing = sorted(macs.keys() - found.keys())
        if missing:
            looked_up = await self._find_or_add(tenant, missing)
            found |= looked_up
            if generation == self._generation and self._told_of_erasures:
                self._remember(tenant, looked_up)
        return {macs[mac]: resolved for mac, resolved in found.items()}

    async def known(self, tenant: str, number: str) -> CallerKey | None:
        """The caller of a number that was told before; nothing is made and nothing remembered."""
        found = await self._find(tenant, [self._master.tenant(tenant).number_mac(number)])
        return next((resolved.caller for resolved in found.values()), None)

    def forget_all(self) -> None:
        """Forget every caller: one was erased, here or elsewhere."""
        self._generation += 1
        self._remembered.clear()

    def hear(self, told_of_erasures: bool) -> None:  # noqa: FBT001  # what is heard is yes or no
        """Forget every caller, as one may have been erased; remember others only if erasures are told to us."""
        self.forget_all()
        self._told_of_erasures = told_of_erasures

    async def _find_or_add(self, tenant: str, macs: list[bytes]) -> dict[bytes, Resolved]:
        found = await self._find(tenant, macs)
        missing = [mac for mac in macs if mac not in found]
        if missing:
            found |= await self._add(tenant, missing)
        lost_races = [mac for mac in macs if mac not in found]
        if lost_races:
            found |= await self._find(tenant, lost_races)
        return found

    async def _find(self, tenant: str, macs: list[bytes]) -> dict[bytes, Resolved]:
        rows = await self._database.fetch(_FIND, tenant, macs)
        return {
            row["number_mac"]: Resolved(
                sealing.unwrap(self._master.wrapping, tenant, str(row["caller_ref"]), row["wrapped_key"]), created=False
            )
            for row in rows
        }

    async def _add(self, tenant: str, macs: list[bytes]) -> dict[bytes, Resolved]:
        """Make callers, in order of their MACs: two processes that make the same ones then never wait in a circle."""
        made = {mac: self._new_caller(tenant) for mac in macs}
        refs = [UUID(caller.caller_ref) for caller, _ in made.values()]
        rows = await self._database.fetch(_ADD, tenant, macs, refs, [wrapped for _, wrapped in made.values()])
        return {row["number_mac"]: Resolved(made[row["number_mac"]][0], created=True) for row in rows}

    def _new_caller(self, tenant: str) -> tuple[CallerKey, bytes]:
        caller_ref = str(UUID(bytes=secrets.token_bytes(16), version=4))
        wrapped = sealing.wrap(self._master.wrapping, tenant, caller_ref, sealing.new_key())
        return sealing.unwrap(self._master.wrapping, tenant, caller_ref, wrapped), wrapped

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
