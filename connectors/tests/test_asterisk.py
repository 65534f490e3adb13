"""A line at Asterisk against its published resource model: rung, answered, bridged, typed on, hung up, gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import Response

from holdfast.call_events.v1 import observation_pb2
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent
from holdfast.ivr_routing.v1 import instruction_pb2 as pb
from holdfast_connectors.asterisk.ari import Access, Ari
from holdfast_connectors.asterisk.callback import AriCallback
from holdfast_connectors.asterisk.line import AriLine, Place
from holdfast_connectors.clock import now_us
from holdfast_connectors.line import Rung, StepFailed
from holdfast_testing import eventually

CALLER = "1700000000.1"
AGENT = f"{CALLER}-1"
RING = pb.Ring(agent="ann", endpoint="PJSIP/ann", reservation_id="r1", visit_id="v1", queue="sales")


class Told:
    """Keeps what is told; `ari` is what it is told by."""

    def __init__(self, ari: Ari) -> None:
        self.events: list[ContactEvent] = []
        self.ari = ari

    def tell(self, event: ContactEvent) -> None:
        """Keep one."""
        self.events.append(event)

    @property
    def kinds(self) -> list[str]:
        """Their bodies' names, in order."""
        return [str(event.WhichOneof("body")) for event in self.events]

    @property
    def caused(self) -> dict[str, str]:
        """The instructions that facts say they follow from, by the names of the facts."""
        bodies = {kind: getattr(event, kind) for kind, event in zip(self.kinds, self.events, strict=True)}
        return {kind: told for kind, body in bodies.items() if (told := getattr(body, "instruction_id", ""))}


@asynccontextmanager
async def a_line(asterisk: Any) -> AsyncIterator[tuple[AriLine, Told]]:
    """A caller who has just come in."""
    ari = Ari(Access(asterisk.url, "holdfast", "user", "secret"))
    told = Told(ari)
    running = asyncio.create_task(ari.run(lambda _: None, lambda _: None))
    async with asyncio.timeout(10):
        await ari.connected.wait()
    line = AriLine(Place(ari, told, "holdfast", "asterisk", now_us), CALLER)
    following = asyncio.create_task(line.follow())
    await asyncio.sleep(0)
    try:
        yield line, told
    finally:
        for task in (running, following):
            task.cancel()
        await asyncio.gather(running, following, return_exceptions=True)
        await ari.close()


def answers(asterisk: Any, _: dict[str, str]) -> dict[str, str]:
    """An endpoint that rings and is picked up."""
    asterisk.say("ChannelStateChange", AGENT, channel={"id": AGENT, "state": "Ringing"})
    asterisk.say("StasisStart", AGENT, args=["agent"])
    return {"id": AGENT}


def refuses(asterisk: Any, _: dict[str, str]) -> dict[str, str]:
    """An endpoint that is busy."""
    asterisk.say("ChannelDestroyed", AGENT, cause=17, cause_txt="User busy")
    return {"id": AGENT}


def conflict(*_: object) -> Response:
    """What Asterisk says to what cannot be done now."""
    return Response(status_code=409)


async def test_an_agent_who_answers_is_bridged_with_nothing_asked_of_anybody(asterisk: Any) -> None:
    asterisk.when("POST", "/channels", answers)
    asterisk.when("POST", "/bridges", lambda *_: {"id": "b1"})
    async with a_line(asterisk) as (line, told):
        line.led_by("i1")
        await line.enter_queue(pb.QueueMusic(queue="sales", visit_id="v1"))
        rung = await line.ring((RING,))
        await line.bridge(pb.Bridge(), rung)
        assert (rung.leg_id, rung.reservation_id) == (AGENT, "r1")
        assert asterisk.asked("POST", "/bridges/b1/addChannel") == [{"channel": f"{CALLER},{AGENT}"}]
        assert told.kinds == ["enqueued", "leg_created", "leg_ringing", "leg_answered", "bridged", "dequeued"]
        asterisk.say("ChannelDestroyed", CALLER, cause=16)
        await eventually(lambda: told.kinds[-2:] == ["leg_ended", "leg_ended"])
        await eventually(lambda: asterisk.asked("DELETE", "/bridges/b1"))
        assert asterisk.asked("DELETE", f"/channels/{AGENT}")
        assert told.caused == {"leg_created": "i1", "leg_ringing": "i1", "leg_answered": "i1", "bridged": "i1"}


async def test_a_busy_endpoint_is_told_as_busy_and_leaves_no_channel_behind(asterisk: Any) -> None:
    asterisk.when("POST", "/channels", refuses)
    async with a_line(asterisk) as (line, told):
        line.led_by("i1")
        rung = await line.ring((RING,))
        assert (rung.answered, rung.cause) == (False, "busy")
        assert told.kinds == ["leg_created", "leg_ended"]
        assert told.caused == {"leg_created": "i1", "leg_ended": "i1"}


async def test_ringing_stops_when_the_plan_is_replaced(asterisk: Any) -> None:
    asterisk.when("POST", "/channels", lambda *_: {"id": AGENT})
    async with a_line(asterisk) as (line, _):
        ringing = asyncio.create_task(line.ring((RING,)))
        await eventually(lambda: asterisk.asked("POST", "/channels"))
        ringing.cancel()
        await asyncio.gather(ringing, return_exceptions=True)
        await eventually(lambda: asterisk.asked("DELETE", f"/channels/{AGENT}"))


