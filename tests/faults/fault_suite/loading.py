"""The load, a process of its own: tellers, readers and askers, and a history of all they do.

Usage: python -m fault_suite.loading PLAN, a file with a `Plan` as JSON. Commands come as JSON, a line each, on
standard input; each is answered by a line on standard output once it is done. It ends by the command `finish`, or with
its input.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import grpc

from event_log.errors import Unavailable
from event_log.feed import Feed
from event_log.grpc_client import GrpcLog
from event_log.model import Append, NewEvent, Stream, StreamAppend
from fault_suite.desk import Desk
from fault_suite.feeds import Notes, ServicesReader, TenantReader
from fault_suite.history import ASK, Writer
from fault_suite.telling import NOON_US, Storyteller
from holdfast.call_events.v1 import call_events_service_pb2
from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from holdfast.metrics.v1 import metrics_service_pb2 as metrics_pb
from holdfast.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from service_host import client

CURRENT = "current"
"""The door of figures, asked for what has just been told."""
TELL_PAUSE_SECONDS = 0.12
PROBE_PAUSE_SECONDS = 0.25
ASK_SECONDS = 1.0
CURRENT_SECONDS = 5.0
BURST_CALL_EVENTS = 200
READ_ON_SECONDS = 60.0
PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to tell, read and ask (addresses joined by commas), by which tokens, and where to write it down."""

    seed: int
    tellers: int
    tenant: str
    token: str
    reading_token: str
    telling: str
    log: str
    asking: str
    history: str
    notes: str


class Load:
    """Everything that goes on at the doors."""

    def __init__(self, plan: Plan, stubs: "Stubs") -> None:
        self._plan = plan
        self._stubs = stubs
        self._history = Writer(Path(plan.history))
        self._notes = Notes(Path(plan.notes))
        self._stories = [Storyteller(_chance(plan.seed, f"story {number}")) for number in range(plan.tellers)]
        self._notes_of_all = Storyteller(_chance(plan.seed, "notes"))
        self._desk = Desk(stubs.telling, self._history)
        self._services = ServicesReader(Feed("grpc://", stubs.log), self._notes)
        self._tenant = TenantReader(stubs.reading, self._notes)
        self._ending = False
        self._mark = 0

    async def run(self, commands: "asyncio.Queue[Mapping[str, Any]]") -> None:
        """Go on until told to finish."""
        own = [*(self._teller(number) for number in range(self._plan.tellers)), self._prober()]
        beside = [self._services.follow(), self._tenant.follow(), self._asker(), self._current_asker()]
        tellers = [asyncio.create_task(each) for each in own]
        others = [asyncio.create_task(each) for each in beside]
        serving = asyncio.create_task(self._serve(commands))
        try:
            await _first_failure(serving, *tellers, *others)
            self._ending = True
            await asyncio.gather(*tellers)
            _say(finished=await self._read_on(), acknowledged=self._desk.acknowledged)
        finally:
            for task in (*tellers, *others, serving):
                task.cancel()
            await asyncio.gather(*tellers, *others, serving, return_exceptions=True)
            self._history.close()
            self._notes.close()

    async def _serve(self, commands: "asyncio.Queue[Mapping[str, Any]]") -> None:
        doing: Mapping[str, Callable[..., Awaitable[object]]] = {
            "hold": self._desk.hold,
            "mark": self._take_mark,
            "tell_again": self._tell_again,
            "resume": self._resume,
            "wrong": self._tell_wrong,
            "burst": self._burst,
            "poison": self._poison,
        }
        while (command := dict(await commands.get())).get("do") != "finish":
            await doing[command.pop("do")](**command)
            _say(done=True)

    async def _teller(self, number: int) -> None:
        name, story = f"teller {number}", self._stories[number]
        while not self._ending:
            for call in story.contact():
                contact = call[0].contact.contact_id
                extra = story.foreign(contact)
                await self._desk.tell(name, contact, [*call, extra] if extra else call)
                await asyncio.sleep(TELL_PAUSE_SECONDS)

    async def _prober(self) -> None:
        while not self._ending:
            note = self._notes_of_all.note()
            await self._desk.tell("prober", note.contact.contact_id, [note])
            await asyncio.sleep(PROBE_PAUSE_SECONDS)

    async def _asker(self) -> None:
        async def ask() -> bool:
            await self._stubs.asking.GetFactsStatus(metrics_pb.GetFactsStatusRequest(), timeout=ASK_SECONDS)
            return True

        while True:
            await self._desk.once(ASK, 0, ask)
            await asyncio.sleep(PROBE_PAUSE_SECONDS)

    async def _current_asker(self) -> None:
        while True:
            await self._desk.once(CURRENT, 0, self._current)
            await asyncio.sleep(PROBE_PAUSE_SECONDS)

    async def _current(self) -> bool:
        """Whether the facts come to what the log holds now, in its present incarnation."""
        try:
            async with asyncio.timeout(ASK_SECONDS):
                head = await self._stubs.log.head()
        except (Unavailable, TimeoutError):
            return False
        request = metrics_pb.GetFactsStatusRequest(wait_for_position=head.position)
        answer = await self._stubs.asking.GetFactsStatus(request, timeout=CURRENT_SECONDS)
        place = answer.as_of.logs.get(head.log_id)
        return place is not None and place.incarnation == head.incarnation and place.position >= head.position

    async def _take_mark(self) -> None:
        self._mark = self._desk.mark()

    async def _tell_again(self, times: int, most: int, *, since_mark: bool) -> None:
        await self._desk.tell_again(self._mark if since_mark else 0, times, most)

    async def _resume(self) -> None:
        self._desk.gate.set()

    async def _tell_wrong(self, step_us: int, muddled: float) -> None:
        """Let the sources' clock be wrong from here on, and their events come in a muddle."""
        for story in self._stories:
            story.step_us, story.muddled = step_us, muddled

    async def _burst(self, events: int) -> None:
        for _ in range(0, events, BURST_CALL_EVENTS):
            notes = [self._notes_of_all.note() for _ in range(BURST_CALL_EVENTS)]
            for note in notes:
                note.contact.contact_id = notes[0].contact.contact_id
            await self._desk.tell("burst", notes[0].contact.contact_id, notes)

    async def _poison(self) -> None:
        """Append an event that is no message of its type, and one of a type that is not known yet."""
        for kind, payload in (("Enqueued", b"\xff\xff\xff\xff no message"), ("TypeOfTomorrow", b"whatever")):
            note = self._notes_of_all.note()
            event_id, contact = note.event_id, note.contact.contact_id
            event = NewEvent(UUID(event_id), kind, NOON_US, payload, b"mac", "broken")
            append = Append(self._plan.tenant, [StreamAppend(Stream("contact", UUID(contact)), [event])])
            await self._desk.until_answered("poisoner", contact, [event_id], self._appending(append))

    def _appending(self, append: Append) -> Callable[[], Awaitable[tuple[str, ...]]]:
        async def send() -> tuple[str, ...]:
            await self._stubs.log.append(append)
            return ()

        return send

    async def _read_on(self) -> bool:
        """Wait until both readers have seen the end of the log; whether they have in time."""
        until = time.monotonic() + READ_ON_SECONDS
        while time.monotonic() < until:
            try:
                head = (await self._stubs.log.head()).position
            except Unavailable:
                head = sys.maxsize
            if min(self._services.place.position, self._tenant.position) >= head:
                return True
            await asyncio.sleep(PAUSE_SECONDS)
        return False


