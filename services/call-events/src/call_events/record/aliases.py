"""What sources call a contact besides its first leg's native id: bound at first use, for ever.

A name nobody told before is taken as the first leg's native id, and *that* is then what it means: an event told again
must find the contact that it found the first time, whatever was told in between.
"""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from call_events.record.told import Alias
from contact_life import identity
from service_host.postgres import Database

REMEMBERED: Final = 50_000
_FIND: Final = """
    select a.source_id, a.kind, a.native_id, a.contact_id
    from contact_alias a
    join unnest($2::text[], $3::text[], $4::text[]) as w (source_id, kind, native_id)
        on a.tenant = $1 and a.source_id = w.source_id and a.kind = w.kind and a.native_id = w.native_id
"""
_BIND: Final = """
    insert into contact_alias (tenant, source_id, kind, native_id, contact_id)
    select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::uuid[])
    on conflict (tenant, source_id, kind, native_id) do nothing
"""


def taken_literally(tenant: str, alias: Alias) -> UUID:
    """The contact that a name means if nobody has bound it to another."""
    source, _, native_id = alias
    return UUID(identity.contact_id(tenant, source, native_id))


class Aliases:
    """Finds contacts by name and binds names; what is bound never changes, so it may be remembered."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered: OrderedDict[tuple[str, Alias], UUID] = OrderedDict()

    async def bind(self, tenant: str, wanted: Mapping[Alias, UUID]) -> dict[Alias, UUID]:
        """Bind each name that is still free to the contact given; the contact that each now means."""
        found = self._recall(tenant, wanted)
        missing = sorted(wanted.keys() - found.keys())  # in order, so that two processes never wait in a circle
        if missing:
            await self._database.execute(_BIND, tenant, *_columns(missing), [wanted[alias] for alias in missing])
            found |= await self.find(tenant, missing)
        return found

    async def find(self, tenant: str, aliases: Collection[Alias]) -> dict[Alias, UUID]:
        """The contacts of those names that are bound."""
        found = self._recall(tenant, aliases)
        missing = [alias for alias in aliases if alias not in found]
        if missing:
            rows = await self._database.fetch(_FIND, tenant, *_columns(missing))
            looked_up = {(row["source_id"], row["kind"], row["native_id"]): row["contact_id"] for row in rows}
            self._remember(tenant, looked_up)
            found |= looked_up
        return found

    def _recall(self, tenant: str, aliases: Collection[Alias]) -> dict[Alias, UUID]:
        known = self._remembered
        return {alias: known[tenant, alias] for alias in aliases if (tenant, alias) in known}

    def _remember(self, tenant: str, found: Mapping[Alias, UUID]) -> None:
        for alias, contact_id in found.items():
            self._remembered[tenant, alias] = contact_id
        while len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)


def _columns(aliases: Collection[Alias]) -> tuple[list[str], list[str], list[str]]:
    return [source for source, _, _ in aliases], [kind for _, kind, _ in aliases], [name for _, _, name in aliases]
