"""The door for those who run the process: is it alive, is it ready, what are its figures. No tenant's data is here."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from starlette.types import Receive, Scope, Send

from service_host import telemetry
from service_host.asgi_server import AsgiServer

CHECK_SECONDS = 2.0
REMEMBERED_SECONDS = 1.0
Check = Callable[[], Awaitable[bool]]


class Readiness:
    """Whether the process wants calls: it says so itself, and all its checks agree."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._answers: dict[str, bool] = {}
        self._asked_at = float("-inf")
        self.serving = False

    def add(self, name: str, check: Check) -> None:
        """One more thing that must hold."""
        self._checks[name] = check

    async def answers(self) -> dict[str, bool]:
        """Each check's answer, asked at most once a second and for no longer than a check may take."""
        if time.monotonic() - self._asked_at > REMEMBERED_SECONDS:
            self._asked_at = time.monotonic()
            found = await asyncio.gather(*(asked(check) for check in self._checks.values()))
            self._answers = dict(zip(self._checks, found, strict=True))
        return {"serving": self.serving, **self._answers}


async def asked(check: Check) -> bool:
    """Return the check's answer; no if it fails or takes too long."""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except Exception:  # noqa: BLE001  # a check that fails is a no
        return False


class AdminHost:
    """Serves ``/healthz``, ``/readyz`` and ``/metrics`` at ``address`` (or nowhere if it is not set)."""

    door = "admin"

    def __init__(self, address: str | None, readiness: Readiness) -> None:
        self._server = AsgiServer(self.answer, address) if address else None
        self._readiness = readiness

    @property
    def address(self) -> str | None:
        """Where it is served, with the real port once started."""
        return self._server.address if self._server else None

    async def start(self) -> None:
        """Bind and answer."""
        if self._server is not None:
            await self._server.start()

    async def stop(self) -> None:
        """Close at once."""
        if self._server is not None:
            await self._server.stop(timedelta(seconds=1))

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        del receive
        if scope["type"] == "http":
            status, kind, body = await self._found(scope)
            headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    async def _found(self, scope: Scope) -> tuple[int, bytes, bytes]:
        if scope["path"] == "/healthz":
            return 200, b"text/plain", b"alive\n"
        if scope["path"] == "/readyz":
            answers = await self._readiness.answers()
            return (200 if all(answers.values()) else 503), b"application/json", _json(answers)
        if scope["path"] == "/metrics":
            return 200, b"text/plain; version=0.0.4; charset=utf-8", telemetry.exposition()
        return 404, b"text/plain", b"/healthz /readyz /metrics\n"


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content).encode() + b"\n"
