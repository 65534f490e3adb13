"""A customer who hung up to be called back: the agent's channel first, then the customer's, then as any caller."""

import asyncio
from typing import Final

from holdfast.call_events.v1 import leg_pb2, observation_pb2
from holdfast.ivr_routing.v1 import instruction_pb2 as pb
from holdfast_connectors.asterisk.ari import Event
from holdfast_connectors.asterisk.line import CAUSES, NO_ANSWER, AriLine, Place
from holdfast_connectors.asterisk.standing import BACK
from holdfast_connectors.line import Rung, StepFailed

DIAL_SECONDS: Final = 30.0


class AriCallback(AriLine):
    """One attempt; `attempt` tells the channels of several apart, `endpoint` is where the customer is dialled."""

    def __init__(self, place: Place, native_id: str, attempt: int, endpoint: str) -> None:
        super().__init__(place, native_id)
        self._endpoint = endpoint
        self._leg, self._role, self._originator = f"{native_id}{BACK}{attempt}", leg_pb2.LEG_ROLE_CALLBACK, ""
        self._rung = Rung()
        self._following: asyncio.Task[None] | None = None

    async def ring(self, rings: tuple[pb.Ring, ...]) -> Rung:
        self._rung = await super().ring(rings)
        return self._rung

    async def redial(self, redial: pb.Redial) -> None:
        self._tell(self._story.leg_created(self._place.now_us(), self._leg, self._role))
        cause = "no_answer"
        with self._ari.following(self._leg) as events:
            try:
                cause = await self._dialled(events, redial.ring_for.ToTimedelta().total_seconds() or DIAL_SECONDS)
            finally:
                if cause:
                    await asyncio.shield(self._let_go())
            if cause:
                raise StepFailed(f"customer_{cause}")
            self._tell(self._story.reached(self._place.now_us(), self._leg))
            self._following = asyncio.create_task(self.follow())

    async def over(self) -> None:
        """Return when a customer who was reached has gone; at once if they were not."""
        if self._following is not None:
            await self._following

    async def bridge(self, bridge: pb.Bridge, rung: Rung) -> None:
        try:
            await super().bridge(bridge, rung)
        except StepFailed:
            await self.hang_up(pb.HangUp())
            raise

    async def _dialled(self, events: "asyncio.Queue[Event]", seconds: float) -> str:
        """Dial the customer; empty if they answered, else why not."""
        asked = {"endpoint": self._endpoint, "app": self._place.app, "appArgs": "agent", "timeout": int(seconds)}
        await self._asked("POST", "/channels", channelId=self._leg, **asked)
        try:
            async with asyncio.timeout(seconds + 1):
                while (event := await events.get())["type"] not in ("StasisStart", "ChannelDestroyed"):
                    pass
        except TimeoutError:
            return "no_answer"
        if event["type"] == "StasisStart":
            return ""
        return CAUSES.get(int(event.get("cause", 0)), "no_answer")

    async def _let_go(self) -> None:
        """The customer was not reached: neither they nor the agent are kept."""
        await self._ari.ask_if_there("DELETE", f"/channels/{self._leg}", reason="no_answer")
        side, now = observation_pb2.RELEASE_SIDE_PLATFORM, self._place.now_us()
        self._tell(self._story.leg_ended(now, self._leg, self._role, side, cause=NO_ANSWER))
        if self._rung.answered:
            await self._drop(self._rung.leg_id, self._rings[self._rung.leg_id])
