"""How fast a caller gets an agent, and how fast a successor serves: the real service, its public doors, one machine.

Open loop: contacts arrive on a clock of their own at the rate asked for, however slow the answers are; each time is
from the instant it was due to its answer, which carries the plan that rings an agent and leaves only when it is
durable. Agents beat all the while (unless --no-heartbeats) by desktop servers of a hundred agents each, callers wait
in a queue that nobody serves, and each served caller hangs up after a while, told by the feed. The process that stands
by has read what there is before, and the first contacts are not timed. Afterwards the leader
is killed, and a process that stood by and one that has yet to start are timed until they answer.

Usage: python -m bench.routing_service [--agents N …] [--rate R] [--seconds S] [--waiting N] [--queues N]
"""

import argparse
import asyncio
import gc
import itertools
import json
import os
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
import psutil
import uvloop

from event_log.grpc_service import LogServicer
from event_log.memory import MemoryLog, clock_us
from event_log.model import Append, NewEvent, Stream, StreamAppend
from holdfast.call_events.v1 import leg_pb2, source_pb2
from holdfast.ivr_routing.v1 import administration_service_pb2 as administration
from holdfast.ivr_routing.v1 import (
    administration_service_pb2_grpc,
    agent_service_pb2_grpc,
    configuration_pb2,
    phone_system_service_pb2_grpc,
)
from holdfast.ivr_routing.v1 import agent_service_pb2 as agents
from holdfast.ivr_routing.v1 import phone_system_service_pb2 as phone
from holdfast.log.v1.log_service_pb2_grpc import add_LogServiceServicer_to_server
from service_host import client
from service_host.embedded_postgres import EmbeddedPostgres
from service_host.local_issuer import AUDIENCE, ISSUER, LocalIssuer

TENANT, SOURCE, NODE = "bench", "pbx", "n1"
SCOPES = ("routing:phone", "routing:agent", "routing:supervise", "routing:administer", "log:read")
ALONE = "nobody"
LONGEST_TALK_SECONDS, HEARTBEAT_SECONDS, AT_ONCE = 2.0, 15.0, 64
AGENTS_OF_A_SERVER = 100
SETTLING_SECONDS = 5.0
"""So long a process that begins to stand by is given to read what was decided before anything is timed."""
WARMING_SECONDS = 3.0
"""Contacts that arrive so early are served and not timed."""
FLOW = "format: holdfast-flow/1\nflow: f-{0}\nlanguage: en\nstart: q\notherwise: q\nservice_numbers: ['{1}']\n"
FLOW += "nodes:\n  q: {{type: queue, queue: {0}}}\n"


class Routing:
    """One process of routing."""

    def __init__(self, environment: dict[str, str]) -> None:
        command = [sys.executable, "-m", "ivr_routing", "serve"]
        self.began = time.monotonic()
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603  # ours

    def address(self) -> str:
        """Where it serves, once it does."""
        assert self.process.stdout is not None
        return str(json.loads(self.process.stdout.readline())["grpc"])

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        with suppress(ProcessLookupError):
            self.process.send_signal(how)
        self.process.wait(30)


