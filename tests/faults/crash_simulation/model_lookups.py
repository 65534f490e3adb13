"""Lookups of a process: each takes a while, and dies with the process that makes it."""

import asyncio
from contextlib import suppress

from crash_simulation.process import Killed, Process
from event_log.errors import EventLogError
from ivr_routing.core.errors import Refused
from ivr_routing.errors import RoutingError
from ivr_routing.flow.step import Look, LookupAnswered
from ivr_routing.lead.shard import Shard
from ivr_routing.loop.requests import Report

MOST_SECONDS = 1.5


class ModelLookups:
    """See lookups.Lookups; those of one process."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._under_way: set[asyncio.Task[None]] = set()

    def begin(self, shard: Shard, contact_id: str, _look: Look) -> None:
        """See Lookups.begin."""
        contact = shard.desk.core.contacts.get(contact_id)
        if contact is None or contact.flow is None:
            return
        task = asyncio.ensure_future(self._ask(shard, contact_id, contact.flow.awaits_id))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _ask(self, shard: Shard, contact_id: str, awaits_id: str) -> None:
        await asyncio.sleep(self._process.fate.chance.uniform(0, MOST_SECONDS))
        if self._process.dead:
            return
        with suppress(Killed, EventLogError, RoutingError, Refused):
            await shard.do(Report(contact_id, awaits_id, LookupAnswered(200, b"{}")))
