"""Waits, with an end, until facts have followed the log, so that a report right after an import is whole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc

from holdfast.log.v1.event_pb2 import Cursor
from holdfast.log.v1.log_service_pb2 import GetHeadRequest
from holdfast.log.v1.log_service_pb2_grpc import LogServiceStub
from holdfast.metrics.v1.metrics_service_pb2 import GetFactsStatusRequest, GetFactsStatusResponse
from holdfast.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from holdfast_cli import output, system
from holdfast_cli.home import Running

if TYPE_CHECKING:  # the name exists in the types alone
    from holdfast.metrics.v1.metrics_service_pb2_grpc import MetricsServiceAsyncStub

STEP_SECONDS = 2.0
"""How long one question waits; between two it is said how far facts are."""
PAUSE_SECONDS = 0.05
SETTLE_SECONDS = 5.0
"""How long a report waits for facts."""
STALLED_SECONDS = 60.0
"""How long facts may make no step before waiting for them ends."""
SILENT_SECONDS = 10.0
"""The same, where they say that they do not follow: a busy log may not have been heard of for a moment."""


@dataclass(frozen=True, slots=True)
class Followed:
    """How far facts are: the position they have reached, events still to come, and whether they follow at all."""

    position: int
    behind: int
    parked: int
    following: bool


async def head(running: Running) -> Cursor:
    """Return the end of call-events' log."""
    async with system.log(running) as channel:
        answer = await LogServiceStub(channel).GetHead(GetHeadRequest())
    return answer.head


async def followed(running: Running, until: Cursor, on_step: Callable[[Followed], None] | None = None) -> Followed:
    """Wait until facts have reached a position; return earlier if they do not follow, or stand still for too long."""
    async with system.metrics(running) as channel:
        stub = MetricsServiceStub(channel)
        seen, moved = await _ask(stub, until), time.monotonic()
        while seen.behind and time.monotonic() - moved < (STALLED_SECONDS if seen.following else SILENT_SECONDS):
            if on_step:
                on_step(seen)
            await asyncio.sleep(PAUSE_SECONDS)
            now = await _ask(stub, until)
            if now.position > seen.position:
                moved = time.monotonic()
            seen = now
    return seen


def settle(running: Running) -> None:
    """Wait a few seconds for facts to reach the log's head, and remark on stderr if they have not.

    Where the log or the facts' status cannot be asked, nothing is waited for: the report says how current it is.
    """
    if not (running.addresses.call_events_log and running.addresses.metrics_grpc):
        return
    behind = system.run(_settle(running))
    if behind:
        output.note(f"The facts are {output.counted(behind, 'event')} behind the log; ask again in a moment.", "yellow")


async def _settle(running: Running) -> int:
    until, deadline = await head(running), time.monotonic() + SETTLE_SECONDS
    async with system.metrics(running) as channel:
        stub = MetricsServiceStub(channel)
        seen = await _ask(stub, until)
        while seen.behind and time.monotonic() < deadline:
            await asyncio.sleep(PAUSE_SECONDS)
            seen = await _ask(stub, until)
    return seen.behind


async def _ask(stub: MetricsServiceAsyncStub, until: Cursor) -> Followed:
    """Ask how far facts are, once they have reached a position or a moment has passed."""
    try:
        answer = await stub.GetFactsStatus(
            GetFactsStatusRequest(wait_for_position=until.position), timeout=STEP_SECONDS
        )
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED:
            raise
        answer = await stub.GetFactsStatus(GetFactsStatusRequest())
    return _followed(answer, until)


def _followed(answer: GetFactsStatusResponse, until: Cursor) -> Followed:
    position = reached(answer, until.log_id)
    return Followed(position, max(0, until.position - position), answer.as_of.parked, answer.following)


def reached(answer: GetFactsStatusResponse, log_id: str) -> int:
    """Return how far facts are in a log; of one they have not begun to follow 0."""
    return int(answer.as_of.logs[log_id].position) if log_id in answer.as_of.logs else 0
