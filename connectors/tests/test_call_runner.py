"""A call carries out what routing says, and where nothing leads on it follows the static plan."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import grpc
import pytest

from holdfast.ivr_routing.v1 import instruction_pb2 as pb
from holdfast.ivr_routing.v1 import phone_system_service_pb2 as asking
from holdfast_connectors.call_runner import CallRunner
from holdfast_connectors.line import NotSupported, Rung, StepFailed
from holdfast_connectors.routing_link import RoutingLink

NOBODY = "127.0.0.1:9"
NOW_US = 1_700_000_000_000_000
PARKED = pb.StaticPlan(state=pb.WAITING_STATE_PARKED, do=[pb.Action(voicemail=pb.Voicemail(mailbox="general"))])
PARK = pb.Action(park=pb.Park())
ASK = pb.Action(ask_next=pb.AskNext(node="look"))
PLAY = pb.Action(play=pb.Play())
HANG_UP = pb.Action(hang_up=pb.HangUp())


class Line:
    """A caller who stays; what is in `fails` raises, everything else is done at once."""

    native_id = "1.1"

    def __init__(self, **fails: Exception) -> None:
        self.fails = fails
        self.did: list[str] = []
        self.led: list[str] = []
        self.over = asyncio.Event()

    def led_by(self, instruction_id: str) -> None:
        self.led.append(instruction_id)

    async def gone(self) -> None:
        await self.over.wait()

    async def play(self, play: pb.Play) -> None:
        del play
        self._do("play")

    async def collect(self, collect: pb.Collect) -> str | None:
        del collect
        self._do("collect")
        return "1"

    async def enter_queue(self, music: pb.QueueMusic) -> None:
        del music
        self._do("enter_queue")

    async def ring(self, rings: tuple[pb.Ring, ...]) -> Rung:
        del rings
        self._do("ring")
        return Rung("agent")

    async def bridge(self, bridge: pb.Bridge, rung: Rung) -> None:
        del bridge, rung
        self._do("bridge")

    async def redial(self, redial: pb.Redial) -> None:
        del redial
        self._do("redial")

    async def transfer(self, transfer: pb.Transfer) -> None:
        del transfer
        self._do("transfer")

    async def voicemail(self, voicemail: pb.Voicemail) -> None:
        del voicemail
        self._do("voicemail")

    async def park(self, park: pb.Park) -> None:
        del park
        self._do("park")

    async def hang_up(self, hang_up: pb.HangUp) -> None:
        del hang_up
        self._do("hang_up")

    def _do(self, what: str) -> None:
        self.did.append(what)
        if what in self.fails:
            raise self.fails[what]


class Routing(RoutingLink):
    """Routing that is never silent, and says what stands in `plans`, one after the other."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        super().__init__(channel, "pbx", "n1", lambda: 0.0)
        self.plans: list[pb.Instruction] = []
        self.heard: list[str] = []
        self.defaults: list[asking.ReportDefaultRouteRequest] = []

    async def start(self, request: asking.StartContactRequest) -> asking.StartContactResponse:
        del request
        return asking.StartContactResponse(contact_id="c", instruction=self.plans.pop(0))

    async def report(self, request: asking.ReportInputRequest) -> asking.ReportInputResponse:
        self.heard.append(str(request.WhichOneof("input")))
        return asking.ReportInputResponse(instruction=self.plans.pop(0))

    def acknowledge(self, request: asking.AcknowledgeInstructionRequest) -> None:
        if request.status != pb.INSTRUCTION_STATUS_ACCEPTED:
            self.heard.append(f"{request.instruction_id} {pb.InstructionStatus.Name(request.status)[19:].lower()}")

    def default_route(self, request: asking.ReportDefaultRouteRequest) -> None:
        self.defaults.append(request)


@pytest.fixture
async def routing() -> AsyncIterator[Routing]:
    async with grpc.aio.insecure_channel(NOBODY) as channel:
        yield Routing(channel)


Steps = tuple[pb.Action, ...]


def plan(number: int, *do: pb.Action, then: Steps = (), otherwise: Steps = ()) -> pb.Instruction:
    return pb.Instruction(instruction_id=f"i{number}", number=number, do=do, then=then, otherwise=otherwise)


async def served(routing: Routing, line: Line) -> None:
    """Run a call until nothing more comes."""
    chance = random.Random(1)  # noqa: S311  # ids only
    runner = CallRunner(line, routing, [PARKED], lambda: NOW_US, lambda: UUID(int=chance.getrandbits(128), version=4))
    async with asyncio.timeout(timedelta(seconds=10).total_seconds()):
        await runner.run(asking.StartContactRequest())


async def test_a_caller_who_was_kept_for_the_whole_time_asks_what_comes_next(routing: Routing) -> None:
    routing.plans = [plan(1, PARK, then=(ASK,)), plan(2, HANG_UP)]
    line = Line()
    await served(routing, line)
    assert (line.did, routing.heard) == (["park", "hang_up"], ["played", "i1 done", "i2 done"])
    assert line.led == ["i1", "i2"]


async def test_a_caller_who_was_kept_and_of_whom_nothing_was_said_then_follows_the_static_plan(
    routing: Routing,
) -> None:
    routing.plans = [plan(1, PLAY, PARK)]
    line = Line()
    await served(routing, line)
    assert line.did == ["play", "park", "voicemail"]
    assert [default.state for default in routing.defaults] == [pb.WAITING_STATE_PARKED]
    assert line.led == ["i1", ""]


@pytest.mark.parametrize("trouble", [StepFailed("ari_404"), NotSupported("play")])
async def test_what_stands_instead_of_a_plan_that_failed_is_done(routing: Routing, trouble: Exception) -> None:
    routing.plans = [plan(1, PLAY, PARK, then=(ASK,), otherwise=(HANG_UP,))]
    line = Line(play=trouble)
    await served(routing, line)
    assert line.did == ["play", "hang_up"]


@pytest.mark.parametrize("trouble", [StepFailed("ari_500"), NotSupported("transfer")])
async def test_where_what_stands_instead_fails_too_the_static_plan_is_followed(
    routing: Routing, trouble: Exception
) -> None:
    routing.plans = [plan(1, PLAY, otherwise=(pb.Action(transfer=pb.Transfer()),))]
    line = Line(play=StepFailed("ari_404"), transfer=trouble)
    await served(routing, line)
    assert line.did[:2] == ["play", "transfer"]
    assert len(routing.defaults) == 1
