"""StreamContactEvents: a long run of events from one source, one batch after the other.

Batches become durable in the order they were told, never two at a time: the last source_seq held then says that all
before it is held too, and a teller that lost its line knows where to go on. While a batch is written the next ones wait
in the connection's own window; a teller that sends beyond its credit waits there, and costs us nothing.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Final, TypeAlias

from call_events.record.recorder import MOST_EVENTS, Recorder
from holdfast.call_events.v1 import call_events_service_pb2 as pb
from service_host.call import Caller
from service_host.errors import InvalidArgument

CREDIT_EVENTS: Final = 4 * MOST_EVENTS
Requests: TypeAlias = AsyncIterator[pb.StreamContactEventsRequest]
LastSeq: TypeAlias = Callable[[str], Awaitable[int | None]]


class EventStream:
    """One teller's stream."""

    def __init__(self, recorder: Recorder, caller: Caller, last_seq: LastSeq, cursor: Callable[[int], str]) -> None:
        self._recorder = recorder
        self._caller = caller
        self._last_seq = last_seq
        self._cursor = cursor
        self._held: int | None = None

    async def answers(self, requests: Requests) -> AsyncIterator[pb.StreamContactEventsResponse]:
        """A welcome, then an acknowledgement for each batch, in order."""
        source = await self._hello(requests)
        self._held = await self._last_seq(source)
        welcome = pb.StreamWelcome(last_source_seq=self._held, credit_events=CREDIT_EVENTS)
        yield pb.StreamContactEventsResponse(welcome=welcome)
        async for request in requests:
            if request.WhichOneof("message") != "batch":
                raise InvalidArgument("HELLO_ONCE", "After its hello a stream holds batches only.")
            yield pb.StreamContactEventsResponse(acknowledgement=await self._record(source, request.batch))

    async def _hello(self, requests: Requests) -> str:
        async for request in requests:
            if request.WhichOneof("message") != "hello" or not request.hello.source_id:
                break
            self._caller.require_source(request.hello.source_id)
            return request.hello.source_id
        raise InvalidArgument("HELLO_FIRST", "Begin with a hello that names the source.")

    async def _record(self, source: str, batch: pb.StreamBatch) -> pb.StreamAcknowledgement:
        verdicts = pb.RecordContactEventsResponse().verdicts
        recorded = await self._recorder.batch(self._caller, source, batch, verdicts)
        refused = [verdict for verdict in verdicts if verdict.HasField("refused")]
        self._count(batch, verdicts)
        return pb.StreamAcknowledgement(
            batch_number=batch.batch_number,
            recorded=recorded.events,
            refused=refused,
            cursor=self._cursor(recorded.position),
            last_source_seq=self._held,
        )

    def _count(self, batch: pb.StreamBatch, verdicts: Iterable[pb.EventVerdict]) -> None:
        for event, verdict in zip(batch.events, verdicts, strict=True):
            if verdict.HasField("recorded") and event.HasField("source_seq"):
                self._held = max(event.source_seq, self._held if self._held is not None else event.source_seq)
