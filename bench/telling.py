"""Contacts told at a steady rate to a service, by a process of its own, each call waiting for no other.

Usage: python -m bench.telling ADDRESS EVENTS_A_SECOND   (the token stands in HOLDFAST_BENCH_TOKEN; tells until SIGTERM,
then gives as JSON how many events were acknowledged, in how many seconds, the longest call, and how calls failed)
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

import uvloop
from grpc.aio import AioRpcError

from bench.record import RECORD, contact
from holdfast.call_events.v1.call_events_service_pb2 import RecordContactEventsRequest
from service_host import client

TOKEN = "HOLDFAST_BENCH_TOKEN"  # noqa: S105  # its name
EVENTS_A_CALL = 10
SEED = 1999
END_SECONDS = 60


@dataclass
class Summary:
    """What became of what was told."""

    acknowledged: int = 0
    seconds: float = 0.0
    longest_seconds: float = 0.0
    failed: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        failed = ", ".join(f"{number} {code}" for code, number in self.failed.items()) or "none failed"
        rate = self.acknowledged / self.seconds if self.seconds else 0.0
        return f"{self.acknowledged} events at {rate:.0f}/s, longest call {self.longest_seconds:.2f} s, {failed}"


class Teller:
    """The process, told to end by `end`."""

    def __init__(self, address: str, token: str, rate: int) -> None:
        command = [sys.executable, "-m", "bench.telling", address, str(rate)]
        self._process = subprocess.Popen(  # noqa: S603  # ourselves
            command, env=os.environ | {TOKEN: token}, stdout=subprocess.PIPE
        )
        self.summary = Summary()

    def end(self) -> None:
        """Have it tell no more, and read what it says."""
        self._process.send_signal(signal.SIGTERM)
        said, _ = self._process.communicate(timeout=END_SECONDS)
        self.summary = Summary(**json.loads(said))


@contextmanager
def telling(address: str, token: str, rate: int) -> Iterator[Teller]:
    """Tell for as long as the context lasts."""
    teller = Teller(address, token, rate)
    try:
        yield teller
    finally:
        teller.end()


async def tell(address: str, token: str, rate: int) -> Summary:
    """Tell until SIGTERM."""
    ended, summary, failed = asyncio.Event(), Summary(), Counter[str]()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    dice, began = random.Random(SEED), time.perf_counter()  # noqa: S311  # data, not secrets
    async with client.connect(address, token=token) as channel, asyncio.TaskGroup() as calls:
        call = channel.unary_unary(RECORD)

        async def one(message: bytes) -> None:
            sent = time.perf_counter()
            try:
                await call(message)
                summary.acknowledged += EVENTS_A_CALL
            except AioRpcError as error:
                failed[error.code().name] += 1
            summary.longest_seconds = max(summary.longest_seconds, time.perf_counter() - sent)

        number = 0
        while not ended.is_set():
            await asyncio.sleep(max(0.0, began + number * EVENTS_A_CALL / rate - time.perf_counter()))
            request = RecordContactEventsRequest(events=contact(dice, number))
            calls.create_task(one(request.SerializeToString()))
            number += 1
    summary.seconds, summary.failed = time.perf_counter() - began, dict(failed)
    return summary


def main() -> None:
    """Tell what the arguments say."""
    address, rate = sys.argv[1], int(sys.argv[2])
    print(json.dumps(asdict(uvloop.run(tell(address, os.environ[TOKEN], rate)))))


if __name__ == "__main__":
    main()
