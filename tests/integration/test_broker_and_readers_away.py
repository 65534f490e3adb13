"""A broker that is killed or frozen, and a reader that is: what is told goes on being recorded, and nothing is lost.

The relay's lag shows it meanwhile, and comes to rest once the broker or the reader is back.
"""

import asyncio
import os
import random
import secrets
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from google.protobuf.json_format import ParseDict
from grpc import StatusCode
from grpc.aio import AioRpcError

import system_parts
import whole_log
from admin_doors import figures, readiness
from event_log.kafka.local_broker import LocalBroker
from fact_digests import digests
from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceStub
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent
from holdfast_testing import eventually, eventually_blocking
from kafka_testing import reading
from public_doors import Doors, Teller, caught_up
from service_host import client
from system_parts import WITHIN, Part, Parts

pytestmark = pytest.mark.timeout(600)

DEADLINE_SECONDS = 20.0
"""Of each call: one that takes longer is a failure."""
CALLERS = 4
CALLS = 80
"""Answered while something is away: all of them wait for the topic."""
EVENTS_A_CALL = 6
PAUSE_SECONDS = 0.02
PARTITIONS = 6
BEHIND = "holdfast_call_events_relay_behind"


@dataclass
class Scene:
    """A system whose log a relay carries into a broker of its own; `reader` is a metrics that follows the topic."""

    parts: Parts
    broker: LocalBroker
    topic: str
    relay_admin: str
    reader: Part
    facts: str

    @property
    def doors(self) -> Doors:
        """The doors of the system."""
        return Doors(self.parts.addresses, self.parts.issuer())

    def head(self) -> int:
        """Return the last position of the log."""
        return whole_log.head(self.parts.addresses.call_events_log, self.parts.token())

    def behind(self) -> float:
        """Return by how many events the relay says that the topic is behind."""
        return figures(self.relay_admin)[BEHIND]

    def ready(self) -> bool:
        """Return whether call-events says that it wants calls."""
        return all(readiness(self.parts.addresses.call_events_admin).values())

    def in_topic(self, position: int) -> list[int]:
        """Wait until the topic is whole up to a position; return the positions that stand in it, each once."""
        with reading(self.broker.bootstrap, self.topic, range(PARTITIONS)) as reader:
            eventually_blocking(lambda: reader.complete_to() >= position, within=WITHIN)
            return [event.position for event in reader.events()]


@pytest.fixture(scope="module")
def scene(folder: Path) -> Iterator[Scene]:
    with LocalBroker(folder / "kafka") as broker, system_parts.started(folder / "parts") as parts:
        topic = f"call-events-{secrets.token_hex(4)}"
        relay = parts.relay(broker.bootstrap, topic, PARTITIONS=str(PARTITIONS))
        admin = relay.start()["admin"]
        facts = parts.database("facts_of_the_topic")
        feed = f"kafka://{broker.bootstrap}/{topic}?log={parts.addresses.call_events_log}"
        reader = parts.another("metrics", DATABASE_URL=facts, FEED=feed)
        reader.migrate()
        reader.start()
        yield Scene(parts, broker, topic, admin, reader, facts)


class Telling:
    """Callers who tell contacts as long as the context lasts, in a thread of their own; nothing is tried again."""

    def __init__(self, doors: Doors, chance: random.Random) -> None:
        self._address, self._token = doors.addresses.call_events_grpc, doors.token()
        self._teller = Teller(chance)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="telling")
        self.calls = 0
        self.acknowledged: list[str] = []
        self.failed: list[tuple[StatusCode, str | None]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def more(self) -> None:
        """Wait until so many calls more are over."""
        until = self.calls + CALLS
        eventually_blocking(lambda: self.calls >= until or self.failed, within=WITHIN)
        assert self.failed == []

    async def _run(self) -> None:
        async with client.connect(self._address, token=self._token) as channel:
            stub = CallEventsServiceStub(channel)
            await asyncio.gather(*(self._caller(stub) for _ in range(CALLERS)))

    async def _caller(self, stub: Any) -> None:
        while not self._ended.is_set():
            told = self._teller.answered("sales", "anna", wait=3, talk=30)
            request = pb.RecordContactEventsRequest(events=[ParseDict(event, ContactEvent()) for event in told])
            try:
                answer = await stub.RecordContactEvents(request, timeout=DEADLINE_SECONDS)
            except AioRpcError as error:
                self.failed.append((error.code(), error.details()))
            else:
                self.acknowledged += [verdict.event_id for verdict in answer.verdicts if verdict.HasField("recorded")]
            self.calls += 1
            await asyncio.sleep(PAUSE_SECONDS)


@contextmanager
def killed(broker: LocalBroker) -> Iterator[None]:
    """Kill the broker; start it again at the end."""
    broker.kill()
    yield
    broker.start()


@contextmanager
def frozen(broker: LocalBroker) -> Iterator[None]:
    """Freeze the broker: its connections stay, and nothing is answered."""
    broker.freeze()
    try:
        yield
    finally:
        broker.thaw()


@pytest.mark.parametrize("away", [killed, frozen])
def test_while_the_broker_is_away_everything_told_is_recorded_and_afterwards_carried(
    scene: Scene, chance: random.Random, away: Callable[[LocalBroker], AbstractContextManager[None]]
) -> None:
    with Telling(scene.doors, chance) as telling:
        telling.more()
        with away(scene.broker):
            telling.more()
            eventually_blocking(lambda: scene.behind() >= CALLS * EVENTS_A_CALL, within=WITHIN)
            eventually_blocking(scene.ready, within=WITHIN)
        telling.more()
    nothing_is_lost(scene, telling)


def test_a_reader_that_is_frozen_delays_nobody_and_catches_up(scene: Scene, chance: random.Random) -> None:
    os.kill(scene.reader.pid, signal.SIGSTOP)
    try:
        with Telling(scene.doors, chance) as telling:
            telling.more()
            eventually_blocking(scene.ready, within=WITHIN)
        scene.in_topic(scene.head())
    finally:
        os.kill(scene.reader.pid, signal.SIGCONT)
    nothing_is_lost(scene, telling)


def nothing_is_lost(scene: Scene, telling: Telling) -> None:
    """Assert that every call was acknowledged whole, and that log, topic and facts have all of it."""
    assert telling.failed == []
    assert len(telling.acknowledged) == telling.calls * EVENTS_A_CALL
    log = whole_log.read(scene.parts.addresses.call_events_log, scene.parts.token())
    whole_log.assert_whole(log)
    held = {key.hex() for key in log["event_id"].to_pylist()}
    assert {event.replace("-", "") for event in telling.acknowledged} <= held, "acknowledged and lost"
    assert scene.in_topic(log.num_rows) == log["position"].to_pylist()
    eventually_blocking(lambda: scene.behind() == 0, within=WITHIN)
    caught_up(scene.doors)
    expected = digests(scene.parts.url)

    async def equal() -> bool:
        assert await asyncio.to_thread(digests, scene.facts) == expected
        return True

    asyncio.run(eventually(equal, within=WITHIN))
