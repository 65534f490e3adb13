"""Where the load tells from: each operation is told again until it is answered, and all of it stands in the history."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from grpc.aio import AioRpcError

from event_log.errors import Unavailable
from fault_suite.history import TELL, Attempt, Operation, Outcome, Writer
from fault_suite.telling import SOURCE
from holdfast.call_events.v1 import call_events_service_pb2 as pb
from holdfast.call_events.v1.contact_event_pb2 import ContactEvent

ATTEMPT_SECONDS = 3.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 0.5
TELLERS_OF_OLD = 8
"""How many tell again at the same time."""
Send = Callable[[], Awaitable[Sequence[str]]]
"""Makes one attempt, and returns the ids of events that were refused."""

_AWAY = (AioRpcError, Unavailable)


class Desk:
    """Tells by one stub. `gate` is shut while tellers are to hold still."""

    def __init__(self, stub: Any, history: Writer) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.acknowledged = 0
        self._stub = stub
        self._history = history
        self._told: list[tuple[Operation, Send]] = []
        self._under_way = 0
        self._next = 0

    async def tell(self, client: str, contact: str, events: Sequence[ContactEvent]) -> None:
        """Tell events until they are answered."""
        await self.until_answered(client, contact, [event.event_id for event in events], self._sending(events))

    async def until_answered(self, client: str, contact: str, ids: Sequence[str], send: Send) -> None:
        """Do a new operation until it is answered."""
        self._next += 1
        operation = Operation(self._next, client, time.monotonic(), contact, tuple(ids))
        self._history.began(operation)
        self._told.append((operation, send))
        await self._repeat(operation, send)
        self.acknowledged += len(ids)

    async def hold(self) -> None:
        """Hold still: return once nothing is under way."""
        self.gate.clear()
        while self._under_way:  # noqa: ASYNC110  # looked at now and then
            await asyncio.sleep(FIRST_PAUSE_SECONDS)

    def mark(self) -> int:
        """Return the place in what was told from which on something may not be acknowledged yet."""
        open_ones = (place for place, (operation, _) in enumerate(self._told) if not operation.answered)
        return next(open_ones, len(self._told))

    async def tell_again(self, since: int, times: int, most: int) -> None:
        """Tell the last `most` operations since a place again, each so many times; those of a contact in order."""
        chains: dict[str, list[tuple[Operation, Send]]] = {}
        for operation, send in self._told[since:][-most:]:
            chains.setdefault(operation.contact, []).append((operation, send))
        waiting = list(chains.values())
        await asyncio.gather(*(self._tell_chains(waiting, times) for _ in range(TELLERS_OF_OLD)))

    async def once(self, door: str, number: int, ask: Callable[[], Awaitable[bool]]) -> bool:
        """Make one attempt of something that is no telling; whether it was answered as it should be."""
        began = time.monotonic()
        try:
            outcome, code = (Outcome.OK, "OK") if await ask() else (Outcome.UNKNOWN, "BEHIND")
        except _AWAY as error:
            outcome, code = Outcome.UNKNOWN, _code(error)
        self._history.ended(Attempt(number, door, began, time.monotonic(), outcome, code))
        return outcome is Outcome.OK

    async def _tell_chains(self, waiting: list[list[tuple[Operation, Send]]], times: int) -> None:
        while waiting:
            for operation, send in waiting.pop():
                for _ in range(times):
                    await self._repeat(operation, send, patient=False)

    async def _repeat(self, operation: Operation, send: Send, *, patient: bool = True) -> None:
        """Make attempts until one is answered; the impatient do not wait for the gate."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            if patient:
                await self.gate.wait()
            self._under_way += 1
            try:
                if await self._attempt(operation, send):
                    return
            finally:
                self._under_way -= 1
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _attempt(self, operation: Operation, send: Send) -> bool:
        began, refused = time.monotonic(), tuple[str, ...]()
        try:
            refused, outcome, code = tuple(await send()), Outcome.OK, "OK"
        except _AWAY as error:
            outcome, code = Outcome.UNKNOWN, _code(error)
        self._history.ended(Attempt(operation.number, TELL, began, time.monotonic(), outcome, code, refused))
        operation.answered |= outcome is Outcome.OK
        return outcome is Outcome.OK

    def _sending(self, events: Sequence[ContactEvent]) -> Send:
        request = pb.RecordContactEventsRequest(events=events)
        ours = {event.event_id for event in events if event.source_id == SOURCE}

        async def send() -> Sequence[str]:
            answer = await self._stub.RecordContactEvents(request, timeout=ATTEMPT_SECONDS)
            refused = [verdict.event_id for verdict in answer.verdicts if verdict.HasField("refused")]
            assert ours.isdisjoint(refused), answer.verdicts
            return refused

        return send


def _code(error: AioRpcError | Unavailable) -> str:
    return error.code().name if isinstance(error, AioRpcError) else type(error).__name__