class Bench:
    """The doors of a routing process, and the feed that tells it hang-ups."""

    def __init__(self, channel: grpc.aio.Channel, facts: MemoryLog, options: argparse.Namespace) -> None:
        self.phone = phone_system_service_pb2_grpc.PhoneSystemServiceStub(channel)
        self.agents = agent_service_pb2_grpc.AgentServiceStub(channel)
        self.put = administration_service_pb2_grpc.AdministrationServiceStub(channel)
        self.facts = facts
        self.options = options
        self.failed = self.unserved = self.unheard = 0
        self.talk_seconds = LONGEST_TALK_SECONDS

    async def prepare(self, count: int) -> None:
        """Queues with a number each, agents who are available, callers whom nobody serves."""
        queues = [ALONE, *(f"q{number}" for number in range(self.options.queues))]
        rules = configuration_pb2.QueueRules(auto_accept=True, ageing_ms=10_000)
        await _all(self._open(queue, rules) for queue in queues)
        await _all(self._hire(number) for number in range(count))
        await _all(self.start(number_of(ALONE)) for _ in range(self.options.waiting))

    async def start(self, number: str) -> Any:
        """A caller arrives."""
        request = phone.StartContactRequest(
            source_id=SOURCE, native_id=secrets.token_hex(8), node=NODE, service_number=number
        )
        return await self.phone.StartContact(request, timeout=30)

    async def run(self, count: int) -> list[float]:
        """Let contacts arrive for the time asked for; the times in seconds of those who were given an agent."""
        times: list[float] = []
        self.talk_seconds = min(LONGEST_TALK_SECONDS, count / self.options.rate / 4)
        beating = asyncio.create_task(self._beat(count)) if self.options.heartbeats else None
        loop = asyncio.get_running_loop()
        began, number = loop.time() + 0.5, 0
        under_way = set()
        while (due := began + number / self.options.rate) < began + self.options.seconds:
            await asyncio.sleep(max(0.0, due - loop.time()))
            timed = times if due - began >= WARMING_SECONDS else []
            under_way.add(asyncio.create_task(self._one(f"q{number % self.options.queues}", due, timed)))
            number += 1
        await asyncio.wait(under_way, timeout=60)
        if beating is not None:
            beating.cancel()
        return times

    async def _one(self, queue: str, due: float, times: list[float]) -> None:
        try:
            answer = await self.start(number_of(queue))
        except grpc.aio.AioRpcError:
            self.failed += 1
            return
        took = asyncio.get_running_loop().time() - due
        if not any(step.HasField("ring") for step in answer.instruction.do):
            self.unserved += 1
            return
        times.append(took)
        await asyncio.sleep(self.talk_seconds)
        ended = leg_pb2.LegEnded(leg_id="c", role=leg_pb2.LEG_ROLE_CALLER).SerializeToString()
        event = NewEvent(UUID(bytes=secrets.token_bytes(16)), "LegEnded", clock_us(), ended, b"", SOURCE)
        stream = Stream("contact", UUID(answer.contact_id))
        await self.facts.append(Append(TENANT, [StreamAppend(stream, [event])]))

    async def _open(self, queue: str, rules: configuration_pb2.QueueRules) -> None:
        await self.put.ConfigureQueue(administration.ConfigureQueueRequest(queue=queue, rules=rules), timeout=60)
        document = FLOW.format(queue, number_of(queue))
        await self.put.PublishFlow(administration.PublishFlowRequest(document=document), timeout=60)

    async def _hire(self, number: int) -> None:
        agent = f"a{number}"
        rules = configuration_pb2.AgentRules(queues=[f"q{number % self.options.queues}"])
        await self.put.ConfigureAgent(administration.ConfigureAgentRequest(agent=agent, rules=rules), timeout=60)
        state = source_pb2.AGENT_STATE_AVAILABLE
        await self.agents.SetAgentState(
            agents.SetAgentStateRequest(agent=agent, state=state, endpoint=f"SIP/{agent}"), timeout=60
        )

    async def _beat(self, count: int) -> None:
        """Desktop servers, each of so many agents, in turn, so that every agent beats once a period."""
        loop = asyncio.get_running_loop()
        names = [f"a{number}" for number in range(count)]
        servers = [names[first : first + AGENTS_OF_A_SERVER] for first in range(0, count, AGENTS_OF_A_SERVER)]
        began = loop.time()
        for number in itertools.count():
            await asyncio.sleep(max(0.0, began + number * HEARTBEAT_SECONDS / len(servers) - loop.time()))
            request = agents.HeartbeatAgentsRequest(agents=servers[number % len(servers)])
            try:
                await self.agents.HeartbeatAgents(request, timeout=10)
            except grpc.aio.AioRpcError:
                self.unheard += len(request.agents)