class Stubs:
    """The doors, open."""

    def __init__(self, plan: Plan, channels: AsyncExitStack) -> None:
        self._channels = channels
        service = call_events_service_pb2.DESCRIPTOR.services_by_name["CallEventsService"]
        self.telling = CallEventsServiceStub(self._open(plan.telling, plan.token, service))
        self.reading = CallEventsServiceStub(self._open(plan.telling, plan.reading_token, service))
        self.asking = MetricsServiceStub(self._open(plan.asking, plan.reading_token))
        self.log = GrpcLog(self._open(plan.log, plan.reading_token))

    def _open(self, addresses: str, token: str, *services: Any) -> grpc.aio.Channel:
        channel = client.connect(addresses, token=token, services=services)
        self._channels.push_async_callback(channel.close, None)
        return channel


async def run(plan: Plan) -> None:
    """Load the system until told to finish."""
    loop = asyncio.get_running_loop()
    commands: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def listen() -> None:
        while text := await reader.readline():
            commands.put_nowait(json.loads(text))
        commands.put_nowait({"do": "finish"})

    listening = asyncio.create_task(listen())
    async with AsyncExitStack() as channels:
        await Load(plan, Stubs(plan, channels)).run(commands)
    listening.cancel()


async def _first_failure(wanted: "asyncio.Task[None]", *others: "asyncio.Task[None]") -> None:
    """Wait for a task; raise what any other raises before."""
    done, _ = await asyncio.wait([wanted, *others], return_when=asyncio.FIRST_COMPLETED)
    for task in done:
        await task
    assert wanted in done, "a task of the load ended by itself"


def _say(**said: object) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _chance(seed: int, name: str) -> Random:
    return Random(f"{seed} {name}")  # noqa: S311  # chance that can be repeated, no secret


if __name__ == "__main__":
    asyncio.run(run(Plan(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
