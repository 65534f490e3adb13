"""How processes start and how they refuse to; a program of its own for each case, run for real."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest

from holdfast_testing import eventually

PROGRAM = """
import asyncio
from contextlib import asynccontextmanager
from service_host import echo, process
from service_host.authorisation import Policy
from service_host.edge import Edge
from service_host.errors import Unavailable
from service_host.grpc_host import GrpcHost


@asynccontextmanager
async def part(name):
    print("open", name, flush=True)
    yield
    print("close", name, flush=True)


async def never():
    await asyncio.Event().wait()


async def fail():
    await asyncio.sleep(0.2)
    raise ValueError("0170 1234567")


def echoing(settings, policy=echo.POLICY):
    host = GrpcHost(Edge(settings, policy))
    host.add(echo.add_echo_to_server, echo.Echo())
    return host


async def open_service(settings, service):
{body}


process.run("sample", echo.EchoSettings, open_service)
"""
Run: TypeAlias = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    """Start a program whose ``open_service`` has this body."""
    started: list[asyncio.subprocess.Process] = []

    async def start(body: str, *arguments: str, **settings: str) -> asyncio.subprocess.Process:
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        path = tmp_path / "program.py"
        path.write_text(PROGRAM.replace("{body}", lines))
        named = {f"HOLDFAST_ECHO_{key}": value for key, value in settings.items()}
        command = (sys.executable, "-W", "error", str(path), *(arguments or ("--insecure-dev", "--ready-json")))
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **named}, stdout=pipe, stderr=pipe)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, str, str]:
    async with asyncio.timeout(30):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


async def line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        return (await process.stdout.readline()).decode().strip()


async def ready(process: asyncio.subprocess.Process) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await line(process))
    return found


async def test_parts_open_in_order_and_close_in_reverse(run: Run) -> None:
    body = 'await service.enter(part("log"))\nawait service.enter(part("folds"))\nservice.serve(echoing(settings))'
    process = await run(body)
    assert [await line(process), await line(process)] == ["open log", "open folds"]
    assert (await ready(process))["ready"] is True
    process.send_signal(signal.SIGTERM)
    assert (await ended(process))[:2] == (0, "close folds\nclose log\n")


async def test_an_interrupt_drains_too(run: Run) -> None:
    process = await run("service.serve(echoing(settings))")
    await ready(process)
    process.send_signal(signal.SIGINT)
    assert (await ended(process))[0] == 0


async def test_a_signal_while_it_opens_ends_it_at_once(run: Run) -> None:
    process = await run('await service.enter(part("log"))\nawait never()')
    assert await line(process) == "open log"
    process.send_signal(signal.SIGTERM)
    assert (await ended(process))[:2] == (0, "close log\n")


async def test_a_part_that_ends_ends_the_process_with_failure_and_without_its_text(run: Run) -> None:
    process = await run('service.background("folds", fail())\nservice.serve(echoing(settings))')
    code, _, log = await ended(process)
    assert code == 1
    assert '"part": "folds"' in log
    assert "1234567" not in log


async def test_a_service_that_cannot_open_says_why_without_the_text_of_strangers(run: Run) -> None:
    code, _, log = await ended(await run('raise ValueError("0170 1234567")'))
    assert (code, "1234567" in log, '"error_class": "ValueError"' in log) == (1, False, True)
    code, _, log = await ended(await run('raise Unavailable("DATABASE_UNAVAILABLE", "The database is away.")'))
    assert (code, "The database is away." in log) == (1, True)


async def test_wrong_settings_end_the_start_with_one_sentence_each(run: Run) -> None:
    process = await run("service.serve(echoing(settings))", GRPC_ADDRESS="nowhere", LOG_LEVEL="loud")
    code, out, err = await ended(process)
    assert (code, out, len(err.splitlines())) == (2, "", 2)
    assert err.startswith("HOLDFAST_ECHO_GRPC_ADDRESS: must be host:port")


async def test_without_credentials_it_does_not_start(run: Run) -> None:
    code, _, err = await ended(await run("service.serve(echoing(settings))", "--ready-json"))
    assert (code, "JWKS must name the keys" in err) == (2, True)


async def test_an_undeclared_method_ends_the_start_before_anything_listens(run: Run) -> None:
    code, out, err = await ended(await run("service.serve(echoing(settings, Policy({})))"))
    assert (code, out) == (2, "")
    assert "/holdfast.echo.v1.EchoService/Say is served but has no rule in the policy." in err


@pytest.mark.parametrize("shared", [False, True])
async def test_a_port_that_is_taken_ends_the_start_with_a_sentence(run: Run, *, shared: bool) -> None:
    with socket.socket() as taken:
        if shared:  # who would share it must not get our callers
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, out, err = await ended(await run('await service.enter(part("log"))', GRPC_ADDRESS=address))
    assert (code, out) == (2, "")
    assert err == f"Cannot listen at {address}: Address already in use; name another port (0 takes a free one).\n"


async def test_nobody_can_share_the_port_of_a_running_process(run: Run) -> None:
    process = await run("service.serve(echoing(settings))")
    port = int((await ready(process))["grpc"].rpartition(":")[2])
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with pytest.raises(OSError, match="in use"):
            thief.bind(("127.0.0.1", port))


async def test_it_is_ready_only_while_its_checks_agree(run: Run, tmp_path: Path) -> None:
    marker = tmp_path / "database-is-there"
    body = f"async def check():\n    from pathlib import Path\n    return Path({str(marker)!r}).exists()\n"
    body += 'service.ready_when("database", check)\nservice.serve(echoing(settings))'
    process = await run(body, ADMIN_ADDRESS="127.0.0.1:0")
    admin = f"http://{(await ready(process))['admin']}"
    async with httpx.AsyncClient(base_url=admin) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (503, {"serving": True, "database": False})
        marker.touch()
        await eventually(lambda: _status(client, 200))
        assert "holdfast_calls_total" in (await client.get("/metrics")).text
        assert (await client.get("/anything")).status_code == 404


async def _status(client: httpx.AsyncClient, expected: int) -> bool:
    return (await client.get("/readyz")).status_code == expected