async def _all(works: Iterable[Coroutine[Any, Any, Any]]) -> None:
    """Do them all, so many at once; a coroutine begins when it is awaited."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(work: Coroutine[Any, Any, Any]) -> None:
        async with gate:
            await work

    await asyncio.gather(*(one(work) for work in works))


def number_of(queue: str) -> str:
    """The service number of a queue."""
    return "+49" + ("999999" if queue == ALONE else f"{int(queue[1:]) + 100_000}")


@asynccontextmanager
async def facts_feed() -> AsyncIterator[tuple[MemoryLog, int]]:
    """A feed of facts, and its port."""
    log = MemoryLog()
    server = grpc.aio.server()
    add_LogServiceServicer_to_server(LogServicer(log), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield log, port
    finally:
        await server.stop(None)


async def until_it_leads(channel: grpc.aio.Channel) -> None:
    """Wait until a process answers."""
    stub = phone_system_service_pb2_grpc.PhoneSystemServiceStub(channel)
    while True:
        with suppress(grpc.aio.AioRpcError):
            await stub.ListStaticPlans(phone.ListStaticPlansRequest(source_id=SOURCE), timeout=5)
            return
        await asyncio.sleep(0.005)


async def measure(count: int, options: argparse.Namespace, dsn: str, folder: Path) -> float:
    """One size: prepare, run, kill; the p99 in milliseconds."""
    issuer = LocalIssuer(folder / "issuer")
    token = issuer.mint(TENANT, "bench", scopes=SCOPES, sources=("*",))
    (folder / "feed.token").write_text(token)
    async with AsyncExitStack() as stack:
        facts, port = await stack.enter_async_context(facts_feed())
        told = environment(dsn, issuer, port, folder)
        subprocess.run([sys.executable, "-m", "ivr_routing", "migrate"], env=told, check=True)  # noqa: ASYNC221  # ours, once
        first = Routing(told)
        stack.callback(first.end)
        channel = await stack.enter_async_context(client.connect(first.address(), token=token))
        await until_it_leads(channel)
        bench = Bench(channel, facts, options)
        await bench.prepare(count)
        second = Routing(told)
        stack.callback(second.end)
        channel_to_second = await stack.enter_async_context(client.connect(second.address(), token=token))
        await asyncio.sleep(SETTLING_SECONDS)
        gc.freeze()  # a pause of the caller's collector would be taken for one of routing
        cpu = psutil.Process(first.process.pid).cpu_times()
        times = await bench.run(count)
        spent = psutil.Process(first.process.pid).cpu_times()
        report(
            f"{count} agents",
            times,
            bench,
            (spent.user + spent.system - cpu.user - cpu.system) / (options.rate * options.seconds),
        )
        await successors(bench, first, second, lambda: until_it_leads(channel_to_second), told, token)
    return quantile(times, 99)


async def successors(
    bench: Bench,
    first: Routing,
    second: Routing,
    second_leads: Callable[[], Awaitable[None]],
    told: dict[str, str],
    token: str,
) -> None:
    """Kill the leader with as many live contacts as asked for; time the one that stood by, then a fresh start."""
    await _all(bench.start(number_of(ALONE)) for _ in range(max(0, bench.options.live - bench.options.waiting)))
    first.end(signal.SIGKILL)
    began = time.monotonic()
    await second_leads()
    standing_by = time.monotonic() - began
    second.end(signal.SIGKILL)
    third = Routing(told)
    try:
        async with client.connect(third.address(), token=token) as channel:
            await until_it_leads(channel)
            fresh = time.monotonic() - third.began
    finally:
        third.end()
    print(f"  successor with {bench.options.live} live contacts: standing by {standing_by:.2f} s, fresh {fresh:.2f} s")


def environment(dsn: str, issuer: LocalIssuer, port: int, folder: Path) -> dict[str, str]:
    """What a process is told."""
    return os.environ | {
        "HOLDFAST_DATABASE_URL": dsn,
        "HOLDFAST_JWKS": str(issuer.jwks),
        "HOLDFAST_ISSUER": ISSUER,
        "HOLDFAST_AUDIENCE": AUDIENCE,
        "HOLDFAST_IVR_ROUTING_GRPC_ADDRESS": "127.0.0.1:0",
        "HOLDFAST_IVR_ROUTING_FEED": f"grpc://127.0.0.1:{port}",
        "HOLDFAST_IVR_ROUTING_FEED_TOKEN_FILE": str(folder / "feed.token"),
        "HOLDFAST_IVR_ROUTING_LIMITS__DRAIN_WAIT": "0.2",
        "HOLDFAST_IVR_ROUTING_HEARTBEAT": "3600",
        "HOLDFAST_IVR_ROUTING_LIMITS__UNARY_PER_CALLER": "4096",
    }


def passable(name: str) -> Path:
    """A folder that Postgres' own account may pass through."""
    folder = Path(name)
    folder.chmod(0o711)
    return folder


def quantile(times: list[float], percent: int) -> float:
    """A percentile in milliseconds."""
    return statistics.quantiles(times, n=100)[percent - 1] * 1_000 if len(times) > 1 else float("nan")


def report(title: str, times: list[float], bench: Bench, cpu_seconds: float) -> None:
    """Print one size."""
    p50, p99 = quantile(times, 50), quantile(times, 99)
    print(
        f"{title}: {len(times)} served at {bench.options.rate:.0f}/s, p50 {p50:.1f} ms, p99 {p99:.1f} ms, "
        f"{cpu_seconds * 1e6:.0f} µs of routing's CPU a contact, {bench.unserved} unserved, {bench.failed} failed, "
        f"{bench.unheard} heartbeats unheard",
        flush=True,
    )


async def main() -> None:
    """Measure every size asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--agents", type=int, nargs="+", default=[100, 10_000])
    parser.add_argument("--queues", type=int, default=0, help="0: a twentieth of the agents, 500 at most")
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--waiting", type=int, default=2_000)
    parser.add_argument("--live", type=int, default=5_000)
    parser.add_argument("--no-heartbeats", dest="heartbeats", action="store_false")
    options = parser.parse_args()
    queues = options.queues
    p99 = {}
    for count in options.agents:
        options.queues = queues or min(500, max(1, count // 20))
        with tempfile.TemporaryDirectory() as name:
            folder = passable(name)
            with EmbeddedPostgres(Path(name, "postgres")) as server:
                p99[count] = await measure(count, options, server.create_database("routing"), folder)
    if len(p99) > 1:
        print(f"p99 of the largest / p99 of the smallest: {p99[max(p99)] / p99[min(p99)]:.2f}")


if __name__ == "__main__":
    uvloop.run(main())
