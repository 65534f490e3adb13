"""Real processes, told to stop while they are busy."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import httpx
import pytest
from google.protobuf.wrappers_pb2 import BytesValue

from holdfast_testing import eventually
from service_host import client
from service_host.auth import LocalIssuer
from service_host.local_issuer import ISSUER
from service_host_testing import Credentials, echo_method

HELLO = BytesValue(value=b"hello")
CALLERS = 16


class Running:
    """An echo process: its addresses, and how it ends."""

    def __init__(self, process: asyncio.subprocess.Process, ready: dict[str, Any]) -> None:
        self.process = process
        self.grpc: str = ready["grpc"]
        self.http: str = ready["http"]
        self.admin: str = ready["admin"]

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    async def exit_code(self) -> int:
        async with asyncio.timeout(30):
            return await self.process.wait()


Start: TypeAlias = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start(issuer: LocalIssuer) -> AsyncIterator[Start]:
    """Start an echo process and wait until it says that it is ready."""
    started: list[Running] = []

    async def run(**settings: str) -> Running:
        doors = {"HTTP_ADDRESS": "127.0.0.1:0", "ADMIN_ADDRESS": "127.0.0.1:0", "JWKS": str(issuer.jwks)}
        named = {f"HOLDFAST_ECHO_{key}": value for key, value in {**doors, "ISSUER": ISSUER, **settings}.items()}
        command = (sys.executable, "-W", "error", "-m", "service_host.echo", "--ready-json")
        process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **named}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        async with asyncio.timeout(30):
            line = await process.stdout.readline()
        assert line, (await process.communicate())[1].decode()
        started.append(Running(process, json.loads(line)))
        return started[-1]

    yield run
    for running in started:
        if running.process.returncode is None:
            running.process.kill()
        await running.process.communicate()


class Load:
    """Callers that never pause; what became of each call."""

    def __init__(self, call: Callable[[], Awaitable[object]]) -> None:
        self._call = call
        self._ending = False
        self.ok = 0
        self.failed: list[str] = []

    async def caller(self) -> None:
        while not self._ending:
            try:
                await self._call()
                self.ok += 1
            except Exception as error:  # noqa: BLE001 - every failure counts
                self.failed.append(repr(error))

    async def has_done(self, more: int) -> None:
        wanted = self.ok + more
        await eventually(lambda: self.ok >= wanted)

    def end(self) -> None:
        self._ending = True


@asynccontextmanager
async def loading(call: Callable[[], Awaitable[object]]) -> AsyncIterator[Load]:
    load = Load(call)
    async with asyncio.TaskGroup() as callers:
        for _ in range(CALLERS):
            callers.create_task(load.caller())
        yield load
        load.end()


async def test_a_rolling_restart_under_load_fails_no_call(start: Start, issuer: LocalIssuer) -> None:
    old, new = await start(), await start()
    token = issuer.mint("acme", "tester", scopes=["echo"])
    async with client.connect(f"{old.grpc},{new.grpc}", token=token) as channel:
        say = echo_method(channel, "Say")
        async with loading(lambda: say(HELLO)) as load:
            await load.has_done(200)
            old.terminate()
            assert await old.exit_code() == 0
            await load.has_done(200)
    assert load.failed == []


async def test_calls_under_way_when_a_process_is_told_to_stop_are_answered(
    start: Start, credentials: Credentials
) -> None:
    running = await start()
    async with client.connect(running.grpc) as channel, httpx.AsyncClient(base_url=f"http://{running.http}") as web:
        slow = echo_method(channel, "Wait")(BytesValue(value=b"1500"), metadata=credentials())
        posted = asyncio.create_task(web.post("/v1/echo:wait", json={"text": "1500"}, headers=dict(credentials())))
        fast = echo_method(channel, "Say")
        await fast(HELLO, metadata=credentials())
        running.terminate()
        assert await slow == BytesValue(value=b"1500")
        assert (await posted).json() == {"text": "1500"}
    assert await running.exit_code() == 0


async def test_a_process_told_to_stop_is_not_ready_but_still_answers(start: Start, credentials: Credentials) -> None:
    running = await start()
    async with client.connect(running.grpc) as channel, httpx.AsyncClient(base_url=f"http://{running.admin}") as admin:
        assert (await admin.get("/readyz")).status_code == 200
        slow = echo_method(channel, "Wait")(BytesValue(value=b"1000"), metadata=credentials())
        await echo_method(channel, "Say")(HELLO, metadata=credentials())
        running.terminate()
        await eventually(lambda: _answers(admin, 503))
        assert (await admin.get("/healthz")).status_code == 200
        assert await echo_method(channel, "Say")(HELLO, metadata=credentials()) == HELLO
        await slow
    assert await running.exit_code() == 0


async def test_a_second_signal_ends_the_draining(start: Start, credentials: Credentials) -> None:
    running = await start(LIMITS__DRAIN_GRACE="60")
    async with client.connect(running.grpc) as channel, httpx.AsyncClient(base_url=f"http://{running.admin}") as admin:
        stuck = echo_method(channel, "Wait")(BytesValue(value=b"60000"), metadata=credentials(), timeout=60)
        await echo_method(channel, "Say")(HELLO, metadata=credentials())
        running.terminate()
        await eventually(lambda: _answers(admin, 503))
        running.terminate()
        async with asyncio.timeout(40):
            assert await running.exit_code() == 0
        stuck.cancel()


async def _answers(admin: httpx.AsyncClient, status: int) -> bool:
    return (await admin.get("/readyz")).status_code == status
