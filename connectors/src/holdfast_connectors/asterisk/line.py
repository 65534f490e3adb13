"""One caller's channel at Asterisk; see holdfast_connectors.line.Line. Tells call-events what it sees as it happens."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from holdfast.call_events.v1 import leg_pb2, observation_pb2, queueing_pb2
from holdfast.ivr_routing.v1 import instruction_pb2 as pb
from holdfast_connectors.asterisk.ari import INFERRED, Ari, AriRefused, Event
from holdfast_connectors.line import NotSupported, Rung, StepFailed
from holdfast_connectors.story import Story, inferred
from holdfast_connectors.teller import Tells

RING_SECONDS: Final = 20.0
NO_ANSWER: Final = "19"
CAUSES: Final = {17: "busy", 19: "no_answer", 21: "rejected", 3: "endpoint_unknown", 20: "endpoint_unknown"}
"""Q.850 causes with a word of routing's own."""


@dataclass(frozen=True, slots=True)
class Place:
    """What surrounds a line."""

    ari: Ari
    teller: Tells
    app: str
    source_id: str
    now_us: Callable[[], int]


class AriLine:
    """One channel that entered the application."""

    def __init__(self, place: Place, channel: str, legs: int = 0) -> None:
        """`legs` were rung for the channel before: names are not given twice."""
        self.native_id = channel
        self._legs = legs
        self._place = place
        self._ari = place.ari
        self._story = Story(place.source_id, channel)
        self._leg, self._role, self._originator = channel, leg_pb2.LEG_ROLE_CALLER, channel
        """The customer's channel, what it is there for, and on whose behalf agents are rung."""
        self._side = observation_pb2.RELEASE_SIDE_CALLER
        self._gone = asyncio.Event()
        self._visit: pb.QueueMusic | None = None
        self._rings: dict[str, pb.Ring] = {}
        self._bridge = ""
        self._talk: asyncio.Task[None] | None = None

    def arrive(self, service_number: str, number: str) -> None:
        """Tell that the caller is there."""
        now = self._place.now_us()
        self._tell(self._story.arrived(now, service_number, number))
        self._tell(self._story.leg_created(now, self._leg, leg_pb2.LEG_ROLE_CALLER))

    def take_over(self, agent_leg: str, bridge: str) -> None:
        """Go on with a talk that an earlier process began: whoever leaves first, the other is let go."""
        self._rings[agent_leg], self._bridge = pb.Ring(), bridge
        self._talk = asyncio.create_task(self._until_over(agent_leg))

    async def follow(self) -> None:
        """Notice the end of the caller's channel, and tell it."""
        with self._ari.following(self._leg) as events:
            while (event := await events.get())["type"] != "ChannelDestroyed":
                if event["type"] == "StasisEnd":
                    break
        self._ended(event)

    def led_by(self, instruction_id: str) -> None:
        self._story.led_by = instruction_id

    async def gone(self) -> None:
        await self._gone.wait()

    async def play(self, play: pb.Play) -> None:
        for prompt in play.prompts:
            if prompt.media:
                await self._played(prompt.media, prompt.language)

    async def collect(self, collect: pb.Collect) -> str | None:
        digits = ""
        playing = asyncio.create_task(self.play(pb.Play(prompts=collect.prompts)))
        try:
            with self._ari.following(self._leg) as events:
                while len(digits) < (collect.max_digits or 1):
                    timeout = collect.next_digit_timeout if digits else collect.first_digit_timeout
                    digit = await _digit(events, timeout.ToTimedelta().total_seconds() or RING_SECONDS)
                    if not digit or digit in collect.finish_on:
                        break
                    playing.cancel()
                    digits += digit
        finally:
            playing.cancel()
            await asyncio.gather(playing, return_exceptions=True)
        return digits if len(digits) >= max(1, collect.min_digits) else None

    async def enter_queue(self, music: pb.QueueMusic) -> None:
        if self._visit is None or self._visit.visit_id != music.visit_id:
            self._leave_queue(queueing_pb2.DEQUEUE_KIND_OVERFLOW)
            self._visit = music
            self._tell(self._story.enqueued(self._place.now_us(), music))
        await self._ari.ask_if_there("POST", f"/channels/{self._leg}/moh", mohClass=music.music)

    async def ring(self, rings: tuple[pb.Ring, ...]) -> Rung:
        dialling = {asyncio.create_task(self._dial(ring.endpoint, ring)): ring for ring in rings}
        answered: Rung | None = None
        last = Rung(cause="no_answer")
        try:
            while dialling and answered is None:
                done, _ = await asyncio.wait(dialling, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    del dialling[task]
                    last = task.result()
                    answered = answered or (last if last.answered else None)
        finally:
            for task in dialling:
                task.cancel()
            await asyncio.gather(*dialling, return_exceptions=True)
        return answered or last

    async def bridge(self, bridge: pb.Bridge, rung: Rung) -> None:
        del bridge
        await self._join(rung.leg_id)
        now, ring = self._place.now_us(), self._rings[rung.leg_id]
        self._tell(self._story.bridged(now, rung.leg_id, ring, self._leg))
        self._leave_queue(queueing_pb2.DEQUEUE_KIND_ANSWERED)

    async def redial(self, redial: pb.Redial) -> None:
        del redial
        raise NotSupported("redial")  # this caller is there

    async def transfer(self, transfer: pb.Transfer) -> None:
        elsewhere = pb.Ring(endpoint=transfer.endpoint)
        elsewhere.ring_for.CopyFrom(transfer.ring_for)
        rung = await self._dial(transfer.endpoint, elsewhere)
        if not rung.answered:
            raise StepFailed(rung.cause)
        await self._join(rung.leg_id)
        self._leave_queue(queueing_pb2.DEQUEUE_KIND_OVERFLOW)

    async def voicemail(self, voicemail: pb.Voicemail) -> None:
        await self.play(pb.Play(prompts=voicemail.prompts))
        seconds = int(voicemail.at_most.ToTimedelta().total_seconds()) or 120
        query = {"name": f"{voicemail.mailbox}-{self._leg}", "format": "wav", "maxDurationSeconds": seconds}
        with self._ari.following(self._leg) as events:
            await self._asked("POST", f"/channels/{self._leg}/record", **query, beep="true")
            await _until(events, "RecordingFinished", "RecordingFailed")
        self._leave_queue(queueing_pb2.DEQUEUE_KIND_VOICEMAIL)
        await self.hang_up(pb.HangUp())

    async def park(self, park: pb.Park) -> None:
        await self._ari.ask_if_there("POST", f"/channels/{self._leg}/moh")
        await asyncio.sleep(park.at_most.ToTimedelta().total_seconds())

    async def hang_up(self, hang_up: pb.HangUp) -> None:
        del hang_up
        self._side = observation_pb2.RELEASE_SIDE_PLATFORM
        await self._ari.ask_if_there("DELETE", f"/channels/{self._leg}", reason="normal")

    async def _dial(self, endpoint: str, ring: pb.Ring) -> Rung:
        """Ring one endpoint; a channel that did not answer is gone in the end, however this ends."""
        seconds = ring.ring_for.ToTimedelta().total_seconds() or RING_SECONDS
        self._legs += 1
        leg = f"{self._leg}-{self._legs}"
        self._rings[leg] = ring
        began = self._place.now_us()
        self._tell(self._story.leg_created(began, leg, leg_pb2.LEG_ROLE_AGENT, ring))
        answered = False
        with self._ari.following(leg) as events:
            try:
                await self._asked(
                    "POST",
                    "/channels",
                    endpoint=endpoint,
                    app=self._place.app,
                    appArgs="agent",
                    channelId=leg,
                    timeout=int(seconds),
                    originator=self._originator,
                )
                cause = await self._answer_of(events, leg, ring, seconds)
                answered = not cause
            finally:
                if not answered:
                    await asyncio.shield(self._drop(leg, ring))
        rang_ms = (self._place.now_us() - began) // 1_000
        return Rung(leg, ring.reservation_id, "", rang_ms) if answered else Rung(cause=cause, rang_ms=rang_ms)

    async def _answer_of(self, events: "asyncio.Queue[Event]", leg: str, ring: pb.Ring, seconds: float) -> str:
        """Wait for an answer: empty, or why there was none."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds + 1):
                while True:
                    event = await events.get()
                    match event["type"]:
                        case "ChannelStateChange" if event["channel"].get("state") == "Ringing":
                            self._tell(self._story.ringing(self._place.now_us(), leg, ring))
                        case "StasisStart":
                            self._tell(self._story.answered(self._place.now_us(), leg, ring))
                            return ""
                        case "ChannelDestroyed":
                            return CAUSES.get(int(event.get("cause", 0)), "no_answer")
                        case _:
                            continue
        return "no_answer"

    async def _drop(self, leg: str, ring: pb.Ring) -> None:
        await self._ari.ask_if_there("DELETE", f"/channels/{leg}", reason="no_answer")
        now, side = self._place.now_us(), observation_pb2.RELEASE_SIDE_PLATFORM
        self._tell(self._story.leg_ended(now, leg, leg_pb2.LEG_ROLE_AGENT, side, agent=ring.agent, cause=NO_ANSWER))

    async def _join(self, leg: str) -> None:
        """Let the caller and a leg hear each other; whoever leaves first, the other is let go."""
        await self._ari.ask_if_there("DELETE", f"/channels/{self._leg}/moh")
        made = await self._asked("POST", "/bridges", type="mixing")
        self._bridge = str(made["id"])
        await self._asked("POST", f"/bridges/{self._bridge}/addChannel", channel=f"{self._leg},{leg}")
        self._talk = asyncio.create_task(self._until_over(leg))

    async def _until_over(self, leg: str) -> None:
        with self._ari.following(leg) as events:
            ended = asyncio.create_task(_until(events, "ChannelDestroyed", "StasisEnd"))
            left = asyncio.create_task(self._gone.wait())
            await asyncio.wait({ended, left}, return_when=asyncio.FIRST_COMPLETED)
            by_agent = ended.done()
            for task in (ended, left):
                task.cancel()
        side = observation_pb2.RELEASE_SIDE_AGENT if by_agent else observation_pb2.RELEASE_SIDE_CALLER
        ring, now = self._rings[leg], self._place.now_us()
        self._tell(self._story.leg_ended(now, leg, leg_pb2.LEG_ROLE_AGENT, side, agent=ring.agent))
        for channel in (leg, self._leg):
            await self._ari.ask_if_there("DELETE", f"/channels/{channel}", reason="normal")
        await self._ari.ask_if_there("DELETE", f"/bridges/{self._bridge}")

    async def _played(self, media: str, language: str) -> None:
        with self._ari.following(self._leg) as events:
            await self._asked("POST", f"/channels/{self._leg}/play", media=f"sound:{media}", lang=language)
            await _until(events, "PlaybackFinished")

    async def _asked(self, method: str, path: str, **query: object) -> Any:
        try:
            return await self._ari.ask(method, path, **query)
        except AriRefused as refused:
            raise StepFailed(f"ari_{refused}") from None

    def _leave_queue(self, kind: "queueing_pb2.DequeueKind.ValueType") -> None:
        if self._visit is not None:
            self._tell(self._story.dequeued(self._place.now_us(), self._visit, kind))
            self._visit = None

    def _ended(self, event: Event) -> None:
        self._leave_queue(queueing_pb2.DEQUEUE_KIND_ABANDONED)
        cause = str(event.get("cause", "16"))
        now = self._place.now_us()
        ended = self._story.leg_ended(now, self._leg, self._role, self._side, cause=cause)
        self._tell(inferred(ended) if event.get(INFERRED) else ended)
        self._gone.set()

    def _tell(self, event: Any) -> None:
        self._place.teller.tell(event)


async def _digit(events: "asyncio.Queue[Event]", seconds: float) -> str:
    """The next digit; empty if none comes in time."""
    try:
        async with asyncio.timeout(seconds):
            event = await _until(events, "ChannelDtmfReceived")
    except TimeoutError:
        return ""
    return str(event.get("digit", ""))


async def _until(events: "asyncio.Queue[Event]", *types: str) -> Event:
    """The next event of some types."""
    while True:
        event = await events.get()
        if event.get("type") in types:
            return event