async def test_digits_are_collected_until_the_key_that_ends_them(asterisk: Any) -> None:
    async with a_line(asterisk) as (line, _):
        asked = pb.Collect(max_digits=3, finish_on="#")
        asked.first_digit_timeout.FromSeconds(10)
        asked.next_digit_timeout.FromSeconds(10)
        collecting = asyncio.create_task(line.collect(asked))
        await asyncio.sleep(0)
        for digit in "12#":
            asterisk.say("ChannelDtmfReceived", CALLER, digit=digit)
        assert await collecting == "12"


async def test_nothing_typed_in_time_is_no_input(asterisk: Any) -> None:
    async with a_line(asterisk) as (line, _):
        asked = pb.Collect(max_digits=1)
        asked.first_digit_timeout.FromMilliseconds(50)
        assert await line.collect(asked) is None


async def test_a_caller_who_is_let_go_was_let_go_by_the_instruction_and_not_by_themselves(asterisk: Any) -> None:
    async with a_line(asterisk) as (line, told):
        line.led_by("i1")
        await line.hang_up(pb.HangUp())
        asterisk.say("ChannelDestroyed", CALLER, cause=16)
        async with asyncio.timeout(10):
            await line.gone()
        ended = told.events[-1].leg_ended
        assert (ended.instruction_id, ended.release_side) == ("i1", observation_pb2.RELEASE_SIDE_PLATFORM)


async def test_a_caller_who_hangs_up_is_gone_and_left_the_queue(asterisk: Any) -> None:
    async with a_line(asterisk) as (line, told):
        await line.enter_queue(pb.QueueMusic(queue="sales", visit_id="v1"))
        asterisk.say("ChannelDestroyed", CALLER, cause=16)
        async with asyncio.timeout(10):
            await line.gone()
        assert told.kinds == ["enqueued", "dequeued", "leg_ended"]


async def test_what_asterisk_refuses_fails_the_step_with_its_status(asterisk: Any) -> None:
    asterisk.when("POST", "/bridges", conflict)
    asterisk.when("POST", "/channels", answers)
    async with a_line(asterisk) as (line, _):
        rung = await line.ring((RING,))
        with pytest.raises(StepFailed, match="ari_409"):
            await line.bridge(pb.Bridge(), rung)


async def test_a_channel_that_is_no_more_after_the_events_were_away_has_ended_as_inferred(asterisk: Any) -> None:
    asterisk.when("GET", "/channels", lambda *_: [{"id": "another"}])
    async with a_line(asterisk) as (line, told):
        await line.enter_queue(pb.QueueMusic(queue="sales", visit_id="v1"))
        assert await told.ari.channels() == ["another"]
        async with asyncio.timeout(10):
            await line.gone()
        assert told.kinds == ["enqueued", "dequeued", "leg_ended"]
        assert told.events[-1].leg_ended.observation.inferred


def customer(asterisk: Any, query: dict[str, str]) -> dict[str, str]:
    """An agent who picks up, and a customer who does, or is busy."""
    channel = query["channelId"]
    if query["endpoint"] == "PJSIP/busy@trunk":
        asterisk.say("ChannelDestroyed", channel, cause=17)
    else:
        asterisk.say("StasisStart", channel, args=["agent"])
    return {"id": channel}


@asynccontextmanager
async def a_callback(asterisk: Any, endpoint: str) -> AsyncIterator[tuple[AriCallback, Told]]:
    """A customer who waits to be called, their agent at the telephone already."""
    asterisk.when("POST", "/channels", customer)
    asterisk.when("POST", "/bridges", lambda *_: {"id": "b1"})
    async with a_line(asterisk) as (_, told):
        line = AriCallback(Place(told.ari, told, "holdfast", "asterisk", now_us), CALLER, 3, endpoint)
        rung = await line.ring((RING,))
        assert rung.leg_id == f"{CALLER}-back-3-1"
        yield line, told


async def test_a_customer_who_waits_is_called_after_the_agent_and_bridged(asterisk: Any) -> None:
    async with a_callback(asterisk, "PJSIP/77@trunk") as (line, told):
        await line.redial(pb.Redial())
        await line.bridge(pb.Bridge(), Rung(f"{CALLER}-back-3-1", "r1"))
        assert asterisk.asked("POST", "/bridges/b1/addChannel") == [{"channel": f"{CALLER}-back-3,{CALLER}-back-3-1"}]
        assert told.events[-1].bridged.leg_id == f"{CALLER}-back-3"
        asterisk.say("ChannelDestroyed", f"{CALLER}-back-3", cause=16)
        async with asyncio.timeout(10):
            await line.over()
        await eventually(lambda: asterisk.asked("DELETE", "/bridges/b1"))
        assert told.kinds.count("leg_ended") == 2


async def test_a_customer_who_is_not_reached_lets_the_agent_go(asterisk: Any) -> None:
    async with a_callback(asterisk, "PJSIP/busy@trunk") as (line, told):
        with pytest.raises(StepFailed, match="customer_busy"):
            await line.redial(pb.Redial())
        assert asterisk.asked("DELETE", f"/channels/{CALLER}-back-3-1")
        assert told.kinds[-2:] == ["leg_ended", "leg_ended"]
