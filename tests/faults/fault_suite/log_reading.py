"""The log read whole by the door for services, and the plain count of what its events say."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from event_log.errors import LogUnavailable
from event_log.grpc_client import GrpcLog
from event_log.kafka.record import partition_of, stream_key
from event_log.model import Cursor, Stream
from fault_suite.checks import Row
from fault_suite.telling import SOURCE
from fault_suite.wiring import PARTITIONS
from holdfast.call_events.v1 import queueing_pb2
from service_host import client

COLUMNS = ("position", "tenant", "version", "category", "key", "event_id", "type", "source_id", "payload")
COUNTED = {queueing_pb2.DEQUEUE_KIND_ANSWERED: "answered", queueing_pb2.DEQUEUE_KIND_ABANDONED: "abandoned"}
READ_SECONDS = 120.0
PAUSE_SECONDS = 0.2


@dataclass(slots=True)
class Reading:
    """Every event's place, and who left which queue how."""

    rows: list[Row] = field(default_factory=list)
    _left: dict[str, dict[str, float]] = field(
        default_factory=lambda: defaultdict(lambda: dict.fromkeys(COUNTED.values(), 0.0))
    )

    def take(self, columns: Mapping[str, list[Any]]) -> None:
        """Add a page."""
        for values in zip(*(columns[name] for name in COLUMNS), strict=True):
            told = dict(zip(COLUMNS, values, strict=True))
            self.rows.append(_row(told))
            if told["source_id"] == SOURCE and told["type"] == "Dequeued":
                dequeued = queueing_pb2.Dequeued.FromString(told["payload"])
                self._left[dequeued.queue][COUNTED[dequeued.kind]] += 1

    def figures(self) -> Mapping[str, Mapping[str, float]]:
        """Return the count, by queue."""
        return self._left


def _row(told: Mapping[str, Any]) -> Row:
    stream = Stream(told["category"], UUID(bytes=told["key"]))
    return Row(
        told["position"],
        f"{stream.category} {stream.key}",
        told["version"],
        str(UUID(bytes=told["event_id"])),
        told["source_id"],
        partition_of(told["tenant"], stream_key(stream), PARTITIONS),
    )


def read_log(address: str, token: str) -> Reading:
    """Read everything up to the head."""
    return asyncio.run(_read(address, token))


async def _read(address: str, token: str) -> Reading:
    """Read on from page to page, as readers do, where a line was cut or the store did not answer."""
    found = Reading()
    at: Cursor | int = 0
    async with asyncio.timeout(READ_SECONDS), client.connect(address, token=token) as channel:
        while True:
            with suppress(LogUnavailable):
                async for page in GrpcLog(channel).read_packed(at, columns=COLUMNS):
                    found.take(page.batch.to_pydict())
                    at = page.complete_to
                return found
            await asyncio.sleep(PAUSE_SECONDS)
