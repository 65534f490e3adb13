"""Shards of several tenants in one process: what breaks one leaves the others alone, and is read anew."""

import asyncio
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from event_log.memory import MemoryLog, clock_us
from event_log.model import Cursor
from holdfast_testing import eventually
from ivr_routing.core import commands as c
from ivr_routing.core.rules import QueueRules
from ivr_routing.errors import ShardFailed
from ivr_routing.flow import publishing
from ivr_routing.lead.shard import Shard
from ivr_routing.lead.shards import Shards
from ivr_routing.lead.snapshots import Kept, Snapshots
from ivr_routing.loop.catalogue import message_of
from ivr_routing.loop.requests import Record, Start, Told

LOOKING = """
format: holdfast-flow/1
flow: looking
language: en
start: look
otherwise: bye
service_numbers: ["+49301"]
nodes:
  look: {type: lookup, url: "https://bank.example.com/x", next: bye, otherwise: bye}
  bye: {type: hang_up}
"""


class FirstStart(Snapshots):
    """Of a database in which nothing was kept yet."""

    def __init__(self) -> None:
        pass

    async def load(self, head: Cursor) -> Kept:
        del head
        return Kept()


def new_id() -> UUID:
    """An id nobody has."""
    return UUID(bytes=secrets.token_bytes(16), version=4)


async def test_a_fault_in_one_tenants_shard_leaves_the_others_alone_and_the_log_restores_it() -> None:
    shards = Shards(MemoryLog(), FirstStart(), clock_us, new_id, timedelta(seconds=60))
    await shards.follow()
    await shards.lead()
    running = asyncio.create_task(shards.run())
    await asyncio.sleep(0)
    broken, other = await shards.of("acme"), await shards.of("other")
    for shard in (broken, other):
        await shard.do(Told(c.ConfigureQueue("sales", QueueRules())))

    nonsense: Any = object()
    with pytest.raises(KeyError):
        await broken.do(nonsense)

    with pytest.raises(ShardFailed):
        await broken.do(Told(c.RetireQueue("sales")))
    await other.do(Told(c.RetireQueue("sales")))
    assert await shards.of("other") is other

    async def serves_again() -> bool:
        again = await shards.of("acme")
        return again is not broken and "sales" in again.desk.core.queues

    await eventually(serves_again)
    await (await shards.of("acme")).do(Told(c.RetireQueue("sales")))
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_shard_that_is_read_anew_makes_the_lookups_again_that_callers_wait_for() -> None:
    looked_up: list[tuple[Shard, str]] = []
    shards = Shards(MemoryLog(), FirstStart(), clock_us, new_id, timedelta(seconds=60))
    shards.on_lookup = lambda shard, contact_id, _: looked_up.append((shard, contact_id))
    await shards.follow()
    await shards.lead()
    running = asyncio.create_task(shards.run())
    await asyncio.sleep(0)
    shard, contact_id = await shards.of("acme"), str(new_id())
    wanted = publishing.PublishFlow(LOOKING, (), None, "admin", clock_us())
    published = publishing.decide(publishing.Published(), wanted)
    await shard.do(Record(tuple(map(message_of, published))))
    await shard.do(Start(c.AdmitContact(contact_id, "pbx", "n1", "leg", "+49301")))
    await eventually(lambda: looked_up == [(shard, contact_id)])

    nonsense: Any = object()
    with pytest.raises(KeyError):
        await shard.do(nonsense)

    await eventually(lambda: len(looked_up) == 2)
    assert looked_up[1] == (await shards.of("acme"), contact_id)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
