"""Waiters of a doorbell wake when it rings, and go when they are told to go."""

import asyncio
from datetime import timedelta

import pytest

from event_log.doorbell import Doorbell

LONG = timedelta(seconds=30)


async def test_a_waiter_wakes_when_the_head_is_beyond_its_position() -> None:
    bell = Doorbell()
    waiting = asyncio.create_task(bell.wait_beyond(1, LONG))
    for head in (1, 2):
        await asyncio.sleep(0)
        bell.ring(head)
    assert await waiting


async def test_a_waiter_gives_up_at_its_deadline() -> None:
    assert not await Doorbell().wait_beyond(0, timedelta(0))


@pytest.mark.parametrize("turns", range(4))
async def test_a_waiter_who_is_let_go_as_the_bell_rings_has_gone(turns: int) -> None:
    bell = Doorbell()
    waiting = asyncio.create_task(bell.wait_beyond(0, LONG))
    for _ in range(3):
        await asyncio.sleep(0)
    bell.ring(1)
    for _ in range(turns):
        await asyncio.sleep(0)
    if waiting.cancel():
        with pytest.raises(asyncio.CancelledError):
            await waiting
