"""Records events at a running call-events: one request, tried until it is acknowledged or patience ends.

Trying again is harmless, because an event's id stays what it was; what had been recorded is answered as a duplicate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import grpc
from grpc.aio import AioRpcError

from holdfast.call_events.v1.call_events_service_pb2 import (
    EventVerdict,
    RecordAgentEventsRequest,
    RecordContactEventsRequest,
)
from holdfast.call_events.v1.contact_event_pb2 import AgentEvent, ContactEvent
from holdfast_cli.importing.errors import TellingFailed, TellingRefused
from service_host.client import refusal

if TYPE_CHECKING:  # the name exists in the types alone
    from holdfast.call_events.v1.call_events_service_pb2_grpc import CallEventsServiceAsyncStub

PASSING: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.ABORTED,
    }
)
"""Answers that may be another one a little later."""

_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 2.0
_MOST_EVENTS: Final = 500

_Answer = TypeVar("_Answer")
_Event = TypeVar("_Event")


class Recorder:
    """Records lists of events. Each request has a deadline; its repetitions end after `patience_seconds`."""

    def __init__(self, stub: CallEventsServiceAsyncStub, *, deadline_seconds: float, patience_seconds: float) -> None:
        """Begin; nothing is opened here."""
        self._stub = stub
        self._deadline_seconds = deadline_seconds
        self._patience_seconds = patience_seconds

    async def contact_events(self, events: Sequence[ContactEvent]) -> list[EventVerdict]:
        """Record contacts' events and return a verdict for each; raise TellingRefused or TellingFailed."""
        verdicts: list[EventVerdict] = []
        for part in _parts(events):
            call = partial(self._stub.RecordContactEvents, RecordContactEventsRequest(events=part))
            verdicts += (await self._until_answered(call)).verdicts
        return verdicts

    async def agent_events(self, events: Sequence[AgentEvent]) -> list[EventVerdict]:
        """Record agents' and sources' events likewise."""
        verdicts: list[EventVerdict] = []
        for part in _parts(events):
            call = partial(self._stub.RecordAgentEvents, RecordAgentEventsRequest(events=part))
            verdicts += (await self._until_answered(call)).verdicts
        return verdicts

    async def _until_answered(self, call: Callable[..., Awaitable[_Answer]]) -> _Answer:
        until = asyncio.get_running_loop().time() + self._patience_seconds
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return await call(timeout=self._deadline_seconds)
            except AioRpcError as error:
                pause = await self._pause(error, pause, until)

    async def _pause(self, error: AioRpcError, pause: float, until: float) -> float:
        """Wait before the next try and return the pause after that; raise if there is no use in trying."""
        refused = refusal(error)
        if error.code() not in PASSING:
            raise TellingRefused(
                f"call-events refuses: {error.details()} ({refused.reason}). "
                "Use a token that may write events for this source."
            ) from None
        told = refused.retry_after.total_seconds() if refused.retry_after else 0.0
        wait = min(max(pause, told), _LONGEST_PAUSE_SECONDS)
        if asyncio.get_running_loop().time() + wait > until:
            raise TellingFailed(
                f"call-events has not answered for {self._patience_seconds:g} s ({error.code().name}). "
                "Start it, then start the import again: it goes on where it was."
            ) from None
        await asyncio.sleep(wait)
        return min(pause * 2, _LONGEST_PAUSE_SECONDS)


def _parts(events: Sequence[_Event]) -> list[Sequence[_Event]]:
    return [events[start : start + _MOST_EVENTS] for start in range(0, len(events), _MOST_EVENTS)]
