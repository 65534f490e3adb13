"""The relay of call-events as a process: settings, lag, what is told of it. How it relays: `event_log.kafka.relay`.

Any number may run. Those of one share stand by for each other; shares divide the topic's partitions among several.
"""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from call_events import telemetry
from event_log.connections import Connections
from event_log.errors import EventLogError, IncarnationChanged, Unavailable
from event_log.kafka.checkpoints import PostgresCheckpoints
from event_log.kafka.errors import TopicDisagrees
from event_log.kafka.producing import TopicSession, open_topic
from event_log.kafka.record import PARTITIONS
from event_log.kafka.relay import Checkpoints, LeaseLost, Relay
from event_log.kafka.shares import Share
from event_log.kafka.source import LogSource
from event_log.kafka.topic import TopicSettings, ensure_topic
from event_log.kafka.window import Checkpoint, Window
from event_log.log import Log
from event_log.memory import clock_us
from event_log.postgres import open_log
from service_host import process
from service_host.settings import HostSettings, Identifier, Length, WrongSettings, address_with

NAME: Final = "call-events-relay"
LOOK_SECONDS: Final = 1.0
"""How often the lag is measured."""


def _a_share(text: str) -> str:
    Share.parse(text)
    return text


def _of_security(words: Mapping[str, str | bool]) -> Mapping[str, str | bool]:
    if strange := [name for name in words if not name.startswith(("security_", "ssl_", "sasl_"))]:
        raise ValueError(f"{strange[0]} does not begin with security_, ssl_ or sasl_")
    return words


class Settings(HostSettings, env_prefix="HOLDFAST_RELAY_"):
    """Names in the environment: ``HOLDFAST_RELAY_<FIELD>``.

    ``bootstrap`` is the broker's host:port. The topic is made with ``partitions``, ``replication`` and ``retention``,
    and refused if it exists with others. ``share`` n/k has this relay fill every k-th partition from the n-th on.
    ``client`` says how to reach a broker that asks for encryption or a name: settings of the client library whose
    names begin with security_, ssl_ or sasl_.
    """

    bootstrap: str = Field(min_length=3)
    topic: str = Field("call-events", pattern=r"^[a-z][a-z0-9._-]{0,99}$")
    partitions: int = Field(PARTITIONS, ge=1, le=1024)
    replication: int = Field(1, ge=1, le=9)
    retention: Length = timedelta(days=7)
    share: Annotated[str, AfterValidator(_a_share)] = "1/1"
    client: Annotated[Mapping[str, str | bool], AfterValidator(_of_security)] = Field({}, repr=False)
    db_schema: Identifier = "call_events"
    role: Identifier = "call_events"

    @property
    def addresses(self) -> tuple[str, ...]:
        """The one door it has."""
        return () if self.admin_address is None else (self.admin_address,)

    @property
    def session_url(self) -> str:
        """The database's address, for sessions of the role."""
        return address_with(self.database_url, role=self.role, search_path=self.db_schema)

    @property
    def checkpoint_url(self) -> str:
        """The same for checkpoints: a move that a crash of the server takes back costs duplicates, and nothing else."""
        return address_with(self.session_url, synchronous_commit="off")

    @property
    def wanted(self) -> TopicSettings:
        """The topic as it has to be."""
        return TopicSettings(self.topic, self.partitions, self.replication, self.retention)


class Told:
    """See event_log.kafka.relay.Watch: counts, traces and logs."""

    def __init__(self) -> None:
        self.epoch = 0
        self.at: Checkpoint | None = None
        self.topic_known = False
        self._well = True

    async def well(self) -> bool:
        """Whether nothing is in the way: it relays, or stands by."""
        return self._well

    def took(self, epoch: int) -> None:
        """See Watch."""
        self.epoch = epoch
        telemetry.RELAY_TOOK.info(epoch=epoch)

    def lost(self) -> None:
        """See Watch."""
        self.epoch, self.at = 0, None
        telemetry.RELAY_LOST.warning()

    @contextmanager
    def sending(self, window: Window) -> Iterator[None]:
        """See Watch."""
        begun = time.perf_counter()
        links = (event.traceparent for event in window.events)
        with telemetry.RELAY_WINDOW.start(links=links, events=len(window.events)):
            yield
        telemetry.RELAYED.add(len(window.events))
        telemetry.RELAY_SECONDS.record(time.perf_counter() - begun)

    def stands(self, at: Checkpoint, window: Window) -> None:
        """See Watch."""
        del window
        self.at, self.topic_known, self._well = at, True, True

    def interrupted(self, trouble: EventLogError) -> None:
        """See Watch."""
        self._well = self.topic_known = False
        kind = type(trouble).__name__
        telemetry.RELAY_INTERRUPTIONS.add(1, kind)
        telemetry.RELAY_INTERRUPTED.warning(error_class=kind, reason=str(trouble))


async def open_service(settings: Settings, service: process.Service) -> None:
    """Open what the relay needs and run it."""
    told = Told()
    with suppress(Unavailable):  # a broker that is away is waited for
        try:
            await asyncio.to_thread(ensure_topic, settings.bootstrap, settings.wanted, settings.client)
            told.topic_known = True
        except TopicDisagrees as refused:
            raise WrongSettings([str(refused)]) from None
    log = await service.enter(open_log(settings.session_url, settings.db_schema))
    connections = await service.enter(_connections(settings))
    share = Share.parse(settings.share)
    source = await service.enter(LogSource(log, share.partitions(settings.partitions), settings.partitions))
    holder = f"{socket.gethostname()} {os.getpid()}"
    checkpoints = PostgresCheckpoints(connections, settings.topic, share, settings.partitions, holder)
    relay = Relay(source, lambda: _topic(settings, told), checkpoints, told, time.monotonic)
    service.background("relay", relay.run())
    service.background("lag", measure_lag(log, checkpoints, told))
    service.ready_when("topic", told.well)


def _topic(settings: Settings, told: Told) -> AbstractAsyncContextManager[TopicSession]:
    return open_topic(settings.bootstrap, settings.wanted, client=settings.client, known=told.topic_known)


async def measure_lag(log: Log, checkpoints: Checkpoints, told: Told) -> None:
    """Say for ever how far the topic is behind the log, whether or not anything moves; of a standby, that it is not."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if told.epoch:
            with suppress(Unavailable, LeaseLost):
                await tell_lag(log, told.at or await checkpoints.read(told.epoch))
        else:
            _tell(0, 0)


async def tell_lag(log: Log, at: Checkpoint | None) -> None:
    """Say how far behind it is now; nothing while that cannot be known (a log that is away, or was just restored)."""
    with suppress(Unavailable, IncarnationChanged):
        position = at.cursor.position if at else 0
        page = await log.read(position, limit=1)
        waited_us = max(0, clock_us() - page.events[0].record_time_us) if page.events else 0
        _tell(max(0, page.head_position - position), waited_us)


def _tell(events: int, waited_us: int) -> None:
    telemetry.RELAY_BEHIND.set(events)
    telemetry.RELAY_BEHIND_SECONDS.set(waited_us / 1_000_000)


@asynccontextmanager
async def _connections(settings: Settings) -> AsyncIterator[Connections]:
    connections = Connections(settings.checkpoint_url, settings.db_schema, readers=2)
    try:
        yield connections
    finally:
        await connections.close()
