"""Tells a source's events to call-events: in batches, again until they were taken, and as unreliably as is wanted.

An event has its id and its count before it may get lost: what is told twice is the same event.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol

import grpc

from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1 import call_events_service_pb2_grpc
from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactEvent

logger = logging.getLogger(__name__)

MOST_IN_A_MESSAGE: Final = 200
MOST_WAITING: Final = 50_000
CALL_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 0.2


class Fate(Protocol):
    """What becomes of an event on its way: after how many seconds it is told, once for each."""

    def __call__(self) -> Sequence[float]: ...


def reliable() -> Sequence[float]:
    """Each event is told once, at once."""
    return (0.0,)


class Tells(Protocol):
    """Takes events of contacts."""

    def tell(self, event: ContactEvent) -> None:
        """Take one."""


class Teller:
    """One source's events on their way to call-events."""

    def __init__(self, channel: grpc.aio.Channel, source_id: str, fate: Fate = reliable) -> None:
        """Tell over a channel; `fate` decides about each event of a contact."""
        self._stub = call_events_service_pb2_grpc.CallEventsServiceStub(channel)
        self._source = source_id
        self._fate = fate
        self._waiting: asyncio.Queue[ContactEvent | AgentEvent] = asyncio.Queue(MOST_WAITING)
        self._idle = asyncio.Event()
        self._idle.set()
        self.seq = 0

    def tell(self, event: ContactEvent) -> None:
        """Count an event and let it go its way."""
        self.seq += 1
        event.source_seq = self.seq
        for seconds in self._fate():
            if seconds:
                asyncio.get_running_loop().call_later(seconds, self._put, event)
            else:
                self._put(event)

    def tell_of_source(self, event: AgentEvent) -> None:
        """Tell an event of the source itself or of its agents; these do not get lost."""
        self._put(event)

    async def run(self) -> None:
        """Tell for ever, what waits together in one message."""
        while True:
            first = await self._waiting.get()
            batch = [first, *(self._waiting.get_nowait() for _ in range(self._more()))]
            await self._tell_until_told(batch)
            if self._waiting.empty():
                self._idle.set()

    async def drained(self) -> None:
        """Wait until nothing waits to be told."""
        await self._idle.wait()

    async def _tell_until_told(self, batch: Sequence[ContactEvent | AgentEvent]) -> None:
        while True:
            if await self._told(batch):
                return
            await asyncio.sleep(PAUSE_SECONDS)

    def _more(self) -> int:
        return min(self._waiting.qsize(), MOST_IN_A_MESSAGE - 1)

    def _put(self, event: ContactEvent | AgentEvent) -> None:
        if self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait(event)
        self._idle.clear()

    async def _told(self, batch: Sequence[ContactEvent | AgentEvent]) -> bool:
        contacts = [event for event in batch if isinstance(event, ContactEvent)]
        others = [event for event in batch if isinstance(event, AgentEvent)]
        try:
            if contacts:
                request = pb.RecordContactEventsRequest(events=contacts)
                await self._stub.RecordContactEvents(request, timeout=CALL_SECONDS)
            if others:
                await self._stub.RecordAgentEvents(pb.RecordAgentEventsRequest(events=others), timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as trouble:
            logger.info("call-events did not take events: %s", trouble.code().name)
            return False
        return True
