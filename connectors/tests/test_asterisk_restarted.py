"""A connector that comes to an Asterisk in which calls of an earlier process stand."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import grpc
import pytest

from holdfast_connectors.asterisk.ari import Access
from holdfast_connectors.asterisk.standing import first_leg
from holdfast_connectors.asterisk.system import AsteriskPhoneSystem, Doors
from holdfast_connectors.clock import now_us
from holdfast_testing import eventually

WAITS, TALKS, ELSEWHERE = "1700000000.1", "1700000000.2", "1700000000.3"
RUNG, AGENT = f"{WAITS}-1", f"{TALKS}-1"
NOBODY = "127.0.0.1:9"


@pytest.fixture
async def connector(asterisk: Any) -> AsyncIterator[AsteriskPhoneSystem]:
    """A connector that has just come; routing and call-events are away."""
    channels = [{"id": channel, "caller": {"number": ""}} for channel in (WAITS, TALKS, ELSEWHERE, RUNG, AGENT)]
    asterisk.when("GET", "/applications/holdfast", lambda *_: {"channel_ids": [WAITS, TALKS, AGENT]})
    asterisk.when("GET", "/channels", lambda *_: channels)
    asterisk.when("GET", "/bridges", lambda *_: [{"id": "b1", "channels": [TALKS, AGENT]}])
    async with grpc.aio.insecure_channel(NOBODY) as away:
        numbers = itertools.count(1)
        doors = Doors(away, away, now_us, lambda: UUID(int=next(numbers)))
        system = AsteriskPhoneSystem(Access(asterisk.url, "holdfast", "user", "secret"), "acme", "pbx", doors)
        running = asyncio.create_task(system.run())
        yield system
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_who_waits_is_taken_up_and_what_was_rung_for_them_is_let_go(
    asterisk: Any, connector: AsteriskPhoneSystem
) -> None:
    del connector
    await eventually(lambda: asterisk.asked("POST", f"/channels/{WAITS}/answer"))
    await eventually(lambda: asterisk.asked("DELETE", f"/channels/{RUNG}"))
    asterisk.say("StasisStart", f"{WAITS}-2", args=["agent"])  # an endpoint that is answered only now
    await eventually(lambda: asterisk.asked("DELETE", f"/channels/{WAITS}-2"))
    touched = {path.split("/")[2] for how, path, _ in asterisk.requests if how != "GET"}
    assert touched == {WAITS, RUNG, f"{WAITS}-2"}


async def test_a_talk_goes_on_and_ends_for_both_when_one_leaves(asterisk: Any, connector: AsteriskPhoneSystem) -> None:
    del connector
    await eventually(lambda: asterisk.asked("POST", f"/channels/{WAITS}/answer"))
    asterisk.say("ChannelDestroyed", AGENT, cause=16)
    await eventually(lambda: asterisk.asked("DELETE", f"/channels/{TALKS}"))
    await eventually(lambda: asterisk.asked("DELETE", "/bridges/b1"))


@pytest.mark.parametrize("channel", [WAITS, f"{WAITS}-2", f"{WAITS}-back-7", f"{WAITS}-back-7-1"])
def test_each_channel_of_a_contact_names_it_also_where_the_customer_is_called_back(channel: str) -> None:
    assert first_leg(channel) == WAITS
